"""The tools that put pictures of rendered clips together, with pictures that tell their frame by their colour."""

from __future__ import annotations

from pathlib import Path

import picture_clip
import picture_strip
import pytest
from PIL import Image

SIZE = (100, 40)


def frames(folder: Path, count: int, blue: int) -> Path:
    """A folder of frames whose red is their number."""
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", SIZE, (10 * number, 0, blue)).save(folder / f"frame_{number + 1:04}.png")
    return folder


def test_a_strip_shows_three_moments_of_each_clip_in_rows(tmp_path: Path) -> None:
    clips = [frames(tmp_path / name, 21, blue) for name, blue in (("a", 0), ("b", 100), ("c", 200))]
    whole = picture_strip.strip(clips)
    width, height = round(0.96 * SIZE[0] * 0.7), round(SIZE[1] * 0.7)
    assert whole.size == (6 * width, 2 * height)
    seen = [[whole.getpixel(((column + 0.5) * width, (row + 0.5) * height)) for column in range(6)] for row in (0, 1)]
    assert seen[0] == [(50, 0, 0), (100, 0, 0), (150, 0, 0), (50, 0, 100), (100, 0, 100), (150, 0, 100)]
    assert seen[1] == [(50, 0, 200), (100, 0, 200), (150, 0, 200), *[(255, 255, 255)] * 3]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match=r"no pictures in .*empty"):
        picture_strip.strip([*clips, tmp_path / "empty"])


def test_a_moving_picture_plays_every_second_frame_at_half_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "clip.webp"
    picture_clip.clip(frames(tmp_path / "a", 21, 50), target, fps=25.0)
    with Image.open(target) as moving:
        assert (moving.n_frames, moving.size, moving.info["loop"]) == (11, SIZE, 0)
        moving.seek(5)
        moving.load()
        assert moving.info["duration"] == 80
        assert abs(moving.convert("RGB").getpixel((50, 20))[0] - 100) < 6
    monkeypatch.setattr(picture_clip, "LARGEST", 50)
    with pytest.raises(SystemExit, match="larger than"):
        picture_clip.clip(tmp_path / "a", target)
    assert not target.exists()
