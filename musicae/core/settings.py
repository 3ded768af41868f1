"""How a model is trained, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

from musicae.core.schedules import Schedule, WarmupCosine


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
    """

    steps: int = 10_000
    batch_size: int = 256
    learning_rate: Schedule = WarmupCosine(peak=1e-3, final=1e-5, warmup=200, steps=10_000)
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    clip: float = 1.0
    skip_above: float = 1e6
    momentum_on_skip: bool = False
    average: float = 0.999
    validate_every: int = 500
    validation_examples: int = 2048
    keep: str = "best"
    log_every: int = 50
    precision: str = "auto"
    seed: int = 0
