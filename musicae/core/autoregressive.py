"""Sequences of which each step depends on z and on all steps before it: `p(x | z) = Π_t p(x_t | x_<t, z)`.

Any network with the two methods of `CausalDecoder` makes such a likelihood: an LSTM
(`musicae.core.networks.recurrent`), a causal transformer, ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.nn import functional

from musicae.core.likelihoods import Likelihood, ScheduledSampling
from musicae.core.networks.step_outputs import StepOutput
from musicae.core.randomness import RandomSource

Step = Callable[[int, torch.Tensor | None], torch.Tensor]  # the number of a step and the step before, to outputs


class CausalDecoder(Protocol):
    """A network whose output at a step depends on z, on the condition, and on the steps before it.

    Attributes:
        step_output: what its outputs are the parameters of, and how steps become its inputs.
    """

    step_output: StepOutput

    def teacher_forced(self, inputs: torch.Tensor, z: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        """The outputs of all steps of sequences that are there already, `[batch, steps, output_size]`.

        Args:
            inputs: the step before each, as `step_output.inputs` has it, `[batch, steps, input_size]`; at the first
                step zeros. The output of a step may depend on its own input and on earlier ones only.
            z: what is decoded, `[batch, ...]`.
            condition: `[batch, steps, size]`, or None.
        """

    def step(
        self, t: int, previous: torch.Tensor | None, state: Any, z: torch.Tensor, condition: torch.Tensor | None
    ) -> tuple[torch.Tensor, Any]:
        """The output of one step, `[batch, output_size]`, and the state after it.

        Args:
            t: the number of the step; steps are asked for in order.
            previous: the step before, as `step_output.choose` answers it, `[batch, parts]`; None at the first one.
            state: what this answered at the step before; None at the first one.
            z: as above.
            condition: as above, of all steps.
        """

    def sampler(self, z: torch.Tensor, condition: torch.Tensor | None) -> Step:
        """`step` for one z and condition, of all steps in order, where no gradients are wanted: it keeps the state."""
        state = None

        def step(t: int, previous: torch.Tensor | None) -> torch.Tensor:
            nonlocal state
            output, state = self.step(t, previous, state, z, condition)
            return output

        return step


@dataclass(frozen=True)
class Autoregressive(Likelihood):
    """The likelihood of a causal decoder.

    `log_prob` is teacher-forced, which is exact; `mode` is greedy, step by step; `sample` draws each step after those
    drawn before it.

    Args:
        decoder: the network.
        z: what is decoded, `[batch, ...]`, as the decoder reads it.
        condition: `[batch, steps, size]`, or None.
        steps: of a sequence.
        segments: equal parts of a sequence, of which each may end early.
        end: the class after which nothing is left in a segment; None where there is none.
        feed_after_end: whether the decoder reads what it goes on to generate after an end, which nobody is shown; if
            not, it reads nothing there, as in training.
    """

    decoder: CausalDecoder
    z: torch.Tensor
    condition: torch.Tensor | None
    steps: int
    segments: int = 1
    end: int | None = None
    feed_after_end: bool = False

    @property
    def step_output(self) -> StepOutput:
        """What a step is."""
        return self.decoder.step_output

    def teacher_forced(self, x: torch.Tensor, scheduled_sampling: ScheduledSampling | None = None) -> Likelihood:
        """p(x_t | the steps before t, z) for every step: the true ones of `x`, or at times samples of the model.

        Args:
            x: data `[batch, ...]`.
            scheduled_sampling: None for the true ones alone.
        """
        if scheduled_sampling is not None and scheduled_sampling.probability:
            x = self._with_samples(x, scheduled_sampling)
        inputs = functional.pad(self.step_output.inputs(x), (0, 0, 1, 0))[:, :-1]
        return self.step_output.likelihood(self.decoder.teacher_forced(inputs, self.z, self.condition))

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """ln p(x | z) in nats of data `[batch, ...]`: `[batch]`."""
        return self.teacher_forced(x).log_prob(x)

    def accuracy(self, x: torch.Tensor) -> torch.Tensor:
        """Share of steps whose most probable value is right after the true steps before it, `[batch]`."""
        return self.teacher_forced(x).accuracy(x)

    def mode(self) -> torch.Tensor:
        """The greedy decode, of the shape of the data."""
        return self._generated(0.0, 1.0, None)

    def sample(self, random: RandomSource, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
        """Each step drawn after the steps drawn before it, of the shape of the data."""
        uniform = random.uniform(len(self.z), self.steps, self.step_output.draws, device=self.z.device)
        return self._generated(temperature, top_p, uniform)

    def _generated(self, temperature: float, top_p: float, uniform: torch.Tensor | None) -> torch.Tensor:
        """Data, step by step, from numbers in [0, 1) `[batch, steps, draws]`; after an end, the absent class."""
        with torch.inference_mode():
            data = self._step_by_step(temperature, top_p, uniform)
        return data.clone()  # an ordinary tensor, of which gradients can be taken

    def _step_by_step(self, temperature: float, top_p: float, uniform: torch.Tensor | None) -> torch.Tensor:
        step, length = self.decoder.sampler(self.z, self.condition), self.steps // self.segments
        generated: list[torch.Tensor] = []
        previous = None
        for t in range(self.steps):
            if t % length == 0:
                ended = torch.zeros(len(self.z), 1, dtype=torch.bool, device=self.z.device)
            output = step(t, previous)
            now = self.step_output.choose(output, None if uniform is None else uniform[:, t], temperature, top_p)
            generated.append(now if self.end is None else now.masked_fill(ended, self.step_output.input_size))
            previous = now if self.feed_after_end else generated[-1]
            ended = ended | (now == self.end) if self.end is not None else ended
        return self.step_output.data(torch.stack(generated, 1))

    def _with_samples(self, x: torch.Tensor, scheduled_sampling: ScheduledSampling) -> torch.Tensor:
        """Data of which some steps are samples at temperature 1 after those before them, as generation draws them.

        Samples carry no gradient, so that they are drawn without, and the decoder then reads all steps at once.
        """
        numbers = scheduled_sampling.random.uniform(len(x), 1 + self.step_output.draws, self.steps, device=x.device)
        coins, uniform = numbers[:, 0] < scheduled_sampling.probability, numbers[:, 1:]
        with torch.inference_mode(), torch.autocast(x.device.type, enabled=False):
            truth = self.step_output.parts(x)
            step, mixed = self.decoder.sampler(self.z, self.condition), []
            for t in range(self.steps - 1):  # nothing reads the last one
                outputs = step(t, mixed[-1] if mixed else None)
                sample = self.step_output.choose(outputs, uniform[:, :, t], 1.0, 1.0)
                mixed.append(torch.where(coins[:, t, None], sample, truth[:, t]))
            data = self.step_output.data(torch.stack([*mixed, truth[:, -1]], 1))
        return data.clone()
