"""Train the language model of melodies that ships (`musicae.music.language`) on folders of songs.

    python scripts/train_language_model.py --songs FOLDERS --steps 2300

Songs are split as training splits them (`musicae.music.data.splitting`); the test part is not read. One step takes
about 1.2 seconds of a core; 2,300 take 45 minutes. With --out it is written elsewhere than where it ships.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from musicae.errors import Error
from musicae.music.data.extraction import fingerprint
from musicae.music.data.sources import is_music
from musicae.music.data.splitting import split
from musicae.music.language.model import SHIPPED, LanguageModel
from musicae.music.language.training import Line, lines_of, train
from musicae.music.song import Song
from musicae.music.theory.retiming import on_beats

SPLIT = (0.9, 0.05, 0.05)


def lines(folders: list[Path]) -> dict[str, list[Line]]:
    """The lines of all songs, by the part that their song falls into."""
    found: dict[str, list[Line]] = {"train": [], "validation": [], "test": []}
    files = sorted(path for folder in folders for path in folder.rglob("*") if is_music(path.name))
    for file in files:
        try:
            song = on_beats(Song.read(file))
            found[split([fingerprint(song)], 0, SPLIT)[0]].extend(lines_of(song))
        except Error as error:
            print(f"{file.name}: skipped ({error})")
    return found


def main() -> None:
    """Extract, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", nargs="+", required=True, type=Path, help="folders of songs")
    parser.add_argument("--steps", type=int, default=2300, help="of training (default: 2300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of the weights (default: where they ship)")
    options = parser.parse_args()
    found = lines(options.songs)
    held_out = [line for line in found["validation"] if line.melody]
    print(f"{len(found['train']):,} lines to train on, {len(held_out):,} melodies held out")
    model = LanguageModel()
    train(model, found["train"], held_out, options.steps, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    model.save(options.out)


if __name__ == "__main__":
    main()
