"""Leaders from the field's files: one motion, written as each format stores it, is read as the same motion."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_core.errors import UserError
from model_core.kinematics.leaders import read_leader
from model_core.motion import PosedSkeleton
from model_core.motion.interaction_file import save_npz
from model_core.motion.interhuman import Y_UP_FROM_Z_UP
from model_core.motion.rest import SMPL_REST_OFFSETS
from model_core.motion.rotations import (
    axis_angle_from_quaternion,
    continuous_signs,
    matrix_from_quaternion,
    quaternion_from_axis_angle,
    quaternion_from_matrix,
    sixd_from_matrix,
)

SECONDS = 2.0
Z_UP_FROM_Y_UP = Y_UP_FROM_Z_UP.T


def walker(fps: float, facing: float = 0.7) -> PosedSkeleton:
    """Somebody who walks along a curve and swings all joints, with the lowest joint on the floor."""
    times = np.arange(int(SECONDS * fps) + 1) / fps
    source = np.random.default_rng(4)
    amplitude, phase = 0.3 * source.uniform(-1, 1, (22, 3)), source.uniform(0, 6, (22, 3))
    turns = amplitude * np.sin(4 * times[:, None, None] + phase)
    turns[:, 0] *= 0.3
    rotations = quaternion_from_axis_angle(turns)
    heading = quaternion_from_axis_angle(np.stack((0 * times, facing + 0.8 * times, 0 * times), -1))
    matrices = matrix_from_quaternion(heading) @ matrix_from_quaternion(rotations[:, 0])
    rotations[:, 0] = quaternion_from_matrix(matrices)
    place = np.stack((np.sin(times), 0.95 + 0.02 * np.sin(9 * times), 0.8 * times), -1)
    person = PosedSkeleton(SMPL_REST_OFFSETS, continuous_signs(rotations), place, fps)
    place[:, 1] -= person.joints()[..., 1].min()
    return person


def smpl_arrays(person: PosedSkeleton, to_file: np.ndarray, unit: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Poses (T, 22, 3) and translation (T, 3) of a person in a file's axes and unit."""
    poses = axis_angle_from_quaternion(person.rotations)
    root = to_file @ matrix_from_quaternion(person.rotations[:, 0])
    poses[:, 0] = axis_angle_from_quaternion(quaternion_from_matrix(root))
    return poses, person.translation @ to_file.T / unit


def full(poses: np.ndarray, joints: int) -> np.ndarray:
    hands = np.random.default_rng(0).normal(size=(len(poses), joints - 22, 3))
    return np.concatenate((poses, hands), axis=1).reshape(len(poses), -1)


Z, Y, DOWN = Z_UP_FROM_Y_UP, np.eye(3), np.diag((1.0, -1.0, -1.0))


def amass(folder: Path, person: PosedSkeleton) -> Path:
    poses, trans = smpl_arrays(person, Z)
    path = folder / "amass.npz"
    np.savez(
        path, poses=full(poses, 52), trans=trans, mocap_framerate=np.array(person.fps), betas=np.zeros(16),
        gender=np.array("female"), dmpls=np.zeros((len(poses), 8)),
    )  # fmt: skip
    return path


def amass_smplx(folder: Path, person: PosedSkeleton) -> Path:
    poses, trans = smpl_arrays(person, Z)
    path = folder / "stageii.npz"
    extra: Any = np.array({"an": "object"}, dtype=object)
    np.savez_compressed(
        path, root_orient=poses[:, 0], pose_body=poses[:, 1:].reshape(len(poses), -1), pose_hand=np.zeros((3, 90)),
        trans=trans, mocap_frame_rate=person.fps, labels=extra, num_betas=16,
    )  # fmt: skip
    return path


def amass_165(folder: Path, person: PosedSkeleton) -> Path:
    poses, trans = smpl_arrays(person, Z)
    np.savez(folder / "x.npz", poses=full(poses, 55), trans=trans, mocap_frame_rate=np.array([person.fps]))
    return folder / "x.npz"


def smplx_of_an_estimator(folder: Path, person: PosedSkeleton) -> Path:
    poses, trans = smpl_arrays(person, DOWN, 0.01)
    body = poses[:, 1:].astype(np.float32)
    np.savez(folder / "e.npz", global_orient=poses[:, 0], body_pose=body, transl=trans, fps=person.fps)
    return folder / "e.npz"


def smpl_y_up(folder: Path, person: PosedSkeleton) -> Path:
    poses, trans = smpl_arrays(person, Y, 0.001)
    np.savez(folder / "y.npz", smpl_poses=full(poses, 24), smpl_trans=trans, fps=np.float32(person.fps))
    return folder / "y.npz"


@pytest.mark.parametrize("fps", [30.0, 120.0, 59.94])
@pytest.mark.parametrize(
    ("write", "stated"),
    [
        (amass, "Z up, metres"),
        (amass_smplx, "Z up, metres"),
        (amass_165, "Z up, metres"),
        (smplx_of_an_estimator, "-Y up, centimetres"),
        (smpl_y_up, "Y up, millimetres"),
    ],
)
def test_smpl_poses_are_read_whatever_their_axes_unit_and_rate(
    write: Any, stated: str, fps: float, tmp_path: Path
) -> None:
    read = read_leader(write(tmp_path, walker(fps)))
    wanted = walker(fps).resampled(30.0)
    np.testing.assert_allclose(read.motion.joints, wanted.joints(), atol=2e-5)
    assert read.motion.fps == 30.0 and stated in read.assumed and f"{fps:g} fps" in read.assumed
    assert read.motion.rotations is not None and read.motion.root_orientation is not None
    turned = matrix_from_quaternion(wanted.rotations)
    np.testing.assert_allclose(read.motion.rotations, turned[:, 1:], atol=1e-4)
    np.testing.assert_allclose(read.motion.root_orientation, turned[:, 0], atol=1e-4)
    assert "\n" not in read.assumed


def test_amass_without_a_rate_or_a_translation_says_what_is_assumed(tmp_path: Path) -> None:
    poses, _ = smpl_arrays(walker(30.0), Z)
    np.savez(tmp_path / "a.npz", poses=full(poses, 55))
    read = read_leader(tmp_path / "a.npz")
    assert "30 fps assumed" in read.assumed and "stays in place" in read.assumed and len(read.motion) == len(poses)


@pytest.mark.parametrize(("up", "axes"), [("Y", Y), ("Z", Z)])
@pytest.mark.parametrize(("unit", "scale"), [("metres", 1.0), ("centimetres", 0.01), ("millimetres", 0.001)])
def test_joint_positions_are_read_in_any_axes_and_unit(
    up: str, axes: np.ndarray, unit: str, scale: float, tmp_path: Path
) -> None:
    person = walker(20.0)
    np.save(tmp_path / "j.npy", person.joints() @ axes.T / scale)
    read = read_leader(tmp_path / "j.npy")
    wanted = person.resampled(30.0).joints()
    assert read.assumed == f"Joint positions, {up} up, {unit}, 20 fps assumed."
    away = np.linalg.norm(read.motion.joints - wanted, axis=-1)
    # Every second frame of the file is a third one of ours. Between them the twist of limbs, which positions do not
    # show, bends the paths a little.
    assert away[::3].max() < 1e-4 and away.max() < 0.015 and np.percentile(away, 99) < 0.002


def humanml_vectors(joints: np.ndarray) -> np.ndarray:
    """HumanML3D's vectors (T - 1, 263) of joints (T, 22, 3), by its own definition: the body's frame turns with it."""
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]
    forward = np.cross(across, (0.0, 1.0, 0.0))
    angle = np.unwrap(np.arctan2(forward[:, 0], forward[:, 2]))

    def into_body(vectors: np.ndarray, angles: np.ndarray) -> np.ndarray:
        turned = vectors.copy()
        c, s = np.cos(-angles), np.sin(-angles)
        c, s = (part.reshape(-1, *[1] * (vectors.ndim - 2)) for part in (c, s))
        turned[..., 0], turned[..., 2] = (
            c * vectors[..., 0] + s * vectors[..., 2],
            c * vectors[..., 2] - s * vectors[..., 0],
        )
        return turned

    frames = len(joints) - 1
    local = joints[:, 1:] - joints[:, :1] * (1.0, 0.0, 1.0)
    result = np.zeros((frames, 263))
    # The root's quaternion, which takes the world into the body's frame, turns by half of the negative angle.
    result[:, 0] = -np.diff(angle) / 2
    steps = into_body(np.diff(joints[:, 0], axis=0), angle[1:])
    result[:, 1:3], result[:, 3] = steps[:, (0, 2)], joints[:-1, 0, 1]
    result[:, 4:67] = into_body(local, angle)[:-1].reshape(frames, -1)
    return result


def test_humanml_vectors_are_read_from_their_own_origin(tmp_path: Path) -> None:
    joints = walker(20.0, facing=0.0).joints()
    across = joints[0, 1] - joints[0, 2] + joints[0, 16] - joints[0, 17]
    forward = np.cross(across, (0.0, 1.0, 0.0))
    angle = np.arctan2(forward[0], forward[2])
    c, s = np.cos(-angle), np.sin(-angle)
    # The data set's clips begin over the origin, facing +Z.
    joints = (joints - joints[0, 0] * (1.0, 0.0, 1.0)) @ np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]).T
    np.save(tmp_path / "v.npy", humanml_vectors(joints).astype(np.float32))
    read = read_leader(tmp_path / "v.npy")
    assert "HumanML3D" in read.assumed and "20 fps" in read.assumed
    np.testing.assert_allclose(read.motion.joints[::3], joints[:-1:2][: len(read.motion.joints[::3])], atol=0.004)


def test_interhuman_is_read_z_up(tmp_path: Path) -> None:
    person = walker(30.0)
    values = np.zeros((len(person), 492), np.float32)
    values[:, :66] = (person.joints() @ Z.T).reshape(len(person), -1)
    sixd = sixd_from_matrix(matrix_from_quaternion(person.rotations[:, 1:]))
    values[:, 186 : 186 + 126] = sixd.reshape(len(person), -1)
    np.save(tmp_path / "1.npy", values)
    read = read_leader(tmp_path / "1.npy")
    np.testing.assert_allclose(read.motion.joints, person.joints(), atol=1e-3)
    assert "InterHuman, Z up" in read.assumed and read.motion.root_orientation is not None


def test_our_own_files_are_read_as_before(tmp_path: Path) -> None:
    first, second = walker(60.0), walker(60.0, 2.0)
    save_npz(tmp_path / "pair.npz", (first, second))
    read = read_leader(tmp_path / "pair.npz")
    np.testing.assert_allclose(read.motion.joints, first.resampled(30.0).joints(), atol=1e-5)
    assert read.assumed == ""


def damaged(folder: Path) -> dict[str, str]:
    """Files that are no leader, each with words of the sentence that says why."""
    good = amass(folder, walker(30.0)).read_bytes()
    poses, trans = smpl_arrays(walker(30.0), Z)
    nan = trans.copy()
    nan[7, 1] = np.nan
    positions = walker(20.0).joints()
    wrong: Any = np.array([{"a": 1}], dtype=object)

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (folder / "ran",))

    bomb: Any = np.array([Bomb()], dtype=object)
    arrays: dict[str, tuple[dict[str, Any] | Any, str]] = {
        "objects.npz": ({"poses": wrong, "trans": trans}, "Python objects"),
        "bomb.npz": ({"poses": bomb, "trans": trans}, "Python objects"),
        "bomb.npy": (bomb, "Python objects"),
        "nan.npz": ({"poses": full(poses, 55), "trans": nan}, "first in frame 7"),
        "short.npz": ({"poses": full(poses, 55), "trans": trans[:5]}, "61 frames"),
        "rate.npz": ({"poses": full(poses, 55), "trans": trans, "fps": np.array(0)}, "frame rate"),
        "texts.npz": ({"poses": np.array(["a"]), "trans": trans}, "has no numbers"),
        "few.npz": ({"poses": poses[:, :5].reshape(len(poses), -1), "trans": trans}, "22 are needed"),
        "three.npz": ({"poses": np.zeros((3, 10, 165)), "trans": np.zeros((3, 10, 3))}, "one person"),
        "none.npz": ({"poses": np.zeros((0, 165)), "trans": np.zeros((0, 3))}, "0 frames"),
        "other.npz": ({"weights": trans}, "no person's motion"),
        "headless.npz": ({"pose_body": poses[:, 1:].reshape(len(poses), -1)}, "root_orient"),
        "three.npy": (np.stack([positions] * 3), "3 people"),
        "nan.npy": (positions * np.nan, "not numbers"),
        "kit.npy": (np.zeros((40, 251)), "no person's motion"),
        "huge.npy": (positions * 500000.0, "not a person's"),
        "point.npy": (positions * 0.0, "not a person's"),
        "number.npy": (np.array(3.0), "has no numbers"),
        "empty.npy": (np.zeros((0, 22, 3)), "no frames"),
    }
    for name, (content, _) in arrays.items():
        if isinstance(content, dict):
            np.savez(folder / name, **content)
        else:
            np.save(folder / name, content)
    raw = {
        "cut.npz": (good[: len(good) // 2], "not a whole .npz"),
        "torn.npz": (good[:3000] + b"\0" * 3000 + good[6000:], "not a whole .npz"),
        "nothing.npz": (b"", "not a whole .npz"),
        "nothing.npy": (b"", "not a whole .npy"),
        "pickle.npy": (pickle.dumps(Bomb()), "not a whole .npy"),
        "pickle.npz": (pickle.dumps(Bomb()), "not a whole .npz"),
        "renamed.npy": (good, "rename it"),
        "cut.npy": ((folder / "huge.npy").read_bytes()[:5000], "not a whole .npy"),
        "text.npy": (b"\x1b[31mhello", "not a whole .npy"),
        "person.fbx": (b"", "no file of motion"),
    }
    for name, (data, _) in raw.items():
        (folder / name).write_bytes(data)
    for name in ("folder.npz", "folder.npy", "folder.bvh"):
        (folder / name).mkdir()
    folders = dict.fromkeys(
        ("folder.npz", "folder.npy", "folder.bvh", "gone.npz", "gone.npy", "gone.bvh"), "Cannot read"
    )
    return {name: words for name, (_, words) in {**arrays, **raw}.items()} | folders


def test_what_is_no_leader_is_refused_in_a_sentence_and_never_run(tmp_path: Path) -> None:
    for name, words in damaged(tmp_path).items():
        with pytest.raises(UserError, match=words) as caught:
            read_leader(tmp_path / name)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 400, name
    assert not (tmp_path / "ran").exists()
