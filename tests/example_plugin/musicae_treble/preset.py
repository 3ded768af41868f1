"""The preset of this package."""

from musicae.core.objectives import Elbo
from musicae.presets import Preset, training
from musicae_treble import DropoutDense, Treble

TREBLE = Preset(
    name="treble-2bar",
    summary="the notes above middle C, two bars at a time",
    representation=Treble(steps=32),
    network=DropoutDense(widths=(16,)),
    latent=4,
    objective=Elbo(),
    training=training(100),
)
