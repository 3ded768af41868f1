"""A step of the optimiser. Nothing here asks the device for a number, so that a GPU never waits for the next step."""

from __future__ import annotations

import copy

import torch
from torch import nn

from musicae.core.settings import Training


class Descent:
    """AdamW on a clipped gradient; a step whose gradient is too large, or not finite, is skipped and counted.

    Args:
        model: what is trained, on its device.
        settings: how.

    Attributes:
        optimizer: the AdamW.
        skipped: how many steps were skipped so far: one number on the device.
    """

    def __init__(self, model: nn.Module, settings: Training):
        self.settings = settings
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        device = self.parameters[0].device
        # Fused is one pass over the weights, 5 times as fast on a CPU, and can skip a step without asking.
        self.fused = device.type in ("cpu", "cuda")
        groups = parameter_groups(model, settings.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, betas=settings.betas, fused=self.fused)
        self.skipped = torch.zeros((), device=device)

    def step(self, number: int) -> None:
        """Go one step down the gradients, which are dropped then.

        Args:
            number: of the step, from 0.
        """
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        skip = (~(norm < self.settings.skip_above)).float()  # also where it is not a number
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate(number)
        if self.settings.momentum_on_skip:
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.grad.masked_fill_(skip.bool(), 0)
            self.optimizer.step()
        elif self.fused:
            self.optimizer.found_inf = skip  # read by the fused kernel, which then changes nothing
            self.optimizer.step()
        elif not skip:
            self.optimizer.step()
        self.optimizer.zero_grad()
        self.skipped += skip


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Matrices decay, vectors (biases, gains) do not."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]


class RunningAverage(nn.Module):
    """The exponential moving average of a model's weights; over the first n steps the decay is at most
    (1 + n) / (10 + n), so that the random start is soon forgotten.

    Args:
        model: the model, which is copied.
        decay: how much of the average is left at each step.
    """

    n_averaged: torch.Tensor

    def __init__(self, model: nn.Module, decay: float):
        super().__init__()
        self.module = copy.deepcopy(model)
        self.decay = decay
        self.register_buffer("n_averaged", torch.tensor(0))  # for the reader of a saved state

    @torch.no_grad()
    def update(self, model: nn.Module, n: int) -> None:
        """Take in the weights after step `n`, from 0: the first are copied. Buffers are those of the model."""
        weight = 1 - min(self.decay, (1 + n) / (10 + n)) if n else 1.0
        torch._foreach_lerp_(list(self.module.parameters()), list(model.parameters()), weight)
        for averaged, current in zip(self.module.buffers(), model.buffers(), strict=True):
            averaged.copy_(current)
        self.n_averaged += 1
