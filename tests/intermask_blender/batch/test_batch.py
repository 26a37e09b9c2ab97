"""Generation without a window, as one runs it: child processes, real files, real renders, a small real model."""

from __future__ import annotations

import csv
import html
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import blender_scene  # first: it sets Blender's user folder
import bpy
import numpy as np
import pytest
from blender_scene import dancer, empty_scene, joints_in_blender
from repository import REPOSITORY
from smpl_files import smpl_arrays, write_npz

from intermask_blender.batch.__main__ import main
from intermask_blender.batch.jobs import Job, read_jobs
from intermask_blender.batch.options import parse
from intermask_blender.batch.records import FileHashes, motion_hash
from intermask_blender.generator.client import Request, WorkerClient
from intermask_blender.rig.build import build_armature
from intermask_blender.rig.capture import capture_motion
from intermask_blender.rig.key import key_posed
from model_core.errors import UserError
from model_core.motion import PosedSkeleton
from model_core.motion.interaction_file import load_npz
from model_core.motion.interhuman import Y_UP_FROM_Z_UP
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import axis_angle_from_quaternion, matrix_from_quaternion, quaternion_from_matrix

assert blender_scene


def run(*arguments: object, timeout: float = 900.0) -> subprocess.CompletedProcess[str]:
    """``python -m intermask_blender.batch`` in a process of its own."""
    command = [sys.executable, "-m", "intermask_blender.batch", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    environment["PYTHONPATH"] = str(REPOSITORY)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout)


def files_in(folder: Path) -> set[str]:
    """All files below, hidden ones too: a temporary file left over would be one."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_prompt_alone_becomes_a_film_and_files(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "renders"
    done = run(
        "--prompt", "Two people hug!", "--seconds", 0.5, "--model", model, "--out", out, "--resolution", "320x180"
    )
    assert done.returncode == 0, done.stderr
    assert "1 of 1 done" in done.stdout and "0 failed" in done.stdout
    stem = "two_people_hug"
    assert files_in(out) == {f"{stem}.mp4", f"{stem}.blend", f"{stem}.npz", f"{stem}_1.bvh", f"{stem}_2.bvh"}
    film = (out / f"{stem}.mp4").read_bytes()
    assert film[4:8] == b"ftyp" and len(film) > 2000

    saved = load_npz(out / f"{stem}.npz")
    assert saved.text == "Two people hug!" and saved.model == "small" and saved.seed == 0
    bpy.ops.wm.open_mainfile(filepath=str(out / f"{stem}.blend"))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end, scene.render.fps) == (1, 16, 30)
    assert scene.render.engine == "BLENDER_WORKBENCH" and scene.camera is not None
    people = [bpy.data.objects["Person 1"], bpy.data.objects["Person 2"]]
    for person, posed in zip(people, saved.people, strict=True):
        motion, _ = capture_motion(person, scene)
        lift = motion.joints[..., 1] - posed.joints()[..., 1]
        assert np.ptp(lift) < 1e-4 and 0.0 < lift.mean() < 0.08
    everyone_in_the_picture(scene, people)

    bpy.ops.import_anim.bvh(filepath=str(out / f"{stem}_2.bvh"), axis_forward="-Z", axis_up="Y")
    imported = bpy.context.view_layer.objects.active
    for frame in (1, 12):
        scene.frame_set(frame)
        np.testing.assert_allclose(joints_in_blender(imported), saved.people[1].joints()[frame - 1], atol=1e-3)


def everyone_in_the_picture(scene: bpy.types.Scene, people: list[bpy.types.Object]) -> None:
    """Every joint of every frame lies inside the camera's picture."""
    from bpy_extras.object_utils import world_to_camera_view

    for frame in range(scene.frame_start, scene.frame_end + 1, 4):
        scene.frame_set(frame)
        for person in people:
            for bone in person.pose.bones:
                seen = world_to_camera_view(scene, scene.camera, person.matrix_world @ bone.head)
                assert 0.0 < seen.x < 1.0 and 0.0 < seen.y < 1.0 and seen.z > 0.0


@pytest.mark.slow
def test_a_failing_row_does_not_stop_the_others(model: Path, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs.csv"
    leader = dancer(1, frames=20)
    from model_core.motion.bvh_writer import write_bvh

    write_bvh(tmp_path / "leader.bvh", leader)
    cut = (tmp_path / "leader.bvh").read_bytes()
    (tmp_path / "cut.bvh").write_bytes(cut[: len(cut) - 1000])
    rows = [
        "prompt,seconds,seed,leader,name",
        '"first, they hug",0.5,7,,hug',
        "they hug,10000,,,endless",
        "they hug,0,,,nothing",
        "they hug,much,,,odd",
        ",1,,,silent",
        f"they hug,1,,{tmp_path / 'cut.bvh'},cut",
        "they hug,1,,Nobody,nobody",
        f"they hug,,2,{tmp_path / 'leader.bvh'},reaction",
    ]
    jobs.write_text("\n".join(rows), encoding="utf-8")
    out = tmp_path / "out"
    here = os.path.relpath(out)  # Blender takes relative places for the .blend file's
    arguments = ("--jobs", jobs, "--model", model, "--out", here, "--render", "png", "--resolution", "160x90")
    done = run(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 of 8 done" in done.stdout and "Traceback" not in done.stderr
    summary = done.stdout[done.stdout.index("2 of 8 done") :].splitlines()[1:]
    lines = dict(zip(("endless", "nothing", "odd", "silent", "cut", "nobody"), summary, strict=True))
    for name, sentence in (
        ("endless", "10000 seconds"),
        ("nothing", "0 seconds"),
        ("odd", "'much'"),
        ("silent", "prompt is empty"),
        ("cut", "cut.bvh"),
        ("nobody", "no leader Nobody"),
    ):
        assert f"{name} (jobs.csv, line" in lines[name] and sentence in lines[name]
    made = {"hug": 16, "reaction": 20}
    expected = {f"{name}{end}" for name in made for end in (".blend", ".npz", "_1.bvh", "_2.bvh")}
    expected |= {f"{name}/frame_{n:04}.png" for name, frames in made.items() for n in range(1, frames + 1)}
    expected |= {f"pictures/{name}.{kind}" for name in made for kind in ("png", "js")} | {"report.csv", "report.html"}
    expected |= {
        f"records/{name}.json" for name in ("hug", "endless", "nothing", "odd", "silent", "cut", "nobody", "reaction")
    }
    assert files_in(out) == expected
    pair = load_npz(out / "reaction.npz")
    np.testing.assert_allclose(pair.people[0].joints(), leader.joints(), atol=0.03)
    picture = bpy.data.images.load(str(out / "hug" / "frame_0001.png"))
    pixels = np.array(picture.pixels[:]).reshape(90, 160, 4)
    # Both people's colours are in the picture.
    red, blue = pixels[..., 0], pixels[..., 2]
    assert (red > 1.5 * blue).sum() > 15 and (blue > 1.5 * red).sum() > 15


@pytest.mark.slow
def test_a_leader_of_amass_is_followed(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leader = dancer(4, frames=24)
    poses = axis_angle_from_quaternion(leader.rotations)
    z_up = Y_UP_FROM_Z_UP.T
    poses[:, 0] = axis_angle_from_quaternion(
        quaternion_from_matrix(z_up @ matrix_from_quaternion(leader.rotations[:, 0]))
    )
    hands = np.zeros((len(leader), 30 * 3))
    trans = leader.translation @ z_up.T
    np.savez(
        tmp_path / "amass.npz", poses=np.hstack((poses.reshape(len(poses), -1), hands)), trans=trans, mocap_framerate=30
    )
    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    jobs.write_text(
        "prompt;seconds;leader;name\nthey hug;0,6;amass.npz;a\nthey hug;5;amass.npz;long\n", encoding="utf-8"
    )
    assert main(["--jobs", str(jobs), "--model", str(model), "--render", "none", "--out", str(out)]) == 1
    shown = capsys.readouterr()
    assert "amass.npz: SMPL poses, Z up, metres, 30 fps; hands and body shape left out" in shown.out
    assert "The leader has 24 frames and 150 were asked for" in shown.err
    followed = load_npz(out / "a.npz").people[0].joints()
    own = PosedSkeleton(SMPL_REST_OFFSETS, leader.rotations, leader.translation).joints()[:18]
    # The body is our own, put on the floor: as the leader turns and goes, it does.
    lift = followed[..., 1] - own[..., 1]
    np.testing.assert_allclose(followed[..., (0, 2)], own[..., (0, 2)], atol=0.02)
    assert np.ptp(lift) < 0.04


@pytest.mark.slow
def test_an_opened_scene_keeps_its_own_camera_and_gives_a_leader(model: Path, tmp_path: Path) -> None:
    scene, person = empty_scene(25.0), dancer(2)
    leader = build_armature("Lead", person.offsets, scene.collection)
    key_posed(person, leader, scene, 100, "Lead")
    camera = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    blend = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    out = tmp_path / "out"
    arguments = ["--prompt", "they hug", "--leader", "Lead", "--model", str(model), "--out", str(out), "--name", "re"]
    assert main([*arguments, "--render", "none"]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(out / "re.blend"))
    scene = bpy.context.scene
    assert scene.camera.name == "Mine" and "Floor" not in bpy.data.objects and scene.render.fps == 25
    reactor = bpy.data.objects["Person 2"]
    assert "Person 1" not in bpy.data.objects
    assert reactor.animation_data.action.frame_range[0] == scene.frame_start == 100
    assert bpy.data.objects["Lead"].animation_data.action.frame_range[:] == pytest.approx((100, 174), abs=1)
    assert files_in(out) == {"re.blend", "re.npz", "re_1.bvh", "re_2.bvh"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "either --prompt TEXT or --jobs FILE"),
        (["--prompt", "x", "--jobs", "y.csv"], "either --prompt TEXT or --jobs FILE"),
        (["--prompt", "x", "--seconds", "many"], "invalid float value"),
        (["--prompt", "x", "--nonsense"], "nonsense"),
        (["--prompt", "x", "--resolution", "big"], "WIDTHxHEIGHT"),
        (["--prompt", "x", "--resolution", "101x50"], "even"),
        (["--prompt", "x", "--fps", "0"], "1 to 240"),
        (["--prompt", "x", "--name", "a/b"], "cannot be a file name"),
        (["--prompt", "x", "--model", "gone"], "no model called gone"),
        (["--prompt", "x", "--shard", "9/8"], "third of eight"),
        (["--prompt", "x", "--characters", "a;b;c"], "at most two"),
        (["--prompt", "x", "--batch", "0"], "choose 1 to 64"),
        (["--prompt", "x", "--body", "a;b;c"], "at most two"),
        (["--jobs", "gone.csv"], "Cannot read"),
        (["--jobs", "gone.xls"], "neither .csv nor .jsonl"),
    ],
)
def test_wrong_arguments_are_told_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert sentence in message and message.startswith("intermask: ") and message.count("\n") == 1


def test_jobs_are_read_from_csv_and_json_lines(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "jobs.csv"
    table.write_text(
        "\ufeffname, prompt ,seed\na,they hug,3\n,they hug,\n,they hug,4,5\nA,they box,1\n", encoding="utf-8"
    )
    first, second, broken, twice = read_jobs(table, Job("", 2.5, 9))
    assert (first.name, first.prompt, first.seed, first.seconds) == ("a", "they hug", 3, 2.5)
    assert (second.name, second.seed) == ("they_hug", 9) and broken.error and "used by an earlier row" in twice.error
    lines = tmp_path / "jobs.jsonl"
    lines.write_text(
        '{"prompt": "they hug", "seconds": 3}\n\nnot json\n{"prompt": "x", "sed": 1}\n{"prompt": "Они 🤝"}\n'
    )
    good, odd, unknown, foreign = read_jobs(lines, Job(""))
    assert good.seconds == 3.0 and good.name == "they_hug" and odd.error and "'sed'" in unknown.error
    assert foreign.prompt == "Они 🤝" and foreign.name == "они" and not foreign.error
    (tmp_path / "none.csv").write_text("prompt\n")
    with pytest.raises(UserError, match="holds no jobs"):
        read_jobs(tmp_path / "none.csv", Job(""))
    (tmp_path / "odd.csv").write_text("promt\nx\n")
    with pytest.raises(UserError, match="'promt'"):
        read_jobs(tmp_path / "odd.csv", Job(""))
    options = parse(["--jobs", str(table), "--model", str(model), "--python", "/opt/python", "--render", "none"])
    assert options.model == model and options.python == Path("/opt/python") and options.render.output == "none"


def test_a_folder_that_cannot_be_written_fails_the_row(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    arguments = ["--prompt", "they hug", "--seconds", "1", "--model", str(model), "--render", "none"]
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main([*arguments, "--out", str(tmp_path / "file" / "out")]) == 1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert files_in(tmp_path) == {"file"}


STOPPED_IN_A_HANDLER = """
import os, signal, sys
import bpy
from intermask_blender.batch.__main__ import main

scenes = []

@bpy.app.handlers.persistent
def opened(*_):
    scenes.append(1)
    if len(scenes) == 3:
        os.kill(os.getpid(), signal.SIGINT)

bpy.app.handlers.load_post.append(opened)
code = main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)
"""
"""Ctrl-C while Blender calls a handler of the third row's scene, out of which nothing that is raised comes."""


def stopped_run(how: str, arguments: list[str]) -> int:
    """Run a batch that is stopped at its third row; its exit code."""
    start = ["-c", STOPPED_IN_A_HANDLER] if how == "handler" else ["-m", "intermask_blender.batch"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, *start, *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if how != "handler" and line.startswith("[3/6]"):
                process.send_signal(signal.Signals[how])
                break
        process.stdout.read()
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "handler"])
def test_a_signal_stops_the_run_wherever_it_comes(model: Path, tmp_path: Path, how: str) -> None:
    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    jobs.write_text("prompt,seconds\n" + "they hug,0.6\n" * 6, encoding="utf-8")
    code = stopped_run(how, ["--jobs", str(jobs), "--model", str(model), "--render", "none", "--out", str(out)])
    assert code == 130
    finished = {path.stem for path in (out / "records").iterdir()}
    assert finished >= {"they_hug", "they_hug_2"} and len(finished) < 6 and not list(out.glob(".*"))
    assert how != "handler" or len(finished) == 2
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(finished)


STOPPED_IN_A_RENDER = """
import os, signal, sys
import bpy
from intermask_blender.batch.__main__ import main

@bpy.app.handlers.persistent
def rendered(*_):
    with open("frames", "a") as file:
        file.write("frame\\n")
    if len(open("frames").readlines()) == 4:
        os.kill(os.getpid(), signal.SIGINT)

bpy.app.handlers.render_post.insert(0, rendered)
code = main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)
"""
"""Ctrl-C after the fourth of 18 frames."""


@pytest.mark.slow
@pytest.mark.parametrize("film", ["mp4", "png"])
def test_a_signal_stops_a_film_after_the_frame_and_leaves_no_part_of_it(model: Path, tmp_path: Path, film: str) -> None:
    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    jobs.write_text("prompt,seconds\n" + "they hug,0.6\n" * 2, encoding="utf-8")
    arguments = ["--jobs", jobs, "--model", model, "--out", out, "--render", film, "--engine", "cycles"]
    arguments += ["--samples", "1", "--resolution", "32x32"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", STOPPED_IN_A_RENDER, *map(str, arguments)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 130 and done.stderr.rstrip().endswith("continue with the rows that are left.")
    assert len((tmp_path / "frames").read_text().splitlines()) == 4
    assert files_in(out) == {"report.csv", "report.html"}
    assert {path.name for path in tmp_path.iterdir()} == {"jobs.csv", "out", "frames"}, "temporary folders are gone"


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_where_it_was(model: Path, tmp_path: Path) -> None:
    jobs, out, whole = tmp_path / "jobs.csv", tmp_path / "out", tmp_path / "whole"
    rows = "\n".join(f"clip {index},0.6,{index}" for index in range(6))
    jobs.write_text(f"prompt,seconds,seed\n{rows}\n", encoding="utf-8")
    arguments = ["--jobs", str(jobs), "--model", str(model), "--render", "none"]
    together = [*arguments, "--batch", "4", "--out", str(out)]
    assert stopped_run("SIGKILL", together) == -signal.SIGKILL
    finished = {path.stem for path in (out / "records").iterdir()}
    assert finished >= {"clip_0", "clip_1"} and len(finished) < 6
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*.npz") if path.stem in finished}

    done = run(*together)
    assert done.returncode == 0 and "6 of 6 done" in done.stdout, done.stderr
    assert done.stdout.count("finished before") == len(finished)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    for part in (1, 2):
        assert main([*arguments, "--out", str(whole), "--shard", f"{part}/2"]) == 0
    reports = {f"report{part}.{kind}" for part in ("", "-1-of-2", "-2-of-2") for kind in ("csv", "html")}
    assert files_in(out) - reports == files_in(whole) - reports and not list(out.glob(".*"))
    for index in range(6):
        # A row is the same alone as together with others, but for rounding.
        one, other = (load_npz(folder / f"clip_{index}.npz") for folder in (out, whole))
        for person, same in zip(one.people, other.people, strict=True):
            np.testing.assert_allclose(person.joints(), same.joints(), atol=1e-4)
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["outcome"] for row in table].count("skipped") == len(finished) and len(table) == 6
    assert all((out / row["picture"]).stat().st_size > 500 for row in table)

    (out / "clip_2.npz").unlink()
    jobs.write_text(
        f"prompt,seconds,seed\n{rows}\nclip 6,0.6,1\n".replace("clip 5,0.6,5", "clip 5,0.7,5"), encoding="utf-8"
    )
    assert main([*arguments, "--out", str(out)]) == 0
    assert len(load_npz(out / "clip_5.npz").people[0]) == 21 and (out / "clip_2.npz").exists()
    nothing_left = [*arguments, "--out", str(out), "--python", str(tmp_path / "no python")]
    assert main(nothing_left) == 0, "what is finished needs no generator"


def test_without_a_generator_each_row_says_so(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    jobs.write_text("prompt\nthey hug\nthey bow\n", encoding="utf-8")
    arguments = ["--jobs", str(jobs), "--model", str(model), "--render", "none", "--out", str(out)]
    assert main([*arguments, "--python", str(tmp_path / "no python")]) == 1
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        errors = [row["error"] for row in csv.DictReader(file)]
    assert len(errors) == 2 and all("no python cannot be started" in error for error in errors)
    assert "trying again" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_row_is_tried_again_where_the_generator_dies(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pause, killed = WorkerClient.pause, []

    def killing(self: WorkerClient) -> None:
        if not killed and self.running and self._process is not None:
            killed.append(self._process.pid)
            self._process.kill()
        pause(self)

    monkeypatch.setattr(WorkerClient, "pause", killing)
    arguments = ["--prompt", "they hug", "--seconds", "0.6", "--model", str(model), "--render", "none"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--name", "a"]) == 0
    assert killed and "trying again" in capsys.readouterr().err and (tmp_path / "out" / "a.npz").exists()


@pytest.mark.slow
def test_rows_of_one_length_are_one_request_and_a_fault_of_one_is_its_own(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []
    finished: list[int] = []
    send = WorkerClient.submit

    def noted(self: WorkerClient, kind: str, values: dict[str, Any], arrays: Any = None) -> Request:
        asked.append((kind, len(values.get("prompts", ()))))
        finished.append(len(list(out.glob("records/*.json"))))
        return send(self, kind, values, arrays)

    monkeypatch.setattr(WorkerClient, "submit", noted)
    jobs, out = tmp_path / "jobs.csv", tmp_path / "out"
    rows = ["a,they hug,0.6,1", "z,,0.6,7", "b,they bow,0.6,2", "c,they hug,0.8,3", "d,they kick,0.6,4"]
    rows += ["e,0-9 s: they hug,0.8,5", "f,they sit,0.8,6"]
    jobs.write_text("name,prompt,seconds,seed\n" + "\n".join(rows), encoding="utf-8")
    arguments = ["--jobs", str(jobs), "--model", str(model), "--render", "none"]
    assert main([*arguments, "--out", str(out), "--batch", "3"]) == 1
    # One request for a, b and d, whose neighbour z has no prompt; one for c, e and f. The times of e do not fit, so
    # each of these is asked for alone.
    assert asked == [("generate_batch", 3), ("generate_batch", 3), *[("generate", 0)] * 3]
    made = {path.stem for path in out.glob("*.npz")}
    assert made == {"a", "b", "c", "d", "f"} and "0.8" in (out / "records" / "e.json").read_text(encoding="utf-8")
    assert [len(load_npz(out / f"{name}.npz").people[0]) for name in "abcdf"] == [18, 18, 24, 18, 24]
    assert "prompt is empty" in (out / "records" / "z.json").read_text(encoding="utf-8")

    out = tmp_path / "one by one"
    asked.clear()
    finished.clear()
    assert main([*arguments, "--out", str(out), "--device", "cpu"]) == 1
    assert asked == [("load", 0), *[("generate", 0)] * 6], "on a processor rows go one by one"
    # Each is asked for before the one ahead of it is finished: b with a, as z needs nothing. Not f, as e failed.
    assert finished == [0, 0, 0, 2, 3, 4, 6]


def test_a_row_depends_on_its_body_files_which_are_read_once(tmp_path: Path) -> None:
    body, hashes = tmp_path / "body.npz", FileHashes()
    row, bare = Job("they hug", bodies=("", str(body))), Job("they hug")
    body.write_bytes(b"thin")
    before, stamp = motion_hash(row, (), hashes), body.stat().st_mtime_ns
    body.write_bytes(b"wide")
    os.utime(body, ns=(stamp, stamp))
    assert motion_hash(row, (), hashes) == before, "size and time are the same: it is not read again"
    os.utime(body, ns=(stamp, stamp + 10**9))
    after = motion_hash(row, (), hashes)
    assert len({before, after, motion_hash(bare, (), hashes)}) == 3 and motion_hash(row, (), FileHashes()) == after


@pytest.mark.slow
def test_constraints_of_rows_are_recorded_with_their_errors(model: Path, tmp_path: Path) -> None:
    way = {"type": "root2d", "frame_indices": [0, 12], "smooth_root_2d": [[0.3, 0.9], [0.5, 1.0]], "name": "way"}
    fast = way | {"smooth_root_2d": [[0.3, 0.9], [5.0, 1.0]]}
    (tmp_path / "way.json").write_text(json.dumps([way]))
    rows: list[dict[str, Any]] = [
        {"name": "file", "constraints": "way.json"},
        {"name": "list", "constraints": [way | {"person": 1}]},
        {"name": "fast", "constraints": [fast]},
        {"name": "none"},
    ]
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    jobs.write_text("\n".join(json.dumps({"prompt": "they hug", "seconds": 0.6, **row}) for row in rows))
    arguments = ("--jobs", jobs, "--model", model, "--out", out, "--render", "none", "--batch", 4)
    done = run(*arguments)
    assert done.returncode == 1 and "3 of 4 done" in done.stdout, done.stdout + done.stderr
    errors = {row["name"]: json.loads((out / f"records/{row['name']}.json").read_text()) for row in rows}
    assert "The path 'way'" in errors["fast"]["error"] and "m/s" in errors["fast"]["error"]
    assert errors["none"]["constraint_errors"] == []
    for name in ("file", "list"):
        (error,) = errors[name]["constraint_errors"]
        people = load_npz(out / f"{name}.npz").people
        places = people[name == "list"].translation[[0, 12]][:, [0, 2]]
        expected = np.linalg.norm(places - way["smooth_root_2d"], axis=-1)
        assert error["worst"] == pytest.approx(expected.max(), abs=2e-4), "as measured in the file"
        assert error["worst_frame"] == [0, 12][int(expected.argmax())]
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        table = {row["name"]: row["constraints"] for row in csv.DictReader(file)}
    assert table["file"].startswith("The path 'way': ") and " cm" in table["list"] and table["none"] == ""
    assert table["file"] in done.stdout and html.escape(table["list"]) in (out / "report.html").read_text()
    assert "4 of 4 done" in run(*arguments, "--partly").stdout
    assert run(*arguments, "--partly").stdout.count("finished before") == 4


@pytest.mark.slow
def test_a_row_keys_armatures_of_the_scene_and_is_rendered_later(model: Path, tmp_path: Path) -> None:
    scene = empty_scene()
    for name in ("Ann", "Ben"):
        build_armature(name, dancer(3).offsets, scene.collection)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    jobs, out = tmp_path / "jobs.jsonl", tmp_path / "out"
    body = write_npz(tmp_path / "body.npz", smpl_arrays(24))
    jobs.write_text(
        '{"prompt": "they hug", "seconds": 0.6, "characters": ["Ann", "Ben"], "name": "both"}\n'
        '{"prompt": "they hug", "seconds": 0.6, "characters": "Ann;Carl", "name": "gone"}\n'
        f'{{"prompt": "they hug", "seconds": 0.6, "body": ["", "{body.as_posix()}"], "name": "bodied"}}\n',
        encoding="utf-8",
    )
    arguments = ["--jobs", str(jobs), "--model", str(model), "--out", str(out), "--resolution", "64x64"]
    assert main([*arguments, "--render", "none"]) == 1
    written = (out / "both.npz").stat().st_mtime_ns
    bpy.ops.wm.open_mainfile(filepath=str(out / "both.blend"))
    assert {thing.name for thing in bpy.data.objects if thing.type == "ARMATURE"} == {"Ann", "Ben"}
    assert all(bpy.data.objects[name].animation_data.action for name in ("Ann", "Ben"))
    assert "no armature Carl" in (out / "records" / "gone.json").read_text(encoding="utf-8")
    bpy.ops.wm.open_mainfile(filepath=str(out / "bodied.blend"))
    assert [len(bpy.data.objects[f"Person {number}"].data.bones) for number in (1, 2)] == [22, 24]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    # Films are made where no generator is.
    assert main([*arguments, "--render", "png", "--python", str(tmp_path / "no python")]) == 1
    assert len(list((out / "both").glob("*.png"))) == 18 and (out / "both.npz").stat().st_mtime_ns == written


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as the generator's Python")
def test_the_generators_traceback_outlives_a_failure(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'Traceback of a broken installation' >&2\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    arguments = ["--prompt", "they hug", "--seconds", "0.6", "--model", str(model), "--render", "none"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--python", str(python)]) == 1
    shown = capsys.readouterr()
    (log,) = tmp_path.glob("intermask-batch-*.log")
    assert "Traceback of a broken installation" in log.read_text(encoding="utf-8")
    assert f"details of what failed are in {log}" in shown.err
