"""A machine with two memories, acted out on the CPU: tensors of the host may not meet tensors of the device.

Inside ``far_from_host`` every tensor that is made without a device, or of a numpy array, lives on the "host". An
operation on it and a tensor of the "device" (all other tensors) fails, as it does with CUDA. ``.to(...)`` with a device
moves a tensor; a host tensor without axes may meet device tensors, as with CUDA. Networks count as moved.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

_FACTORIES = {
    torch.rand, torch.randn, torch.randint, torch.randperm, torch.arange, torch.linspace, torch.tensor,
    torch.zeros, torch.ones, torch.full, torch.empty, torch.eye,
}  # fmt: skip
_ACROSS = {torch.Tensor.__getitem__, torch.Tensor.copy_}
"""Operations on a device tensor that take tensors of the host, with CUDA too: as indices, and as contents."""


class HostTensor(torch.Tensor):
    """A tensor that is not on the device."""

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunctionSubclass():
            if function is torch.Tensor.to and _names_device(args[1:], kwargs):
                return function(args[0].as_subclass(torch.Tensor), *args[1:], **kwargs)
            tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
            on_device = [tensor for tensor in tensors if not isinstance(tensor, HostTensor)]
            on_host = [tensor for tensor in tensors if isinstance(tensor, HostTensor) and tensor.ndim]
            if on_device and on_host and not (function in _ACROSS and not isinstance(args[0], HostTensor)):
                raise AssertionError(
                    f"{getattr(function, '__name__', function)} mixes tensors of the host {[*on_host[0].shape]} "
                    f"and of the device {[*on_device[0].shape]}"
                )
            result = function(*args, **kwargs)
        kind = torch.Tensor if on_device else HostTensor
        return tree_map(lambda value: value.as_subclass(kind) if isinstance(value, torch.Tensor) else value, result)


class _Marking(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in _FACTORIES and (kwargs or {}).get("device") is None and not _makes_a_network():
            return result.as_subclass(HostTensor)
        return result


def _makes_a_network() -> bool:
    """Whether the call comes from the constructor of a network, which is moved as a whole when it is complete."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "__init__" and isinstance(frame.f_locals.get("self"), torch.nn.Module):
            return True
        frame = frame.f_back
    return False


def _names_device(args: Any, kwargs: dict[str, Any]) -> bool:
    return any(isinstance(value, torch.device | str) for value in (*args, *kwargs.values()))


@contextmanager
def far_from_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let tensors live on the host unless they are made for, or moved to, a device."""
    from_numpy = torch.from_numpy

    def on_host(array: np.ndarray) -> torch.Tensor:
        return from_numpy(array).as_subclass(HostTensor)

    with monkeypatch.context() as patch, _Marking():
        patch.setattr(torch, "from_numpy", on_host)
        yield
