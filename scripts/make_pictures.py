"""The pictures of the README and of docs/images.md, made by the package itself.

python scripts/make_pictures.py                      the song
python scripts/make_pictures.py runs [--judge FOLDER]  and every figure of the picture models in that folder
"""

from __future__ import annotations

import argparse
from pathlib import Path

import musicae
from musicae.draw import Draw
from musicae.music.figures import save_interpolation

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
RUNS = {  # of each, the figures that docs/images.md shows: name of the figure, options
    "mnist-ae": [("reconstructions", {}), ("noise", {"number": 6}), ("interpolation", {"number": 5})],
    "mnist-plane": [("scatter", {}), ("manifold", {})],
    "mnist-dense": [("reconstructions", {})],
    "mnist-sparse": [("reconstructions", {})],
    "mnist-denoising": [("restored", {})],
    "mnist-denoising-light": [("restored", {})],
    "mnist-denoising-centred": [("restored", {})],
    "mnist-superres-2x": [("restored", {})],
    "mnist-superres-4x": [("restored", {}), ("restored", {"data": "noise"})],
    "mnist-vae": [("scatter", {}), ("manifold", {}), ("curves", {}), ("interpolation", {"number": 5})],
    "mnist-vae-20": [("samples", {"number": 60}), ("noise", {"number": 6})],
    "mnist-conditional": [("styles", {})],
    "mnist-adversarial": [("samples", {"number": 60}), ("scatter", {})],
    "mnist-wasserstein": [("samples", {"number": 60})],
    "mnist-regularised": [("samples", {"number": 60})],
}


def interpolation() -> None:
    """From one nursery song to another."""
    samples = ROOT / "midi_samples"
    between = musicae.load().interpolate(samples / "twinkle_twinkle.mid", samples / "ode_to_joy.mid")
    names = ("Twinkle, Twinkle,\nLittle Star", "Ode to Joy")
    save_interpolation(between.songs, PICTURES / "interpolation.png", between.originals, True, names)


def digits(runs: Path, judge: Path | None) -> None:
    """The figures of the runs that are there; the others are named."""
    for name, figures in RUNS.items():
        if not (runs / name / "model.safetensors").exists():
            print(f"no run of {name} in {runs}")
            continue
        for figure, options in figures:
            out = "_".join([name, figure, *([f"of_{options['data']}"] if "data" in options else [])])
            judged = {"judge": judge} if figure == "noise" else {}
            Draw(figure, str(runs / name), out=str(PICTURES / f"{out}.png"), force=True, **options, **judged).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="?", help="folder of trained models, e.g. runs")
    parser.add_argument("--judge", type=Path, help="classifier that python -m musicae.judge trained")
    arguments = parser.parse_args()
    interpolation()
    if arguments.runs:
        digits(arguments.runs, arguments.judge)
