"""``python -m model_core benchmark``: times and memory, each with a reference measured in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

SECTIONS = ("start", "solve", "blender", "sampling", "model", "agreement")
_ROOT = Path(__file__).resolve().parents[2]


def benchmark(sections: tuple[str, ...], model: Path | None) -> Iterator[str]:
    """Run sections; yields one line for each figure.

    Args:
        sections: some of ``SECTIONS``.
        model: folder of the model for the sections ``model`` and ``agreement``; None for the bundled one.
    """
    measures: dict[str, Callable[[], Iterator[str]]] = {
        "start": _start,
        "solve": _solve,
        "blender": _blender,
        "sampling": _sampling,
        "model": lambda: _model(model),
        "agreement": lambda: _agreement(model),
    }
    for section in sections:
        yield f"[{section}]"
        yield from measures[section]()


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _fastest(run: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of several runs."""
    return min(_seconds(run) for _ in range(times))


def _child(*arguments: str) -> str:
    """Standard output of a new interpreter that finds this package."""
    with tempfile.TemporaryDirectory() as resources:
        environment = {**os.environ, "PYTHONPATH": str(_ROOT), "BLENDER_USER_RESOURCES": resources}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def _start() -> Iterator[str]:
    code = (
        "import sys, time; s = time.perf_counter(); import {0}; print(time.perf_counter() - s, 'torch' in sys.modules)"
    )
    numpy_alone = min(float(_child("-c", code.format("numpy")).split()[0]) for _ in range(3))
    runs = [_child("-c", code.format("model_core, model_core.motion, model_core.kinematics")).split() for _ in range(3)]
    ours = min(float(seconds) for seconds, _ in runs)
    yield f"import model_core with motion and kinematics: {ours:.3f} s ({ours / numpy_alone:.2f} x numpy only)"
    yield f"torch loaded by it: {'yes' if runs[0][1] == 'True' else 'no'}"


def _solve() -> Iterator[str]:
    from ..kinematics import RAW_FIT, solve
    from ..motion import PosedSkeleton
    from ..motion.rest import SMPL_REST_OFFSETS
    from ..motion.rotations import continuous_signs, quaternion_from_axis_angle

    time_axis = np.arange(300)[:, None, None] / 30
    people = []
    for seed in (0, 1):
        random = np.random.default_rng(seed)
        wave = np.sin(time_axis * random.uniform(1, 5, (22, 3)) + random.uniform(0, 6, (22, 3))) * 0.3
        travel = np.array([0.4 * seed, 0.95, 0.6 * seed]) + 0.05 * np.sin(time_axis[:, 0] * 2)
        turns = continuous_signs(quaternion_from_axis_angle(wave))
        people.append(PosedSkeleton(SMPL_REST_OFFSETS, turns, travel).motion())
    noise = np.random.default_rng(2)
    noisy = [replace(p, joints=p.joints + noise.normal(scale=0.01, size=p.joints.shape)) for p in people]
    fit, full = _fastest(lambda: solve(noisy, RAW_FIT)), _fastest(lambda: solve(noisy))
    yield f"solving 300 frames x 2: {fit:.3f} s fitted, {full:.3f} s with clean-up ({full / 10:.3f} of real time)"


def _blender() -> Iterator[str]:
    if find_spec("bpy") is None:
        yield 'skipped: Blender is not installed as a module (pip install -e ".[blender]")'
        return
    # The add-on measures itself, in a new process.
    yield from _child("-m", "intermask_blender.benchmark").splitlines()


def _sampling() -> Iterator[str]:
    """The published transformer's size with random weights: 20 steps, guidance 2."""
    import torch

    from ..generation.devices import choose_device, has_bf16_products, keep_freed_memory, prepare_transformer
    from ..generation.sampling import sample
    from ..model_files.sampling_settings import FEWER_PASSES as FEWER
    from ..model_files.sampling_settings import SamplingSettings
    from ..networks.transformer import InteractionTransformer, TransformerConfig

    torch.manual_seed(0)
    transformer = InteractionTransformer(TransformerConfig()).eval().requires_grad_(False)
    settings = SamplingSettings()
    keep_freed_memory()

    operations = {frames: _operations(transformer, frames // 4) * settings.steps for frames in (88, 300)}
    prepare_transformer(transformer, choose_device("cpu"))

    def run(
        frames: int, batch: int, network: InteractionTransformer = transformer, used: SamplingSettings = settings
    ) -> Callable[[], object]:
        ids = torch.zeros(batch, 2, 5, frames // 4, dtype=torch.long)
        return lambda: sample(network, ids, torch.ones_like(ids, dtype=torch.bool), torch.randn(batch, 768), used)

    run(16, 1)()
    for frames, count in operations.items():
        product = _matrix_rate()
        seconds = _fastest(run(frames, 1), 2)
        product = max(product, _matrix_rate())  # the faster of before and after
        share = count / seconds / product
        yield (
            f"{frames} frames: {seconds:.2f} s for {count / 1e12:.2f} TFLOP = {count / seconds / 1e9:.0f} GFLOP/s, "
            f"{share:.0%} of a plain matrix product ({product / 1e9:.0f})"
        )
    yield f"peak memory of this process: {_peak_memory() / 2**20:.0f} MiB"
    for batch in (1, 4, 16):
        seconds = _fastest(run(88, batch), 1)
        yield f"batch {batch}: {60 * batch / seconds:.1f} takes of 88 frames per minute"
    others = [("8-bit", "cpu-int8", settings), (f"{FEWER.steps} steps, guided from the middle", "cpu", FEWER)]
    if has_bf16_products():
        others += [("bfloat16", "cpu-bf16", settings), ("bfloat16 and fewer passes", "cpu-bf16", FEWER)]
    for what, device, used in others:
        network = InteractionTransformer(TransformerConfig()).eval().requires_grad_(False)
        network = prepare_transformer(network, choose_device(device))
        for frames in operations:
            # The dense passes are timed again beside each other one: a shared machine changes from minute to minute.
            pairs = [(_seconds(run(frames, 1)), _seconds(run(frames, 1, network, used))) for _ in range(2)]
            before, seconds = (min(times) for times in zip(*pairs, strict=True))
            yield f"{what}, {frames} frames: {seconds:.2f} s, {seconds / before:.2f} of all passes in single precision"


def _matrix_rate() -> float:
    """Operations per second of a plain matrix product, in the fastest of several runs."""
    import torch

    a, b = torch.randn(1536, 1536), torch.randn(1536, 1536)
    return 2 * 1536**3 / _fastest(lambda: a @ b, 8)


def _operations(transformer: object, steps: int) -> float:
    """Floating-point operations of one guided step: matrix products of layers and of attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ..networks.transformer import InteractionTransformer

    assert isinstance(transformer, InteractionTransformer)
    config = transformer.config
    with torch.inference_mode():
        condition = transformer.condition(torch.zeros(2, config.text.width))
        with FlopCounterMode(display=False) as counter:
            transformer(torch.zeros(2, 2, 5, steps, dtype=torch.long), condition)
    # Fused attention on the CPU is not counted: scores and mixing are two products for each query and key.
    tokens = 5 * steps
    pairs = (2 * tokens + 1) ** 2 + 2 * tokens * (5 + steps + tokens)
    counted = counter.get_total_flops()
    attention = 2 * config.blocks * 4 * config.width * pairs
    counted_attention = sum(v for k, v in counter.get_flop_counts().get("Global", {}).items() if "attention" in str(k))
    return counted - counted_attention + attention


def _peak_memory() -> float:
    """Largest resident size of this process so far, bytes; 0 if the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _model(folder: Path | None) -> Iterator[str]:
    from ..generation.pipeline import InterMask
    from ..kinematics import solve
    from ..model_files.model_folder import bundled_model

    start = time.perf_counter()
    model = InterMask.load(folder or bundled_model(), "cpu")
    loading = time.perf_counter() - start
    prompt = next(iter(model.config.examples), "two people dance")
    seconds = _fastest(lambda: solve(model.generate(prompt, 120)[0].people), 2)
    yield f"{model.config.name}: loaded in {loading:.2f} s; 4 seconds from prompt to solved motion in {seconds:.2f} s"
    yield f"peak memory of this process: {_peak_memory() / 2**20:.0f} MiB"


def _agreement(folder: Path | None) -> Iterator[str]:
    """For each cheaper setting, network evaluations relative to the full ones, and greedy tokens that stay equal."""
    import torch
    from torch import Tensor, nn

    from ..generation.devices import choose_device, prepare_transformer
    from ..generation.pipeline import InterMask
    from ..generation.sampling import sample
    from ..model_files.model_folder import bundled_model, load_model
    from ..model_files.sampling_settings import SamplingSettings

    model = InterMask.load(folder or bundled_model(), "cpu")
    transformer, prompts = model.model.transformer, model.config.examples[:2] or ("two people dance",)
    guidance = model.config.sampling.guidance if model.config.sampling.guidance != 1 else 2.0  # 1 has nothing to save
    dense = replace(
        model.config.sampling,
        guidance=guidance,
        top_k_fraction=0.0,
        mask_temperature=0.0,
        guidance_fraction=1.0,
        skip_confidence=1.0,
        refinement_passes=0,
    )
    ids = torch.zeros(len(prompts), 2, 5, 22, dtype=torch.long)
    text = torch.cat([model.text_condition(prompt).condition for prompt in prompts])
    items = 0

    def count(network: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        nonlocal items
        items += len(arguments[0])

    def greedy(settings: SamplingSettings) -> tuple[Tensor, int]:
        nonlocal items
        items = 0
        return sample(transformer, ids, torch.ones_like(ids, dtype=torch.bool), text, settings), items

    hook = transformer.register_forward_pre_hook(count)
    expected, all_items = greedy(dense)
    yield f"{model.config.name}, {len(prompts)} prompts, 88 frames, {dense.steps} steps, guidance {dense.guidance:g}:"
    changes: list[dict[str, float]] = [{"guidance_fraction": share} for share in (0.75, 0.5, 0.25)]
    changes += [{"skip_confidence": limit} for limit in (0.5, 0.2, 0.1)]
    for change in changes:
        tokens, processed = greedy(replace(dense, **change))  # type: ignore[arg-type]
        equal = (tokens == expected).float().mean().item()
        ((name, value),) = change.items()
        yield f"{name} {value:g}: {processed / all_items:.0%} of the work, {equal:.0%} of the tokens equal"
    hook.remove()
    rounded = prepare_transformer(load_model(folder or bundled_model()).transformer, choose_device("cpu-int8"))
    tokens = sample(rounded, ids, torch.ones_like(ids, dtype=torch.bool), text, dense)
    masked = torch.rand(expected.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    given = expected.masked_fill(masked, transformer.config.mask_id)
    with torch.inference_mode():
        exact, approximate = (network(given, network.condition(text))[masked] for network in (transformer, rounded))
    same = (approximate.argmax(-1) == exact.argmax(-1)).float().mean().item()
    deviation, equal = ((approximate - exact).std() / exact.std()).item(), (tokens == expected).float().mean().item()
    yield f"8-bit: {equal:.0%} of the tokens equal"
    yield f"8-bit, one pass, half masked: {same:.1%} equal, logits changed by {deviation:.2%} of their deviation"
