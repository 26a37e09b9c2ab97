"""Chooses devices by name, and prepares the transformer to compute on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch

from ..errors import UserError
from ..networks.int8 import use_int8
from ..networks.prepacked import use_prepacked
from ..networks.token_map import PARTS
from ..networks.transformer import InteractionTransformer

Mode = Literal["", "bf16", "int8", "compiled"]


@dataclass(frozen=True)
class ComputeDevice:
    """A torch device and the mode in which the transformer computes on it.

    Attributes:
        torch_device: the device of the tensors.
        mode: ``bf16``, the transformer's blocks in bfloat16 (CPU only: GPUs always compute in half precision);
            ``int8``, its large layers in 8-bit integers (CPU only); ``compiled``, the transformer as compiled graphs;
            or empty.
    """

    torch_device: torch.device
    mode: Mode = ""

    @property
    def precision(self) -> torch.dtype | None:
        """Of the transformer's products while it samples; None for that of its weights, which a CPU's mode sets.

        Half precision has more digits than bfloat16 and the same speed, and activations stay far from its limit.
        """
        return None if self.torch_device.type == "cpu" else torch.float16

    def __str__(self) -> str:
        """The name that ``choose_device`` takes."""
        return f"{self.torch_device}-{self.mode}" if self.mode else str(self.torch_device)


def choose_device(name: str) -> ComputeDevice:
    """The device of that name.

    Args:
        name: ``auto`` (CUDA, then Apple's GPU, then the CPU, in bfloat16 where it has instructions for it), ``cpu``,
            ``cuda``, ``cuda:N`` or ``mps``; ``cpu-bf16``, ``cpu-int8``; ``cuda-compiled`` or ``cpu-compiled``.

    Raises:
        UserError: this machine has no such device, or the device has no such mode.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        kind = next(kind for kind in ("cuda", "mps", "cpu") if available[kind])
        return ComputeDevice(torch.device(kind), "bf16" if kind == "cpu" and has_bf16_products() else "")
    place, _, mode = name.partition("-")
    kind = place.partition(":")[0]
    if mode not in {"cpu": ("", "bf16", "int8", "compiled"), "cuda": ("", "compiled"), "mps": ("",)}.get(kind, ()):
        raise UserError(
            f"There is no device '{name}'; choose auto, cpu, cuda or mps, or cpu-bf16, cpu-int8, cpu-compiled or "
            "cuda-compiled."
        )
    if not available[kind]:
        raise UserError(f"This machine has no device '{place}'; choose auto or cpu.")
    try:
        return ComputeDevice(torch.device(place), cast(Mode, mode))
    except RuntimeError as error:
        raise UserError(f"There is no device '{name}'; choose auto, cpu, cuda or mps.") from error


def has_bf16_products() -> bool:
    """Whether this CPU has instructions for products in bfloat16; without them bfloat16 is slower than float32."""
    found = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch 2.6 and newer
    return bool(found is not None and found())


def prepare_transformer(transformer: InteractionTransformer, device: ComputeDevice) -> InteractionTransformer:
    """Prepare a transformer, in place, to compute in the mode of a device.

    Graphs are compiled in the first pass of each length; on CUDA they are recorded, so that a pass is one launch.

    Raises:
        UserError: this installation does not support the mode.
    """
    if device.mode == "bf16":
        transformer.set_compute_dtype(torch.bfloat16)
    if device.torch_device.type == "cpu" and device.mode in ("", "bf16"):
        use_prepacked(transformer)
    if device.mode == "int8":
        use_int8(transformer.blocks)
    if device.mode == "compiled":
        transformer.compile(fullgraph=True, mode="reduce-overhead")
        try:
            with torch.inference_mode(), device.torch_device:
                text = torch.zeros(2, transformer.config.text.width)
                transformer(torch.zeros(2, 2, PARTS, 4, dtype=torch.long), transformer.condition(text))
        except (RuntimeError, ImportError, OSError) as error:  # no compiler, no Triton, or an unsupported Python
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(
                f"torch cannot compile here ({reason}); choose the device {device.torch_device}."
            ) from error
    return transformer


def keep_freed_memory() -> None:
    """Let the C library keep the memory of freed tensors for later ones.

    glibc returns blocks above a limit to the system, and every pass has to map the same pages again: 5 % of the time at
    the published size. Freeing this block raises the limit to twice its size; its pages are never touched.
    """
    torch.empty(31 << 20, dtype=torch.uint8)
