"""The pictures of the README, made by the package itself.

python scripts/make_pictures.py      a minute on two cores
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import musicae
from musicae.fitting import fit
from musicae.images import figures
from musicae.music.figures import save_interpolation
from musicae.presets import PRESETS

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"


def interpolation() -> None:
    """From one nursery song to another."""
    samples = ROOT / "midi_samples"
    between = musicae.load().interpolate(samples / "twinkle_twinkle.mid", samples / "ode_to_joy.mid")
    names = ("Twinkle, Twinkle,\nLittle Star", "Ode to Joy")
    save_interpolation(between.songs, PICTURES / "interpolation.png", between.originals, True, names)


def digits() -> None:
    """The latent plane of a small variational autoencoder of digits: what it decodes, and where digits lie."""
    with tempfile.TemporaryDirectory() as folder:
        model = fit(PRESETS["digits-vae"], out=folder, force=True, device="cpu")
    figures.save(figures.manifold(model, side=16), PICTURES / "digits_manifold.png", True)


if __name__ == "__main__":
    interpolation()
    digits()
