"""The menu of networks. Each entry is plain settings that build an encoder and a decoder for an event.

The entries hold numbers only, so that presets and `--help` can read them without loading torch; the networks
themselves are in the modules of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from musicae.core.event import Event
from musicae.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Convolutional:
    """Residual convolutions over one or two dimensions, every position decoded at once.

    Args:
        widths: channels at each scale, finest first.
        blocks: residual blocks at each scale.
        fine: whether the first scale has the resolution of the data; if not, half of it.
    """

    widths: tuple[int, ...] = (128, 160, 192, 256)
    blocks: int = 2
    fine: bool = True

    def encoder(self, event: Event) -> tuple[nn.Module, int]:
        """The network from data to features, and how many features."""
        from torch import nn

        from musicae.core.networks.convolutional import ConvolutionalEncoder
        from musicae.core.networks.inputs import input_layer

        network = ConvolutionalEncoder(event.channels, event.size, self.widths, self.blocks, self.fine)
        return nn.Sequential(input_layer(event), network), network.features

    def decoder(self, event: Event, latent: int) -> nn.Module:
        """The network from latent vectors to a likelihood."""
        from musicae.core.autoencoder import Decoder
        from musicae.core.likelihoods import LIKELIHOODS
        from musicae.core.networks.convolutional import ConvolutionalDecoder

        sizes = (event.channels, event.size, self.widths, self.blocks, latent, self.fine)
        network = ConvolutionalDecoder(*sizes)
        return Decoder(network, LIKELIHOODS[event.likelihood])


@dataclass(frozen=True)
class Dense:
    """Fully connected layers with smooth rectifiers: the plain multi-layer perceptron.

    Args:
        widths: units of the encoder's hidden layers; the decoder has them in reverse.
    """

    widths: tuple[int, ...] = (512, 256)

    def encoder(self, event: Event) -> tuple[nn.Module, int]:
        """The network from data to features, and how many features."""
        from torch import nn

        from musicae.core.networks.dense import DenseEncoder
        from musicae.core.networks.inputs import input_layer

        network = DenseEncoder(event.channels, event.size, self.widths)
        return nn.Sequential(input_layer(event), network), network.features

    def decoder(self, event: Event, latent: int) -> nn.Module:
        """The network from latent vectors to a likelihood."""
        from musicae.core.autoencoder import Decoder
        from musicae.core.likelihoods import LIKELIHOODS
        from musicae.core.networks.dense import DenseDecoder

        network = DenseDecoder(event.channels, event.size, self.widths, latent)
        return Decoder(network, LIKELIHOODS[event.likelihood])


@dataclass(frozen=True)
class Recurrent:
    """The LSTMs of MusicVAE (Roberts et al. 2018): a bidirectional encoder, an autoregressive decoder.

    Args:
        encoder_units: units of each bidirectional layer, a direction.
        decoder_units: units of each layer of the decoder.
        autoregressive: whether the decoder hears what it said before; if not, it hears z again at every step, and all
            steps are decoded at once (sequence to sequence, Sutskever et al. 2014).
    """

    encoder_units: tuple[int, ...] = (512,)
    decoder_units: tuple[int, ...] = (256, 256)
    autoregressive: bool = True

    def encoder(self, event: Event) -> tuple[nn.Module, int]:
        """The network from data to features, and how many features.

        Raises:
            ConfigError: the event is not a sequence of classes.
        """
        if not event.categorical or len(event.size) != 1:
            raise ConfigError(f"a recurrent network reads sequences of classes, not {event}: try a convolutional one")
        from torch import nn

        from musicae.core.networks.inputs import input_layer
        from musicae.core.networks.recurrent import RecurrentEncoder

        network = RecurrentEncoder(event.channels, self.encoder_units)
        return nn.Sequential(input_layer(event), network), network.features

    def decoder(self, event: Event, latent: int) -> nn.Module:
        """The network from latent vectors to a likelihood."""
        from musicae.core.networks.recurrent import RecurrentDecoder

        return RecurrentDecoder(event.channels, event.size[0], self.decoder_units, latent, self.autoregressive)


Network = Convolutional | Dense | Recurrent
NETWORKS = (Convolutional, Dense, Recurrent)
