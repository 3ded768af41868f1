"""The menu of networks. Each entry is plain settings that build an encoder and a decoder for some kind of examples.

The entries hold numbers only, so that presets and `--help` can read them without loading torch; the networks
themselves are in the modules of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

from musicae.core.configuration import MaybeSize, MaybeWidths, Range, Share, Size, Widths
from musicae.core.example_spec import ExampleSpec
from musicae.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn


class Network(Protocol):
    """Settings that build an encoder and a decoder; one of your own is a frozen dataclass with these two methods.

    Attributes:
        per_step_condition: whether encoder and decoder read a condition at each step; if not, one for each example is
            concatenated with the features and with z, and the networks know nothing of it.
    """

    per_step_condition: ClassVar[bool] = False

    def encoder(self, example_spec: ExampleSpec, condition_size: int = 0) -> tuple[nn.Module, int]:
        """The network from data `[batch, ...]` to features `[batch, features]`, and how many features.

        Args:
            example_spec: what one example is.
            condition_size: values of the condition at each step, `[batch, steps, condition_size]`, which is then its
                second input; 0 where `per_step_condition` is false.

        Raises:
            ConfigError: there is no such network for such examples.
        """

    def decoder(self, example_spec: ExampleSpec, latent: int, condition_size: int = 0) -> nn.Module:
        """The network from `[batch, latent]` (and a condition, as above) to a likelihood
        (`musicae.core.likelihoods.Likelihood`)."""


@dataclass(frozen=True)
class Convolutional(Network):
    """Residual convolutions over one or two dimensions, every position decoded at once.

    Args:
        widths: channels at each scale, finest first.
        blocks: residual blocks at each scale.
        full_resolution: whether the first scale has the resolution of the data; if not, half of it.
        z_summary: size of the vector in which z is summed up for the blocks of the decoder to read; 0 for z itself. Of
            a long z it saves a quarter of the weights.
    """

    widths: Widths = (128, 160, 192, 256)
    blocks: Annotated[int, Range(0, 64)] = 2
    full_resolution: bool = True
    z_summary: MaybeSize = 0

    def encoder(self, example_spec: ExampleSpec, condition_size: int = 0) -> tuple[nn.Module, int]:
        """See `Network`."""
        from torch import nn

        from musicae.core.networks.convolutional import ConvolutionalEncoder
        from musicae.core.networks.inputs import input_layer

        read = input_layer(example_spec)
        network = ConvolutionalEncoder(read.channels, example_spec.size, self.widths, self.blocks, self.full_resolution)
        return nn.Sequential(read, network), network.features

    def decoder(self, example_spec: ExampleSpec, latent: int, condition_size: int = 0) -> nn.Module:
        """See `Network`."""
        from musicae.core.networks.convolutional import ConvolutionalDecoder
        from musicae.core.networks.head import LikelihoodHead
        from musicae.core.outputs import likelihood_of

        sizes = (
            example_spec.outputs,
            example_spec.size,
            self.widths,
            self.blocks,
            latent,
            self.full_resolution,
            self.z_summary,
        )
        network = ConvolutionalDecoder(*sizes)
        return LikelihoodHead(network, likelihood_of(example_spec))


@dataclass(frozen=True)
class Dense(Network):
    """Fully connected layers with smooth rectifiers: the plain multi-layer perceptron.

    Args:
        widths: units of the encoder's hidden layers; the decoder has them in reverse.
    """

    widths: MaybeWidths = (512, 256)

    def encoder(self, example_spec: ExampleSpec, condition_size: int = 0) -> tuple[nn.Module, int]:
        """See `Network`."""
        from torch import nn

        from musicae.core.networks.dense import DenseEncoder
        from musicae.core.networks.inputs import input_layer

        read = input_layer(example_spec)
        network = DenseEncoder(read.channels, example_spec.size, self.widths)
        return nn.Sequential(read, network), network.features

    def decoder(self, example_spec: ExampleSpec, latent: int, condition_size: int = 0) -> nn.Module:
        """See `Network`."""
        from musicae.core.networks.dense import DenseDecoder
        from musicae.core.networks.head import LikelihoodHead
        from musicae.core.outputs import likelihood_of

        network = DenseDecoder(example_spec.outputs, example_spec.size, self.widths, latent)
        return LikelihoodHead(network, likelihood_of(example_spec))


@dataclass(frozen=True)
class Recurrent(Network):
    """The LSTMs of MusicVAE (Roberts et al. 2018): a bidirectional encoder, an autoregressive decoder.

    Args:
        encoder_units: units of each bidirectional layer, a direction.
        decoder_units: units of each layer of the decoder.
        autoregressive: whether the decoder reads the step before; if not, it reads z alone at every step, and all steps
            are decoded at once (sequence to sequence, Sutskever et al. 2014).
        segments: into how many equal parts the steps are cut for a hierarchical encoder and for a conductor.
        hierarchical_encoder: whether an encoder reads each segment, and another like it the features of the segments.
        conductor_units: units of each layer of the LSTM that makes a vector for each segment of z; the decoder begins
            each segment anew from its vector. Empty for none: all steps are decoded from z.
        separate_decoders: whether each stream has a decoder of its own.
        nade: hidden units of the neural autoregressive distribution over the binary units of a step (Larochelle &
            Murray 2011); 0 for independent ones.
        dropout: share of the inputs of every LSTM layer that is dropped in training.
        feed_after_end: whether a decoder that generates reads on, after the class that ends a segment, what it would
            have made there, as MusicVAE's does, so that the next segment begins from what is shown nowhere; or nothing,
            as in training.
    """

    per_step_condition: ClassVar[bool] = True

    encoder_units: Widths = (512,)
    decoder_units: Widths = (256, 256)
    autoregressive: bool = True
    segments: Size = 1
    hierarchical_encoder: bool = False
    conductor_units: MaybeWidths = ()
    separate_decoders: bool = False
    nade: MaybeSize = 0
    dropout: Share = 0.0
    feed_after_end: bool = False

    def encoder(self, example_spec: ExampleSpec, condition_size: int = 0) -> tuple[nn.Module, int]:
        """See `Network`.

        Raises:
            ConfigError: the examples are not sequences of classes or binary units, or not of so many equal segments.
        """
        if len(example_spec.size) != 1 or example_spec.likelihood == "normal" or example_spec.bitmask_streams:
            raise ConfigError(
                f"a recurrent network reads sequences of classes or binary units, not {example_spec}: try Convolutional"
            )
        if (self.hierarchical_encoder or self.conductor_units) and example_spec.size[0] % self.segments:
            raise ConfigError(f"{example_spec.size[0]} steps cannot be cut into {self.segments} equal segments")
        from musicae.core.networks.inputs import input_layer
        from musicae.core.networks.recurrent_encoders import HierarchicalEncoder, InputEncoder, RecurrentEncoder

        read = input_layer(example_spec)
        channels = read.channels + condition_size
        if self.hierarchical_encoder:
            network = HierarchicalEncoder(channels, self.encoder_units, self.segments, self.dropout)
        else:
            network = RecurrentEncoder(channels, self.encoder_units, self.dropout)
        return InputEncoder(read, network, example_spec), network.features

    def decoder(self, example_spec: ExampleSpec, latent: int, condition_size: int = 0) -> nn.Module:
        """See `Network`."""
        from musicae.core.networks.recurrent import DecoderSettings, RecurrentDecoder

        settings = DecoderSettings(
            units=self.decoder_units,
            autoregressive=self.autoregressive,
            segments=self.segments,
            conductor_units=self.conductor_units,
            separate_decoders=self.separate_decoders,
            nade=self.nade,
            dropout=self.dropout,
            feed_after_end=self.feed_after_end,
        )
        return RecurrentDecoder(settings, example_spec, latent, condition_size)


NETWORKS = (Convolutional, Dense, Recurrent)
