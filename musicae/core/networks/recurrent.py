"""The recurrent decoder of MusicVAE (magenta.models.music_vae.lstm_models and lstm_utils).

It computes what the original computes: LSTM cells with a forget bias of 1 at the start, Glorot initialisation over each
whole kernel, `tanh(W z + b)` as the initial state, z concatenated with the previous output at every step.

A flat decoder makes all steps from z. With a conductor, another LSTM makes a vector of z for each segment (a bar, a
track), and the decoder begins each segment anew from its vector, reading the last step of the segment before. Each
stream of the data may have a decoder of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from musicae.core.autoregressive import Autoregressive
from musicae.core.example_spec import ExampleSpec
from musicae.core.likelihoods import Likelihood, Streams
from musicae.core.networks.step_decoder import LSTMStack, StepDecoder
from musicae.core.networks.step_outputs import CategoricalStep, Nade, StepOutput, step_output


class Conductor(LSTMStack):
    """A vector for each segment, from z alone: its layers have no inputs.

    The original feeds them one value that is always 0, whose weights are kept for its checkpoints' sake.

    Args:
        segments: how many.
        units: of each layer.
        latent: size of z.
        dropout: share of each layer's inputs that is dropped in training.
    """

    def __init__(self, segments: int, units: Sequence[int], latent: int, dropout: float = 0.0):
        super().__init__(1, units, latent, dropout)
        self.segments = segments

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """`[batch, latent]` to `[batch, segments, units]`."""
        return self.through(z.new_zeros(len(z), self.segments, 1), self.initial_state(z))[0]


@dataclass(frozen=True)
class DecoderSettings:
    """The decoder's part of `musicae.core.networks.Recurrent`, which says what each setting is."""

    units: Sequence[int]
    autoregressive: bool = True
    segments: int = 1
    conductor_units: Sequence[int] = ()
    separate_decoders: bool = False
    nade: int = 0
    dropout: float = 0.0
    feed_after_end: bool = False


class RecurrentDecoder(nn.Module):
    """Latent vectors to a likelihood over sequences.

    Args:
        settings: layers and their sizes.
        example_spec: what one example is.
        latent: size of z.
        condition_size: values of the condition at each step.
    """

    def __init__(self, settings: DecoderSettings, example_spec: ExampleSpec, latent: int, condition_size: int = 0):
        super().__init__()
        self.settings, self.example_spec = settings, example_spec
        conducting, dropout = settings.conductor_units, settings.dropout
        self.steps, self.segments = example_spec.size[0], settings.segments if conducting else 1
        self.conductor = Conductor(settings.segments, conducting, latent, dropout) if conducting else None
        vector = conducting[-1] if conducting else latent
        sizes = (self.steps // self.segments, vector, condition_size, settings.units, settings.autoregressive, dropout)
        self.voices = nn.ModuleList(StepDecoder(step, *sizes) for step in self._step_outputs())

    def forward(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> Likelihood:
        """The likelihood p(x | z) of `[batch, latent]`, with a condition `[batch, steps, size]` or None."""
        vectors = z.unsqueeze(1) if self.conductor is None else self.conductor(z)
        likelihoods = [self._likelihood(decoder, vectors, condition) for decoder in self.voices]
        return Streams(tuple(likelihoods)) if self.settings.separate_decoders else likelihoods[0]

    def _likelihood(self, decoder: StepDecoder, z: torch.Tensor, condition: torch.Tensor | None) -> Likelihood:
        """Of what one decoder makes of vectors `[batch, segments, vector]`."""
        if self.settings.autoregressive:
            ending = {"end": self.example_spec.end, "feed_after_end": self.settings.feed_after_end}
            return Autoregressive(decoder, z, condition, self.steps, self.segments, **ending)
        inputs = z.new_zeros(len(z), self.steps, 0)
        return decoder.step_output.likelihood(decoder.teacher_forced(inputs, z, condition))

    def _step_outputs(self) -> list[StepOutput]:
        """What a step of each decoder is."""
        spec, nade = self.example_spec, self.settings.nade
        if self.settings.separate_decoders:
            return [CategoricalStep((classes,), several=False) for classes in spec.streams]
        return [Nade(spec.outputs, nade) if nade else step_output(spec)]
