"""The pictures of the README, made by the package itself.

python -m musicae.train mnist-vae --data FOLDER_WITH_MNIST
python scripts/make_pictures.py runs/mnist-vae
"""

from __future__ import annotations

import sys
from pathlib import Path

import musicae
from musicae.images import figures
from musicae.music.figures import save_interpolation

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"


def interpolation() -> None:
    """From one nursery song to another."""
    samples = ROOT / "midi_samples"
    between = musicae.load().interpolate(samples / "twinkle_twinkle.mid", samples / "ode_to_joy.mid")
    names = ("Twinkle, Twinkle,\nLittle Star", "Ode to Joy")
    save_interpolation(between.songs, PICTURES / "interpolation.png", between.originals, True, names)


def digits(run: Path) -> None:
    """What the latent plane of a trained mnist-vae decodes to."""
    figures.save(figures.manifold(musicae.load(run), side=16), PICTURES / "digits_manifold.png", True)


if __name__ == "__main__":
    interpolation()
    digits(Path(sys.argv[1]))
