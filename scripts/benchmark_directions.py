"""What `vary` makes of real songs that a model was not trained on: with more and less of each attribute, and without
options.

    python scripts/benchmark_directions.py melody-2bar --songs FOLDERS --count 60

Of test songs (as training splits them) the first bars are varied by the public verb. Printed for each attribute, asked
for more and for less of it, by one standard deviation over songs:

* songs: that have some to give; a song without syncopation cannot have less;
* right: the share of them in which the attribute rises (falls);
* reached: its mean change, of 1 that is asked for;
* kept: the share of the notes that stay at their onset and pitch (where transposed: as all of it is), and the lowest;
* others: the mean change of the other attributes, up or down, as a share of what is reached, and the largest;
* outside: the share of the notes beyond the range of the song.

Changes are in the standard deviations of the model's directions; of an attribute without one, in that over these songs.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from song_pairs import pool

from musicae.loading import load
from musicae.music.analysis.attributes import ATTRIBUTES, names
from musicae.music.model import MusicModel
from musicae.music.results import Variations
from musicae.music.song import Song

HEAD = ("asked", "songs", "right", "reached", "kept", "least kept", "others", "largest other", "outside")


@dataclass(frozen=True, eq=False)
class Answer:
    """What one song answered.

    Args:
        changes: of all attributes, in their own units, `[attributes]`.
        kept: the share of its notes that stay.
        outside: notes beyond its range, and all.
    """

    changes: np.ndarray
    kept: float
    outside: tuple[int, int]


def answered(varied: Variations, attributes: tuple[str, ...]) -> Answer:
    """Of the last variation."""
    after = varied.after[-1]
    changes = np.array([after[name] - varied.before[name] for name in attributes])
    low, high = (reduce(pitches(varied.original)) + varied.semitones[-1] for reduce in (lowest, highest))
    notes = pitches(varied[-1])
    return Answer(changes, varied.kept[-1], (int(((notes < low) | (notes > high)).sum()), len(notes)))


def pitches(song: Song) -> np.ndarray:
    """Of all notes that are not drums."""
    return np.concatenate([np.zeros(0, int), *(one.notes["pitch"] for one in song.tracks if not one.is_drum)])


def lowest(notes: np.ndarray) -> int:
    """Of some pitches."""
    return int(notes.min(initial=128))


def highest(notes: np.ndarray) -> int:
    """Of some pitches."""
    return int(notes.max(initial=-1))


def row(name: str, sign: int, answers: list[Answer], attributes: tuple[str, ...], spreads: np.ndarray) -> list[str]:
    """The cells of one line of the table."""
    changes = np.stack([one.changes for one in answers]) / spreads
    own, others = sign * changes[:, attributes.index(name)], np.delete(np.abs(changes), attributes.index(name), 1)
    each = np.nanmean(others, 0) / max(own.mean(), 1e-9)
    other = [one for one in attributes if one != name][int(np.nanargmax(each))]
    kept = [one.kept for one in answers]
    outside = np.sum([one.outside for one in answers], 0)
    return [
        f"{'more' if sign > 0 else 'less'} {name}",
        str(len(answers)),
        f"{np.mean(own > 0):.2f}",
        f"{own.mean():.2f}",
        f"{np.mean(kept):.2f}",
        f"{np.min(kept):.2f}",
        f"{np.nanmean(each):.2f}",
        f"{np.nanmax(each):.2f} {other}",
        f"{outside[0] / max(outside[1], 1):.3f}",
    ]


def without_options(model: MusicModel, songs: list[Song]) -> str:
    """In a sentence, how many notes stay in variations without options."""
    kept = np.array([model.vary(song, 2).kept for song in songs])
    inside = ((kept >= 0.6) & (kept <= 0.9)).mean()
    return (
        f"vary without options, {kept.size} variations: {kept.mean():.0%} of the notes stay on average, "
        f"60 to 90% in {inside:.0%} of them; {kept.min():.0%} to {kept.max():.0%}"
    )


def main() -> None:
    """Load, vary, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name of a model that ships, or a folder that training wrote")
    parser.add_argument("--songs", nargs="+", type=Path, required=True, help="folders of music")
    parser.add_argument("--part", default="test", choices=("validation", "test", "all"), help="of it (default: test)")
    parser.add_argument("--count", type=int, default=60, help="songs (default: 60)")
    parser.add_argument("--bars", type=int, default=16, help="of each song, its first ones (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of songs")
    parser.add_argument("--only", nargs="+", help="attributes (default: all that the model can be steered by)")
    options = parser.parse_args()
    model = load(options.model)
    found = [one.song for one in pool(model, options.songs, options.part, options.count, options.seed)]
    songs = [Song.of(song.slice(0, bar_line(model, song, options.bars))) for song in found]
    print(
        f"{model.name}, {len(songs)} songs of {options.part}, {options.bars} bars\n\n{without_options(model, songs)}\n"
    )
    attributes = names(model.representation)
    before = [model.vary(song, 1, strength=0).before for song in songs]
    known = dict(zip(model.directions.names, model.directions.spreads, strict=True))
    spreads = np.array([known.get(name) or np.nanstd([one[name] for one in before]) or np.nan for name in attributes])
    for cells in (HEAD, ["---"] * len(HEAD)):
        print(f"| {' | '.join(cells)} |")
    for name in options.only or model.directions.names:
        for sign in (1, -1):
            bound = ATTRIBUTES[name].highest if sign > 0 else ATTRIBUTES[name].lowest
            able = [song for song, one in zip(songs, before, strict=True) if sign * (bound - one[name]) > 0]
            answers = [answered(model.vary(song, 1, more={name: sign}), attributes) for song in able]
            print(f"| {' | '.join(row(name, sign, answers, attributes, spreads))} |", flush=True)


def bar_line(model: MusicModel, song: Song, bars: int) -> int:
    """The tick at which so many bars of a song end."""
    lines = model.extract(song).excerpt.grid.bar_ticks
    return int(lines[min(bars, len(lines) - 1)])


if __name__ == "__main__":
    main()
