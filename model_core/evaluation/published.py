"""``python -m model_core evaluate interhuman`` and ``interx``: the table of published papers.

Each replication is kept in a file of its own, so that a run that was stopped continues, and several machines share one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from ..data.interhuman_split import InterHumanSplit
from ..data.interx_split import InterXSplit
from ..data.published_split import PublishedSplit
from ..data.word_vectors import WordVectors
from ..errors import UserError
from ..files import atomic_write
from ..generation.devices import ComputeDevice, choose_device
from ..model_files.model_folder import Model, load_model
from ..model_files.published_evaluators import load_interclip, load_interx_evaluator
from ..networks.tokenizer import Dataset
from ..settings import build
from ..text_encoders import load_text_encoder
from .published_evaluator import InterHumanEvaluator, InterXEvaluation
from .published_generation import PublishedGenerator, check_data_set
from .published_protocol import (
    INTERX_SETTINGS,
    Evaluator,
    ProtocolSettings,
    Replication,
    check_size,
    replicate,
)
from .published_table import table

SETTINGS: dict[Dataset, ProtocolSettings] = {"interhuman": ProtocolSettings(), "interx": INTERX_SETTINGS}
"""The protocol's numbers for each data set."""

Say = Callable[[str], None]
_RUN = "run.json"


@dataclass(frozen=True)
class PublishedEvaluation:
    """What to measure.

    Attributes:
        dataset: ``interhuman`` or ``interx``.
        data: folder of the data set in its published layout.
        model: model folder, such as ``import-published`` makes.
        evaluator: ``interclip.ckpt``, or ``finest.tar`` of Inter-X.
        clip: CLIP's file, for an ``interclip.ckpt`` without CLIP's embeddings.
        react: whether the first person is given.
        split: name of the list.
        replications: number of replications; None for the protocol's.
        shard: the part of the replications to compute, and the number of parts, counted from 1.
        out: folder for the replications and the table; None keeps nothing.
        device: name of the device; ``auto`` computes in float32 on the CPU.
        any_evaluator: whether to accept an evaluator of another size than the published one.
    """

    dataset: Dataset
    data: Path
    model: Path
    evaluator: Path
    clip: Path | None = None
    react: bool = False
    split: str = "test"
    replications: int | None = None
    shard: tuple[int, int] = (1, 1)
    out: Path | None = None
    device: str = "auto"
    any_evaluator: bool = False


def evaluate_published(
    request: PublishedEvaluation, say: Say, settings: ProtocolSettings | None = None
) -> list[Replication]:
    """Compute what is missing of the replications, and show the table of those that there are.

    Args:
        request: see ``PublishedEvaluation``.
        say: is given the lines of the report.
        settings: other numbers than the protocol's; for tests.

    Returns:
        All replications that are there now, also those of earlier runs and other machines.

    Raises:
        UserError: a file is missing or damaged, the data set is too small, or the folder holds another run's figures.
    """
    settings = settings or SETTINGS[request.dataset]
    if request.replications is not None:
        if request.replications < 1:
            raise UserError(f"{request.replications} replications cannot be made; give --replications 1 or more.")
        settings = replace(settings, replications=request.replications)
    device = choose_device(request.device)
    if request.device == "auto":
        device = ComputeDevice(device.torch_device)
    model = load_model(request.model, device.torch_device)
    check_data_set(model, request.dataset)
    split, evaluator = _measured(request, device)
    for note in split.notes:
        say(note)
    check_size(split, settings)
    # The identity is of the weights as they are in the folder: preparing a network for a device changes them.
    done = _read_done(request.out, _identity(request, settings, model, split), settings)
    encoder = load_text_encoder(model.text_encoder, device.torch_device)
    generator = PublishedGenerator(model, encoder, device, request.react)
    missing = [number for number in range(settings.replications) if number not in done]
    part, parts = request.shard
    for number in [one for one in missing if one % parts == part - 1]:
        say(f"Replication {number + 1} of {settings.replications}")
        progress = _Progress(say)
        done[number] = replicate(split, evaluator, generator, settings, number, progress)
        if request.out is not None:
            _write(request.out / _name(number), asdict(done[number]))
    found = [done[number] for number in sorted(done)]
    if found:
        text = table(request.dataset, request.react, model.config.name, found)
        whole = "" if len(found) == settings.replications else f" of {settings.replications}"
        text = f"{len(split.names)} clips, {len(found)}{whole} replications, mean ± 95 % interval\n{text}"
        say(text)
        if request.out is not None:
            with atomic_write(request.out / "table.txt") as path:
                path.write_text(text + "\n", encoding="utf-8")
    return found


def _measured(request: PublishedEvaluation, device: ComputeDevice) -> tuple[PublishedSplit, Evaluator]:
    """The split and the evaluator of the data set."""
    place, any_size = device.torch_device, request.any_evaluator
    if request.dataset == "interhuman":
        network = load_interclip(request.evaluator, request.clip, any_size)
        return InterHumanSplit(request.data, request.split), InterHumanEvaluator(network, place)
    other = load_interx_evaluator(request.evaluator, any_size)
    words = WordVectors(request.data / "glove")
    return InterXSplit(request.data, request.split), InterXEvaluation(other, words, place)


class _Progress:
    """Says every tenth of the clips, so that a farm sees that the run lives."""

    def __init__(self, say: Say) -> None:
        self._say, self._said = say, 0

    def __call__(self, done: int, total: int) -> None:
        if (tenths := 10 * done // total) > self._said:
            self._said = tenths
            self._say(f"  {done} of {total} clips")


# --- the folder of replications --------------------------------------------------------------------------------------


def _identity(
    request: PublishedEvaluation, settings: ProtocolSettings, model: Model, split: PublishedSplit
) -> dict[str, Any]:
    """What replications of one run have in common."""
    weights = sha256()
    for network in (model.tokenizer, model.transformer):
        for tensor in network.state_dict().values():
            weights.update(tensor.detach().float().cpu().numpy().tobytes())
    numbers = asdict(settings)
    del numbers["replications"]  # more of them may be asked for later
    sampling = model.config.sampling.for_reaction() if request.react else model.config.sampling
    with request.evaluator.open("rb") as file:
        evaluator = file_digest(file, "sha256").hexdigest()
    return {
        "dataset": request.dataset,
        "split": request.split,
        "clips": len(split.names),
        "names": sha256("\n".join(split.names).encode()).hexdigest(),
        "react": request.react,
        "model": weights.hexdigest(),
        "evaluator": evaluator,
        "sampling": json.loads(json.dumps(asdict(sampling))),
        "protocol": numbers,
    }


def _read_done(out: Path | None, identity: dict[str, Any], settings: ProtocolSettings) -> dict[int, Replication]:
    """The replications in a folder, after a check that they are of the same run; the folder is begun if it is new."""
    if out is None:
        return {}
    path = out / _RUN
    if not path.is_file():
        _write(path, identity)
    known = _read(path)
    if different := [name for name, value in identity.items() if known.get(name) != value]:
        raise UserError(
            f"{out} holds replications of another run ({', '.join(different)} differ); choose another --out."
        )
    numbers = [number for number in range(settings.replications) if (out / _name(number)).is_file()]
    return {number: build(Replication, _read(out / _name(number)), str(out / _name(number))) for number in numbers}


def _name(number: int) -> str:
    return f"replication_{number + 1:02d}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is no table")
        return content
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); delete it, and it is made again.") from error


def _write(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
