"""What a GPU needs to be kept busy: copies that nobody waits for, fast products, compiled networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def moved(tensor: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """The same on a device; to a GPU by way of page-locked memory, so that the copy is made while Python goes on."""
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


@contextmanager
def tf32(allowed: bool, device: torch.device) -> Iterator[None]:
    """Products of float32 in TF32, or not, for a while; where the device is no GPU nothing changes.

    Args:
        allowed: whether a factor may be rounded to 10 bits.
        device: of the work.
    """
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def compile_parts(parts: list[nn.Module], trial: Callable[[], Any]) -> str | None:
    """Compile modules in place by `torch.compile`; where that fails they stay as they were.

    Args:
        parts: the modules.
        trial: calls them once, forward and backward, which is when they are compiled.

    Returns:
        Why it failed, in a line; None where it did not.
    """
    for part in parts:
        part.compile()
    try:
        trial()
    except Exception as error:  # a compiler answers with whatever it stumbles over
        for part in parts:
            part._compiled_call_impl = None  # which `compile` has set; there is no public way back
        torch._dynamo.reset()
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return None
