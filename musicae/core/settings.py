"""How a model is trained, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from musicae.core.configuration import Count, Positive, Range, Share, Weight
from musicae.core.schedules import Schedule, WarmupCosine

Momentum = Annotated[float, Range(0, 1 - 1e-9)]


@dataclass(frozen=True)
class Training:
    """Settings of the training loop.

    Args:
        steps: of the optimiser.
        batch_size: examples a step, over all processes together.
        learning_rate: a function of the step.
        weight_decay: of matrices; vectors do not decay.
        betas: of AdamW.
        clip: the largest global norm of the gradient; larger ones are scaled down to it.
        skip_above: a step whose gradient is larger than this, or not finite, is skipped and counted.
        momentum_on_skip: whether a skipped step goes on by its momentum, as with a gradient of zeros (MusicVAE), or
            stands still.
        average: decay of the running average of the weights, which is what is validated and kept.
        validate_every: steps between validations, at each of which the state is saved too.
        validation_examples: at most so many are measured.
        keep: which weights are kept: `"best"`, those of the lowest loss on the validation examples, or `"last"`, where
            the loss means little, as in a game between two networks.
        log_every: steps between rows of `metrics.csv`.
        precision: `"bf16"`, `"float32"`, or `"auto"`: bf16 where the hardware multiplies it.
        seed: of everything random.
        prefetch: batches that a thread prepares ahead; 0 for none.
        tf32: whether GPUs may round factors of float32 products to 10 bits (TF32), which is several times as fast.
        compile: whether encoder and decoder are compiled (`torch.compile`), where they can be.
    """

    steps: Count = 10_000
    batch_size: Annotated[int, Range(1, 2**20)] = 256
    learning_rate: Schedule = WarmupCosine(peak=1e-3, final=1e-5, warmup=200, steps=10_000)
    weight_decay: Weight = 0.01
    betas: tuple[Momentum, Momentum] = (0.9, 0.99)
    clip: Positive = 1.0
    skip_above: Positive = 1e6
    momentum_on_skip: bool = False
    average: Share = 0.999
    validate_every: Count = 500
    validation_examples: Count = 2048
    keep: Literal["best", "last"] = "best"
    log_every: Count = 50
    precision: Literal["auto", "bf16", "float32"] = "auto"
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0
    prefetch: Annotated[int, Range(0, 1000)] = 2
    tf32: bool = True
    compile: bool = False
