"""Lists of generations: a CSV or JSON-lines file, or one prompt."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core import UserError

FIELDS = ("prompt", "seconds", "seed", "leader", "characters", "body", "name")
LONGEST_NAME = 60


@dataclass(frozen=True)
class Job:
    """One row.

    Attributes:
        prompt: what the two people do.
        seconds: duration; None means the usual one, or as long as the leader.
        seed: of the draw.
        leader: an armature of the opened scene by name, a .bvh or an .npz file; empty generates both people.
        characters: names of the armatures of the opened scene that the first and the second person are keyed on;
            an empty name, or none, makes a new character.
        bodies: SMPL or SMPL-X model files that the first and the second person are where they are new characters;
            an empty name, or none, makes a mannequin.
        name: of the files that are made, without suffix.
        where: how messages call the row.
        fault: one sentence where the row cannot be run.
    """

    prompt: str
    seconds: float | None = None
    seed: int = 0
    leader: str = ""
    characters: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    name: str = ""
    where: str = "the command line"
    fault: str = ""


def read_jobs(path: Path, defaults: Job) -> list[Job]:
    """All rows of a file; a row with a fault is among them, so that the others can run.

    Args:
        path: ``.csv`` with a line of column names, or ``.jsonl`` with an object a line; fields are ``FIELDS``.
        defaults: what a row that leaves a field out gets.

    Raises:
        UserError: the file cannot be read, is of another kind, has unknown columns or no rows.
    """
    readers = {".csv": _csv_rows, ".jsonl": _json_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path.name} is neither .csv nor .jsonl; write the jobs as one of these.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text; save it again as UTF-8.") from error
    except OSError as error:
        raise UserError(f"Cannot read the jobs file {path}: {error.strerror}; check the path.") from error
    jobs = [_job(row, f"{path.name}, line {line}", defaults) for line, row in reader(text, path.name)]
    if not jobs:
        raise UserError(f"{path.name} holds no jobs; write one a line, with at least a prompt.")
    return named(jobs)


def named(jobs: list[Job]) -> list[Job]:
    """The jobs with a file name each: their own, or one made of the prompt; a name given twice is a fault."""
    taken: set[str] = set()
    result = []
    for job in jobs:
        name, fault = job.name, job.fault
        if not name:
            stem = re.sub(r"[^\w-]+", "_", job.prompt.lower()).strip("_")[:LONGEST_NAME] or "interaction"
            name, number = stem, 2
            while name.lower() in taken:
                name, number = f"{stem}_{number}", number + 1
        elif re.search(r'[<>:"/\\|?*\x00-\x1f]', name) or name.strip(". ") != name:
            fault = fault or f"{name!r} cannot be a file name; use letters, digits, - and _."
        elif name.lower() in taken:
            fault = fault or f"The name {name} is used by an earlier row; give each row its own."
        taken.add(name.lower())
        result.append(replace(job, name=name, fault=fault))
    return result


def _csv_rows(text: str, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines())
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    unknown = [name for name in columns if name not in FIELDS]
    if unknown or "prompt" not in columns:
        what = f"has a column {unknown[0]!r} that is not known" if unknown else "has no column called prompt"
        raise UserError(f"{file} {what}; its first line names columns out of: {', '.join(FIELDS)}.")
    for row in reader:
        fault = "The row has more fields than there are columns; put quotes around text with commas."
        yield reader.line_num, {"fault": fault} if None in row else dict(row)


def _json_rows(text: str, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            yield number, {"fault": 'The line is not a JSON object; write one such as {"prompt": "..."}.'}
        elif unknown := [name for name in row if name not in FIELDS]:
            yield number, {"fault": f"The field {unknown[0]!r} is not known; use {', '.join(FIELDS)}."}
        else:
            yield number, row


def _job(row: dict[str, Any], where: str, defaults: Job) -> Job:
    """A row as a job; what cannot be understood becomes its fault."""
    for field in ("characters", "body"):
        if isinstance(listed := row.get(field), list):
            row = {**row, field: ";".join("" if name is None else str(name) for name in listed)}
    given = {name: str(value).strip() for name, value in row.items() if value is not None and str(value).strip()}
    job = replace(defaults, where=where, name=given.get("name", ""), prompt=given.get("prompt", defaults.prompt))
    if "fault" in given:
        return replace(job, fault=given["fault"])
    try:
        seconds = float(given["seconds"]) if "seconds" in given else job.seconds
    except ValueError:
        return replace(job, fault=f"seconds is {given['seconds']!r}; write a number such as 4 or 2.5.")
    try:
        seed = int(given["seed"]) if "seed" in given else job.seed
    except ValueError:
        return replace(job, fault=f"seed is {given['seed']!r}; write a whole number.")
    try:
        characters = character_names(given["characters"]) if "characters" in given else job.characters
        bodies = body_files(given["body"]) if "body" in given else job.bodies
    except UserError as error:
        return replace(job, fault=str(error))
    leader = given.get("leader", job.leader)
    return replace(job, seconds=seconds, seed=seed, leader=leader, characters=characters, bodies=bodies)


def character_names(text: str) -> tuple[str, ...]:
    """The names of one or two armatures, as in ``Rig A;Rig B``; ``;Rig B`` names the second person's alone.

    Raises:
        UserError: there are more than two.
    """
    return _of_two(text, "characters names {count} armatures; write at most two, as in Rig A;Rig B.")


def body_files(text: str) -> tuple[str, ...]:
    """The model files of both people, as in ``ann.npz;ben.npz``; one file is both people's, ``;ben.npz`` the second's.

    Raises:
        UserError: there are more than two.
    """
    files = _of_two(text, "body names {count} files; write at most two, as in ann.npz;ben.npz.")
    return (*files, *files)[:2]


def _of_two(text: str, fault: str) -> tuple[str, ...]:
    """The parts of a field that are one person's each, none where all are empty; ``fault`` is told of more than two."""
    parts = tuple(part.strip() for part in text.split(";"))
    if len(parts) > 2:
        raise UserError(fault.format(count=len(parts)))
    return parts if any(parts) else ()
