"""``Job``: one row of a batch, with its checks and its file name. ``job_file`` reads the rows."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core import (
    MAX_SEED,
    UserError,
    constraints_from_text,
    constraints_to_json,
    read_constraints,
)
from .job_file import FLAGS, Row, read_rows
from .leader_file import FILE_SUFFIXES

MAX_NAME_LENGTH = 100
"""Characters. File names have at most 255 bytes, prefixes and suffixes included."""

_MAX_STEM_LENGTH = 60
_MAX_NAME_BYTES = 180

_RESERVED = {"records", "pictures"}
"""Folders of a batch's own."""

_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])\s*(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix."""

KEYS = ("every", "poses")
LIMBS = ("fk", "ik", "both")
"""How densely the characters are keyed."""

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
"""How spreadsheets and people write it."""

_SUFFIXES = (".npz", ".bvh", ".blend", ".mp4", ".png", ".csv", ".html", ".json", ".log")


@dataclass(frozen=True)
class Job:
    """One generation of a batch: a row of a job file, or the prompt of the command line.

    Attributes:
        prompt: what the two people do.
        seconds: duration; None means the default, or as long as the leader.
        seed: the same seed gives the same motion.
        leader: a file of motion or of a scene if it has one of ``FILE_SUFFIXES``, else the name of an armature of the
            opened scene; empty generates both people.
        characters: names of armatures of the opened scene to key for person 1 and person 2; an empty or missing name
            creates a new character.
        bodies: SMPL or SMPL-X model files of new characters, person 1 and person 2; an empty or missing name makes a
            mannequin.
        constraints: a constraint file, or its text where it begins with a bracket; empty for none.
        as_written: the prompt's own words condition the networks, not the training caption that says the same.
        start_at_rest, settle_at_end: both people rest at the beginning and at the end, unless there is a leader.
        loop: the last frame leads into the first.
        in_place: the travel that both people share is left out.
        key_poses: whether the characters get key poses instead of a key on every frame.
        arms: controls that move the arms of control rigs: one of ``LIMBS``.
        legs: likewise.
        name: of the files that are made, without suffix.
        where: where the row comes from, for messages.
        error: one sentence if the row cannot be run.
        naming: text from which a name is made if the row has none; empty for the prompt.
    """

    prompt: str
    seconds: float | None = None
    seed: int = 0
    leader: str = ""
    characters: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    constraints: str = ""
    as_written: bool = False
    start_at_rest: bool = True
    settle_at_end: bool = True
    loop: bool = False
    in_place: bool = False
    key_poses: bool = False
    arms: str = LIMBS[0]
    legs: str = LIMBS[0]
    name: str = ""
    where: str = "the command line"
    error: str = ""
    naming: str = ""

    @property
    def leads_from_file(self) -> bool:
        """Whether the leader is a file."""
        return Path(self.leader).suffix.lower() in FILE_SUFFIXES

    @property
    def constraint_file(self) -> Path | None:
        """The constraint file; None if there is none, or the row holds its text."""
        return None if self.constraints.startswith("[") or not self.constraints else Path(self.constraints)

    def read_constraints(self) -> tuple[dict[str, Any], ...]:
        """The constraints as the list of a constraint file.

        Raises:
            UserError: the file is missing, or a constraint is not as documented.
        """
        if not self.constraints:
            return ()
        file = self.constraint_file
        found = constraints_from_text(self.constraints, self.where) if file is None else read_constraints(file)
        return tuple(constraints_to_json(found))


def read_jobs(path: Path, defaults: Job) -> list[Job]:
    """All rows of a file; rows with an error are included, so that the others can run.

    A row whose leader is a folder or a pattern becomes one for each motion file.

    Relative leader, body and constraint files are looked for in the file's folder first, then in the working folder.

    Args:
        path: as for ``read_rows``; the fields are ``FIELDS``.
        defaults: the values of fields that a row leaves out.

    Raises:
        UserError: the file cannot be read, has another format, unknown columns or no rows.
    """
    from .leader_patterns import expanded

    folder = path.parent
    rows = [_job(row, f"{path.name}, line {row.line}", defaults, folder) for row in read_rows(path)]
    jobs = [job for row in rows for job in expanded(row, folder)]
    if not jobs:
        raise UserError(f"{path.name} holds no jobs; write one a line, with at least a prompt.")
    return named(jobs)


def named(jobs: list[Job]) -> list[Job]:
    """The jobs, each with a unique file name: its own, or one made from the prompt.

    A name that is no file name or that an earlier row has is an error; such a row gets a safe name for its record.
    """
    taken: set[str] = set()
    result = []
    for job in jobs:
        name, error = job.name, job.error
        name_error = _name_error(name) if name else ""
        if name and not name_error and _key(name) in taken:
            name_error = f"The name {name} is used by an earlier row; give each row its own."
        if not name or name_error:
            name = _free_name(name or job.naming or job.prompt, taken)
        taken.add(_key(name))
        result.append(replace(job, name=name, error=error or name_error))
    return result


def checked(job: Job) -> Job:
    """The job, with an error if a number is out of range."""
    if job.seconds is not None and not math.isfinite(job.seconds):
        return replace(job, seconds=None, error=f"seconds is {job.seconds}; write a number such as 4 or 2.5.")
    if job.seconds is not None and job.seconds <= 0:
        error = f"{job.seconds:g} seconds cannot be generated; write a number above 0, such as 4 or 2.5."
        return replace(job, error=error)
    if not 0 <= job.seed <= MAX_SEED:
        return replace(
            job, seed=0, error=f"seed is {_short(str(job.seed))}; write a whole number from 0 to {MAX_SEED}."
        )
    return job


def _key(name: str) -> str:
    """A key that is equal for names that are the same file on some file system."""
    return unicodedata.normalize("NFC", name).casefold()


def _name_error(name: str) -> str:
    """One sentence if a name is not a file name on every system, or is one of the batch's own; else empty."""
    if len(name) > MAX_NAME_LENGTH or len(name.encode()) > _MAX_NAME_BYTES:
        return f"The name {_short(name)} is too long for a file; shorten it to {MAX_NAME_LENGTH} characters or fewer."
    if re.search(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f]', name) or name.strip(". ") != name:
        return f"{name!r} cannot be a file name; use letters, digits, - and _."
    if _key(name) in _RESERVED:
        return f"The name {name} is the batch's own folder; choose another."
    if _DEVICES.fullmatch(name):
        return f"The name {name} is a device on Windows; choose another."
    if _key(name).endswith(_SUFFIXES):
        return f"The name {name} ends like a file; leave {Path(name).suffix} out, it is added to each file."
    return ""


def _free_name(text: str, taken: set[str]) -> str:
    """A unique file name made from a text."""
    stem = re.sub(r"[^\w-]+", "_", text[:1000].lower()).strip("_")[:_MAX_STEM_LENGTH]
    stem = stem.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip("_") or "interaction"
    if _name_error(stem):
        stem = f"{stem}_clip"
    name, number = stem, 2
    while _key(name) in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


def _job(row: Row, where: str, defaults: Job, folder: Path) -> Job:
    """A row as a job; a field that cannot be read becomes its error."""
    given = row.values
    job = replace(defaults, where=where, name=given.get("name", ""), prompt=given.get("prompt", defaults.prompt))
    if row.error:
        return replace(job, error=row.error)
    try:
        seconds = float(given["seconds"].replace(",", ".")) if "seconds" in given else job.seconds
    except ValueError:
        return replace(job, error=f"seconds is {_short(given['seconds'])!r}; write a number such as 4 or 2.5.")
    try:
        seed = int(re.sub(r"[.,]0*$", "", given["seed"])) if "seed" in given else job.seed
    except ValueError:
        return replace(job, error=f"seed is {_short(given['seed'])!r}; write a whole number.")
    try:
        characters = character_names(given["characters"]) if "characters" in given else job.characters
        bodies = body_files(given["body"]) if "body" in given else job.bodies
    except UserError as error:
        return replace(job, error=str(error))
    flags = {name: given[name].lower() for name in FLAGS if name in given}
    for name, value in flags.items():
        if value not in (*_YES, *_NO):
            return replace(job, error=f"{name} is {_short(value)!r}; write yes or no.")
    keys = given.get("keys", "poses" if job.key_poses else "every").lower()
    if keys not in KEYS:
        return replace(job, error=f"keys is {_short(keys)!r}; write every or poses.")
    limbs = {name: given.get(name, getattr(job, name)).lower() for name in ("arms", "legs")}
    for name, value in limbs.items():
        if value not in LIMBS:
            return replace(job, error=f"{name} is {_short(value)!r}; write fk, ik or both.")
    leader = job.leader
    if "leader" in given:
        leader = given["leader"]
        # An armature may have the name of a folder.
        leader = _located(leader, folder) if Path(leader).suffix.lower() in FILE_SUFFIXES else leader
    bodies = tuple(_located(body, folder) for body in bodies) if "body" in given else bodies
    constraints = job.constraints
    if "constraints" in given:
        constraints = given["constraints"]
        constraints = constraints if constraints.startswith("[") else _located(constraints, folder)
    job = replace(job, seconds=seconds, seed=seed, leader=leader, characters=characters, bodies=bodies)
    said: dict[str, Any] = {name: value in _YES for name, value in flags.items()}
    return checked(replace(job, constraints=constraints, key_poses=keys == "poses", **limbs, **said))


def _located(name: str, folder: Path) -> str:
    """A file's path: relative to the job file's folder if it exists there, else unchanged."""
    try:
        path = folder / Path(name).expanduser()
        return str(path) if name and path.exists() else name
    except (OSError, ValueError, RuntimeError):
        return name


def character_names(text: str) -> tuple[str, ...]:
    """The names of one or two armatures, as in ``Rig A;Rig B``; ``;Rig B`` names only the second person's.

    Raises:
        UserError: there are more than two.
    """
    return _one_or_two(text, "characters names {count} armatures; write at most two, as in Rig A;Rig B.")


def body_files(text: str) -> tuple[str, ...]:
    """The model files, as in ``ann.npz;ben.npz``; one file is for both people, ``;ben.npz`` for the second.

    Raises:
        UserError: there are more than two.
    """
    files = _one_or_two(text, "body names {count} files; write at most two, as in ann.npz;ben.npz.")
    return (*files, *files)[:2]


def _one_or_two(text: str, too_many: str) -> tuple[str, ...]:
    """The entries of a field, one for each person; none if all are empty. ``too_many`` is the error for three."""
    parts = tuple(part.strip() for part in text.split(";"))
    if len(parts) > 2:
        raise UserError(too_many.format(count=len(parts)))
    return parts if any(parts) else ()


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
