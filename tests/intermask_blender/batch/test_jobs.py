"""Files of jobs as spreadsheets, scripts and people write them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from intermask_blender.batch.jobs import Job, named, read_jobs
from intermask_blender.batch.records import FileHashes, motion_hash
from model_core.errors import UserError, printable


def jobs_of(folder: Path, content: str | bytes, name: str = "jobs.csv") -> list[Job]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return read_jobs(path, Job(""))


def test_every_delimiter_and_encoding_of_spreadsheets_is_read(tmp_path: Path) -> None:
    rows = [["name", " Prompt ", "SECONDS", "seed"], ["a", "they bow", "2{point}5", "3"], ["b", "they hug", "", "4.0"]]
    for delimiter in ",;\t|":
        for end in ("\n", "\r\n", "\r"):
            for tail in ("", delimiter, delimiter * 3):
                table = "".join(delimiter.join(row) + tail + end for row in rows)
                table = table.format(point="," if delimiter == ";" else ".")
                for content in (table.encode(), table.encode("utf-8-sig"), table.encode("utf-16")):
                    first, second = jobs_of(tmp_path, content)
                    assert (first.name, first.prompt, first.seconds, first.seed) == ("a", "they bow", 2.5, 3)
                    assert (second.name, second.seconds, second.seed, second.error) == ("b", None, 4, "")
    (job,) = jobs_of(tmp_path, "sep=;\nprompt;seconds\nthey bow, then hug;2\n")
    assert job.prompt == "they bow, then hug" and job.seconds == 2


def test_as_written_is_yes_or_no_in_tables_and_true_or_false_in_json_lines(tmp_path: Path) -> None:
    table = jobs_of(tmp_path, "prompt,as_written\na,yes\nb,FALSE\nc,\nd,1\ne,perhaps\n")
    assert [job.as_written for job in table] == [True, False, False, True, False]
    assert table[4].error == "as_written is 'perhaps'; write yes or no." and not any(job.error for job in table[:4])
    lines = jobs_of(tmp_path, '{"prompt": "a", "as_written": true}\n{"prompt": "b", "as_written": false}\n', "j.jsonl")
    assert [job.as_written for job in lines] == [True, False] and not any(job.error for job in lines)
    ends = jobs_of(tmp_path, "prompt,start_at_rest,settle_at_end\na,no,\nb,,0\nc,,\nd,,soon\n")
    assert [(job.start_at_rest, job.settle_at_end) for job in ends[:3]] == [(False, True), (True, False), (True, True)]
    assert ends[3].error == "settle_at_end is 'soon'; write yes or no."
    plain, written = Job("they hug"), Job("they hug", as_written=True)
    assert motion_hash(plain, (), FileHashes()) != motion_hash(written, (), FileHashes())


def test_quoted_cells_keep_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    first, second, third = jobs_of(
        tmp_path,
        'prompt;characters;seconds\n"they bow;\r\nthen hug";"Rig A;Rig B";4\n"one says ""stop""";;2\na 5" sword;;\n',
    )
    assert first.prompt.split() == ["they", "bow;", "then", "hug"] and first.characters == ("Rig A", "Rig B")
    assert second.prompt == 'one says "stop"' and second.seconds == 2 and third.prompt == 'a 5" sword'
    first, second = jobs_of(tmp_path, "prompt,seconds\ntwo people bow\u2028and hug,2\nthey hug,3\n")
    assert (first.prompt, first.seconds, second.seconds) == ("two people bow\u2028and hug", 2.0, 3.0)
    lines = json.dumps({"prompt": "bow\u2028hug"}, ensure_ascii=False) + "\n" + json.dumps({"prompt": "they kick"})
    assert [job.prompt for job in jobs_of(tmp_path, lines, "jobs.jsonl")] == ["bow\u2028hug", "they kick"]


def test_empty_rows_and_columns_are_ignored_and_full_ones_without_a_name_are_not(tmp_path: Path) -> None:
    jobs = jobs_of(
        tmp_path, "\r\n,,\r\nprompt,,seconds,,\r\n\r\nthey bow,,1,,\r\n,,,,\r\n ,\t,,\r\nthey hug\r\nx,y,1\r\n"
    )
    assert [(job.prompt, job.seconds, bool(job.error)) for job in jobs] == [
        ("they bow", 1.0, False),
        ("they hug", None, False),
        ("", None, True),
    ]
    assert jobs[0].where == "jobs.csv, line 5" and "more fields" in jobs[2].error
    with pytest.raises(UserError, match="two columns called seconds"):
        jobs_of(tmp_path, "prompt,seconds,Seconds\nx,1,2\n")


def test_an_open_quotation_mark_costs_its_own_row_only(tmp_path: Path) -> None:
    for closing in ("", 'good "3",1\n"a, quoted",1\n'):
        jobs = jobs_of(tmp_path, f'prompt,seconds\ngood 1,1\n"open,1\ngood 2,1\n{closing}last,1\n')
        assert "quotation marks" in jobs[1].error and jobs[1].where == "jobs.csv, line 3"
        prompts = [job.prompt for job in jobs if not job.error]
        assert prompts[:2] == ["good 1", "good 2"] and prompts[-1] == "last"


RESERVED = ["records", "Pictures", "CON", "nul", "com1", "LPT9", "aux.v2", "COM\u00b9", "a.npz", "shot.PNG", "..", "x."]
UNUSABLE = ["n" * 300, "\u00e9" * 95, "a/b", "..\\..\\x", "a:b", "a\u0085b"]


@pytest.mark.parametrize("name", [*RESERVED, *UNUSABLE])
def test_a_name_that_cannot_be_used_is_a_fault_with_a_safe_record(name: str) -> None:
    bad, good = named([Job("they hug", name=name), Job("they hug", name="good")])
    assert bad.error and len(bad.error) < 250 and good == Job("they hug", name="good")
    again = named([Job("they hug", name=bad.name)])[0]
    assert not again.error and len(bad.name.encode()) < 200
    made = named([Job(name[:60])])[0]
    assert not made.error and not named([Job("x", name=made.name)])[0].error, "a name made from a prompt is usable"


def test_a_row_with_the_name_of_another_does_not_take_its_record() -> None:
    first, second, third = named([Job("they hug", name="e\u0301"), Job("x", name="\u00c9"), Job("x", name="e\u0301 2")])
    assert second.error and len({first.name, second.name, third.name}) == 3 and not third.error


def test_numbers_that_are_none_are_faults(tmp_path: Path) -> None:
    bad = ["nan", "inf", "-inf", "1e999", "0", "-3", "many", "4;5", "9" * 5000]
    for line, job in zip(bad, jobs_of(tmp_path, "prompt,seconds\n" + "".join(f"a,{x}\n" for x in bad)), strict=True):
        assert ("second" in job.error) and len(job.error) < 200, line
        assert job.seconds is None or math.isfinite(job.seconds)
    for value in ["NaN", "Infinity", "true", "[1]", "{}", '"x"']:
        (job,) = jobs_of(tmp_path, f'{{"prompt": "a", "seconds": {value}}}', "jobs.jsonl")
        assert "second" in job.error
    for value in ["-1", str(2**63), "1.5", "9" * 5000, "x"]:
        (job,) = jobs_of(tmp_path, f"prompt,seed\na,{value}\n")
        assert "seed is" in job.error and len(job.error) < 200


def test_control_characters_are_faults_and_messages_escape_them(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, "prompt,leader,name\na\x1b[31m,,\na,x\x1b]0;y.bvh,\na,,n\x9b\na\0,,\na\u202e,,ok\n")
    assert ["control character U+001B" in job.error for job in jobs] == [True, True, False, False, False]
    assert "U+009B" in jobs[2].error and "U+0000" in jobs[3].error and not jobs[4].error
    (half,) = jobs_of(tmp_path, '{"prompt": "\\ud800"}', "jobs.jsonl")
    assert "U+D800" in half.error
    for error in ("a\x1b[31mb", "a\x9bb", "a\nb", "a\u202eb", "a\u2028b", "a\rb"):
        text = str(UserError(error))
        assert text.isprintable() and text.startswith("a\\") and text == printable(error)
    assert printable("Они 🤝 👩‍🚒 é") == "Они 🤝 👩‍🚒 é"


def test_relative_files_are_found_from_the_job_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "moves").mkdir(parents=True)
    (tmp_path / "in" / "Ann").mkdir()
    (tmp_path / "in" / "moves" / "lead.bvh").touch()
    (tmp_path / "in" / "ann.npz").touch()
    (tmp_path / "here.bvh").touch()
    monkeypatch.chdir(tmp_path)
    table = "prompt,leader,body\na,moves/lead.bvh,;ann.npz\nb,here.bvh,\nc,Ann,\n"
    first, second, third = jobs_of(tmp_path / "in", table)
    assert Path(first.leader).samefile("in/moves/lead.bvh") and Path(first.bodies[1]).samefile("in/ann.npz")
    assert first.bodies[0] == "" and second.leader == "here.bvh" and third.leader == "Ann"


PATH = {
    "type": "root2d",
    "person": 1,
    "frame_indices": [0, 12],
    "smooth_root_2d": [[0.3, 0.9], [0.5, 1.0]],
    "name": "way",
}


def test_constraints_are_a_file_or_a_list(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "door.json").write_text(json.dumps([PATH]))
    rows = [{"prompt": "they hug", "constraints": value} for value in ([PATH], "door.json", "none.json", [5], [])]
    jobs = jobs_of(tmp_path / "in", "\n".join(map(json.dumps, rows)), "jobs.jsonl")
    assert [job.error for job in jobs] == [""] * 5
    assert jobs[0].read_constraints() == jobs[1].read_constraints() == (PATH,)
    assert jobs[4].read_constraints() == Job("they hug").read_constraints() == ()
    for job, words in ((jobs[2], "none.json"), (jobs[3], r"Constraint 1 in jobs.jsonl, line 4 is 5")):
        with pytest.raises(UserError, match=words):
            job.read_constraints()
    (table,) = jobs_of(tmp_path / "in", "prompt,constraints\nthey hug,door.json\n")
    assert table.read_constraints() == (PATH,)


def test_a_row_depends_on_what_its_constraint_file_says(tmp_path: Path) -> None:
    file = tmp_path / "door.json"
    file.write_text(json.dumps([PATH]))
    rows = [Job("they hug"), Job("they hug", constraints=json.dumps([PATH])), Job("they hug", constraints=str(file))]
    hashes = [motion_hash(row, (), FileHashes()) for row in rows]
    file.write_text(json.dumps([PATH, PATH]))
    assert len({*hashes, motion_hash(rows[2], (), FileHashes())}) == 4


def test_keys_are_every_or_poses_in_both_kinds_of_files(tmp_path: Path) -> None:
    table = jobs_of(tmp_path, "prompt,keys\na,poses\nb,Every\nc,\nd,few\n")
    assert [job.key_poses for job in table] == [True, False, False, False]
    assert table[3].error == "keys is 'few'; write every or poses." and not any(job.error for job in table[:3])
    (line,) = jobs_of(tmp_path, '{"prompt": "a", "keys": "poses"}\n', "j.jsonl")
    assert line.key_poses and motion_hash(line, (), FileHashes()) != motion_hash(
        replace(line, key_poses=False), (), FileHashes()
    )


def test_a_folder_or_a_pattern_of_leaders_is_a_row_for_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, deep = tmp_path / "jobs [1]", tmp_path / "jobs [1]" / "takes" / "more"
    deep.mkdir(parents=True)
    for name in ("takes/ann.bvh", "takes/ben.BVH", "takes/notes.txt", "takes/more/cy.npz", "odd [x].bvh"):
        (here / name).write_text("")
    (here / "takes" / "folder.bvh").mkdir()

    def found(leader: str, name: str = "") -> list[tuple[str, str]]:
        table = f"prompt,seed,leader,name\nthey hug,7,{leader},{name}\nthey hug,,,\n"
        *rows, last = jobs_of(here, table)
        assert last.name.startswith("they_hug") and all(row.seed == 7 for row in rows)
        assert {row.error for row in rows} == {""} and {row.where for row in rows} == {"jobs.csv, line 2"}
        return [(row.name, Path(row.leader).relative_to(here).as_posix()) for row in rows]

    both = [("ann_they_hug", "takes/ann.bvh"), ("ben_they_hug", "takes/ben.BVH")]
    assert found("takes/") == both
    assert found("takes/*") == both and found("takes/a*.bvh") == both[:1]
    assert found("takes/**/*.npz", "r") == [("r_cy", "takes/more/cy.npz")]
    assert found("odd [x].bvh") == [("they_hug", "odd [x].bvh")], "a file of that name exists"
    monkeypatch.chdir(here / "takes")
    assert [Path(row.leader).name for row in jobs_of(tmp_path, "prompt,leader\nthey hug,more/\n")] == ["cy.npz"]
    (armature,) = jobs_of(here, "prompt,leader\nthey hug,Rig [left]\n")
    assert armature.leader == "Rig [left]" and not armature.error
    for leader in ("takes/*.npy", "none/"):
        (row,) = jobs_of(here, f"prompt,leader\nthey hug,{leader}\n")
        assert f"The leader {leader} " in row.error and row.error.endswith("check the path.")


def test_a_row_says_which_controls_of_arms_and_legs_are_keyed(tmp_path: Path) -> None:
    table = jobs_of(tmp_path, "prompt,arms,legs\na,ik,Both\nb,,\nc,pole,\n")
    assert [(job.arms, job.legs) for job in table[:2]] == [("ik", "both"), ("fk", "fk")]
    assert table[2].error == "arms is 'pole'; write fk, ik or both."
    hashes = {motion_hash(replace(table[0], arms=arms), (), FileHashes()) for arms in ("fk", "ik", "both")}
    assert len(hashes) == 3
    assert motion_hash(table[1], (), FileHashes()) == motion_hash(replace(table[1], arms="fk"), (), FileHashes())
