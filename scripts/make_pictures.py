"""The pictures of the README and of docs/images.md, made by the package itself.

python scripts/make_pictures.py                        the interpolation in the README
python scripts/make_pictures.py runs --judge runs/judge --fashion FASHION
                                                       also the pictures in docs/images.md, of the models in runs
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import musicae
from musicae.draw import Draw
from musicae.music.render.png import save_interpolation

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
SHOWN = re.compile(r"\(pictures/(?P<name>(?P<run>[\w-]+?)_(?P<figure>[a-z]+)(?:_of_(?P<data>[a-z]+))?)\.png\)")


def interpolation() -> None:
    """An interpolation between two songs."""
    samples = ROOT / "midi_samples"
    between = musicae.load().interpolate(samples / "twinkle_twinkle.mid", samples / "ode_to_joy.mid")
    names = ("Twinkle, Twinkle,\nLittle Star", "Ode to Joy")
    save_interpolation(between.songs, PICTURES / "interpolation.png", between.originals, True, names)


def figures(runs: Path, judge: Path | None, data: dict[str | None, str | None]) -> None:
    """Every RUN_FIGURE.png and RUN_FIGURE_of_DATA.png that docs/images.md shows; missing runs are reported."""
    for shown in SHOWN.finditer((ROOT / "docs" / "images.md").read_text(encoding="utf-8")):
        run, figure, name = runs / shown["run"], shown["figure"], shown["name"]
        if not (run / "model.safetensors").exists() or (shown["data"] and not data.get(shown["data"])):
            print(f"{name}.png is not drawn again: there is no {run}, or no data for it")
            continue
        options = {"data": data.get(shown["data"]), "judge": judge if figure == "noise" else None}
        Draw(figure, str(run), out=str(PICTURES / f"{name}.png"), force=True, **options).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="?", help="folder of trained models")
    parser.add_argument("--judge", type=Path, help="classifier that python -m musicae.judge trained")
    parser.add_argument("--fashion", help="folder with Fashion-MNIST, for reconstructions of it by a model of digits")
    arguments = parser.parse_args()
    interpolation()
    if arguments.runs:
        figures(arguments.runs, arguments.judge, {"noise": "noise", "fashion": arguments.fashion})
