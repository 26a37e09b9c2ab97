"""What computes: a device by its name, and how it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch

from ..errors import UserError
from ..networks.int8 import use_int8
from ..networks.prepacked import use_prepacked
from ..networks.tokenizer import PARTS
from ..networks.transformer import InteractionTransformer

How = Literal["", "bf16", "int8", "compiled"]


@dataclass(frozen=True)
class Device:
    """A device and a way of computing that is not the usual one.

    Attributes:
        place: the device that tensors live on.
        how: ``bf16``, the transformer's blocks in bfloat16 (CPU alone: GPUs compute in half precision anyway);
            ``int8``, its large layers in whole numbers of eight bits (CPU alone); ``compiled``, the transformer as
            compiled graphs; or nothing.
    """

    place: torch.device
    how: How = ""

    def __str__(self) -> str:
        """The name that ``choose_device`` takes."""
        return f"{self.place}-{self.how}" if self.how else str(self.place)


def choose_device(name: str) -> Device:
    """The device of that name.

    Args:
        name: ``auto`` (CUDA, then Apple's GPU, then the CPU, in bfloat16 where it multiplies such), ``cpu``, ``cuda``,
            ``cuda:N`` or ``mps``; ``cpu-bf16``, ``cpu-int8``; ``cuda-compiled`` or ``cpu-compiled``.

    Raises:
        UserError: this machine has no such device, or it does not compute so.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        kind = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
        return Device(torch.device(kind), "bf16" if kind == "cpu" and multiplies_bf16() else "")
    place, _, how = name.partition("-")
    kind = place.partition(":")[0]
    if how not in {"cpu": ("", "bf16", "int8", "compiled"), "cuda": ("", "compiled"), "mps": ("",)}.get(kind, ()):
        raise UserError(
            f"There is no device '{name}'; choose auto, cpu, cuda or mps, or cpu-bf16, cpu-int8, cpu-compiled or "
            "cuda-compiled."
        )
    if not there[kind]:
        raise UserError(f"This machine has no device '{place}'; choose auto or cpu.")
    try:
        return Device(torch.device(place), cast(How, how))
    except RuntimeError as error:
        raise UserError(f"There is no device '{name}'; choose auto, cpu, cuda or mps.") from error


def multiplies_bf16() -> bool:
    """Whether this CPU has instructions for products in bfloat16: without them that precision is the slower one."""
    found = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch 2.6 and newer
    return bool(found is not None and found())


def suited(transformer: InteractionTransformer, device: Device) -> InteractionTransformer:
    """The transformer, made to compute as its device says.

    Compiled graphs are made at the first pass of each length, and on CUDA recorded so that a pass is one launch.

    Raises:
        UserError: this installation cannot compute so.
    """
    if device.how == "bf16":
        transformer.compute_in(torch.bfloat16)
    if device.place.type == "cpu" and device.how in ("", "bf16"):
        use_prepacked(transformer)
    if device.how == "int8":
        use_int8(transformer.blocks)
    if device.how == "compiled":
        transformer.compile(fullgraph=True, mode="reduce-overhead")
        try:
            with torch.inference_mode(), device.place:
                text = torch.zeros(2, transformer.config.text.width)
                transformer(torch.zeros(2, 2, PARTS, 4, dtype=torch.long), transformer.condition(text))
        except (RuntimeError, ImportError, OSError) as error:  # no compiler, no Triton, a Python that it does not know
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(f"torch cannot compile here ({reason}); choose the device {device.place}.") from error
    return transformer


def out_of_memory(error: RuntimeError) -> bool:
    """Whether memory of any device ran out; only CUDA has an exception of its own for it."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(
        words in str(error).lower() for words in ("out of memory", "can't allocate memory")
    )


def keep_freed_memory() -> None:
    """Let the C library keep the memory of freed tensors for the next ones.

    glibc gives back what is free above a limit, and every pass pays for the same pages again: a twentieth of the time
    of the published size. The limit becomes twice the largest block freed so far, up to 32 MiB; nothing is touched.
    """
    torch.empty(31 << 20, dtype=torch.uint8)
