"""How often the melody of a song is found among its tracks, where it is known; with the names of all tracks hidden.

    python scripts/benchmark_melody_track.py --data FOLDER

FOLDER holds the unpacked archives, each in a folder of its name. Known is the melody of POP909 (MELODY, beside BRIDGE
and PIANO), of the bands made from lead sheets, of Lieder, and of all songs that name a track melody, voice, lead, solo
or the like (`MELODY_NAMES`); of quartets it is the first violin. `melody_tracks.csv` beside this script has those of
songs of Freedoom and Helland as we see them in their rolls. A song in which all tracks are melodies does not count.

Beside ours, two rules: the highest mean pitch ("top channel" of Uitdenbogerd & Zobel, Melodic matching techniques for
large music databases, 1999), and the highest entropy (after Madsen & Widmer, Towards a computational model of melody
identification in polyphonic music, 2007). The second table counts the picks that lie below C4, names being shown.

What `fit_melody_track.py` fits is not measured here: every second song of mutopia, Lieder and quartets, the training
tunes of the bands, the rows of the table that say fit. To POP909 nothing is fitted; which traits count was chosen on
the songs whose number is not divisible by 3.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musicae.errors import Error
from musicae.music.representations.tracks import melody_track, says_melody, tunes
from musicae.music.score.score import Score
from musicae.music.song import Song

TABLE = Path(__file__).with_name("melody_tracks.csv")
C4 = 60


class Known(NamedTuple):
    """A song and the indices of its melodies, of which any is right."""

    song: Score
    melodies: list[int]


def read(paths: list[Path]) -> Iterator[tuple[Path, Score]]:
    """The songs that can be read and have tracks to choose from."""
    for path in paths:
        try:
            song = Song.read(path)
            tunes(song)
        except Error:
            continue
        yield path, song


def midi(folder: Path) -> list[Path]:
    """The MIDI files under a folder, in order."""
    return sorted(folder.rglob("*.mid"))


def by_name(paths: list[Path], says: Callable[[str], bool] = says_melody) -> list[Known]:
    """The songs in which some tracks are melodies by their names, and some are not."""
    return [Known(song, [i for i in tunes(song) if says(song.tracks[i].name)]) for _, song in read(paths)]


def by_table(data: Path, part: str) -> list[Known]:
    """The songs of a part of the table beside this script."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = {data / row["song"]: row["melodies"] for row in csv.DictReader(file) if row["part"] == part}
    return [Known(song, [int(n) - 1 for n in rows[path].split()]) for path, song in read(list(rows))]


def bands(data: Path, part: str, every: int) -> list[Known]:
    """The bands of a part of `split.csv`."""
    folder = data / "band"
    with (folder / "split.csv").open(encoding="utf-8", newline="") as file:
        paths = [folder / row["file"] for row in csv.DictReader(file) if row["part"] == part]
    return by_name(paths[::every])


def first_tracks(paths: list[Path]) -> list[Known]:
    """Songs whose first track is the melody."""
    return [Known(song, tunes(song)[:1]) for _, song in read(paths)]


def pop909(data: Path, kept: Callable[[int], bool]) -> list[Known]:
    """The songs of POP909 whose numbers are kept; those that are not re-timed as they were transcribed."""
    fixed, original = ({path.stem: path for path in midi(data / "pop909" / kind)} for kind in ("midi_fixed", "midi"))
    return by_name([path for stem, path in sorted((original | fixed).items()) if kept(int(stem))])


def sources(data: Path) -> Iterator[tuple[str, list[Known]]]:
    """The rows of the first table."""
    games = [path for folder in ("freedoom_midi", "free_music") for path in midi(data / folder)]
    yield "POP909, all", pop909(data, lambda _: True)
    yield "POP909, of it not looked at", pop909(data, lambda number: number % 3 == 0)
    yield "Freedoom and Helland, as we see it", by_table(data, "judge")
    yield "Freedoom and Helland, by name", by_name(games)
    yield "the same, programs named lead", by_name(games, lambda name: "lead" in name.lower())
    yield "bands of lead sheets", bands(data, "test", 4)
    yield "Lieder", by_name(midi(data / "openscore_lieder")[1::4])
    yield "mutopia", by_name(midi(data / "mutopia")[1::2])
    yield "quartets", first_tracks(midi(data / "openscore_quartets")[1::2])


def ours(song: Score) -> int:
    """What the package takes, with the names hidden."""
    return melody_track(replace(song, tracks=tuple(replace(track, name="") for track in song.tracks)))[0]


def highest(song: Score) -> int:
    """The track with the highest mean pitch."""
    return max(tunes(song), key=lambda i: song.tracks[i].notes["pitch"].mean())


def most_surprising(song: Score) -> int:
    """The track that most often has the highest entropy, in windows of 4 seconds."""
    wins: Counter[int] = Counter()
    lines = {i: _line(song, i) for i in tunes(song)}
    for begin in np.arange(0, song.seconds, 2.0):
        inside = {i: line[(line[:, 0] >= begin) & (line[:, 0] < begin + 4)] for i, line in lines.items()}
        entropies = {i: _information(line) for i, line in inside.items() if len(line)}
        if entropies:
            wins[max(entropies, key=entropies.__getitem__)] += 1
    return wins.most_common(1)[0][0]


def _line(song: Score, index: int) -> np.ndarray:
    """[n, 3]: the seconds, pitches and lengths in sixteenths of a track's notes."""
    notes = song.tracks[index].notes
    length = np.round((notes["end"] - notes["start"]) * 4 / song.ticks_per_quarter)
    return np.stack([song.tick_to_seconds(notes["start"]), notes["pitch"], length], 1)


def _information(line: np.ndarray) -> float:
    """A quarter of the entropy of pitch classes, a quarter of that of intervals, half of that of lengths."""
    columns = line[:, 1] % 12, np.diff(line[:, 1]), line[:, 2]
    return float(np.dot([0.25, 0.25, 0.5], [_entropy(column) for column in columns]))


def _entropy(values: np.ndarray) -> float:
    counts = np.unique(values, return_counts=True)[1]
    shares = counts / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum())


def right(known: list[Known]) -> str:
    """A row: how many songs, and the share of them in which each rule finds the melody."""
    counted = [one for one in known if 0 < len(one.melodies) < len(tunes(one.song))]
    shares = [np.mean([rule(song) in melodies for song, melodies in counted]) for rule in RULES.values()]
    return " | ".join([str(len(counted)), *(f"{share:.3f}" for share in shares)])


def below_c4(paths: list[Path]) -> str:
    """A row: how many songs, and the share of picks whose mean pitch is below C4."""
    picks = [song.tracks[melody_track(song)[0]].notes["pitch"].mean() for _, song in read(paths)]
    return f"{len(picks)} | {np.mean(np.array(picks) < C4):.3f}"


RULES = {"ours": ours, "highest": highest, "entropy": most_surprising}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the unpacked archives")
    data = parser.parse_args().data
    print(f"| melody found | songs | {' | '.join(RULES)} |", "|---" * (len(RULES) + 2) + "|", sep="\n")
    for name, known in sources(data):
        print(f"| {name} | {right(known)} |", flush=True)
    print("", "| picks below C4 | songs | share |", "|---|---|---|", sep="\n")
    for name, every in (("freedoom_midi", 1), ("free_music", 1), ("openmsx", 1), ("band", 9)):
        print(f"| {name} | {below_c4(midi(data / name)[::every])} |", flush=True)


if __name__ == "__main__":
    main()
