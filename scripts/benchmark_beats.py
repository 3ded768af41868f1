"""How well beats and bars of songs played without a click are found, and how often such songs are noticed.

    python scripts/benchmark_beats.py --pop909 FOLDER --songs FOLDER... --every 10

POP909 has transcriptions (`midi/`) whose bars are mostly wrong, and their true beats (`beats/`). Others, which keep
to the bars of their files, are moved as if they were performed: the tempo wanders by 2% a beat, notes are 15 ms early
or late, and the file says 120 BPM. A beat is found if one is within 70 ms.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "music" / "theory"))

from performing import performed

from musicae.errors import Error
from musicae.music.score.grid import Grid
from musicae.music.score.score import Score
from musicae.music.song import Song
from musicae.music.theory.retiming import on_beats, played_without_click

TOLERANCE = 0.07  # seconds
COLUMNS = ("songs", "noticed", "beats found", "found beats right", "bar lines found", "songs with 90%")


def near(some: np.ndarray, others: np.ndarray) -> float:
    """The share of some times, in seconds, that another is near."""
    return float((np.abs(some[:, None] - others).min(1) <= TOLERANCE).mean())


def measured(song: Score, beats: np.ndarray, bars: np.ndarray) -> tuple[float, ...]:
    """Of a song: whether it is noticed; which shares of true beats and bars are found, and of found beats are true."""
    found = on_beats(song, True)
    begin = min(float(song.tick_to_seconds(track.notes["start"][0])) for track in song.tracks if len(track.notes))
    first = min(int(track.notes["start"][0]) for track in found.tracks if len(track.notes))
    shift = begin - float(found.tick_to_seconds(first))
    beats, bars = (true[(true > begin - TOLERANCE) & (true < song.seconds)] for true in (beats, bars))
    own = found.tick_to_seconds(np.arange(first // 480, found.end // 480 + 1) * 480) + shift
    lines = found.tick_to_seconds(Grid.of(found).bar_ticks) + shift
    own_inside = own[(own > beats[0] - TOLERANCE) & (own < beats[-1] + TOLERANCE)]
    return played_without_click(song), near(beats, own), near(own_inside, beats), near(bars, lines)


def of_pop909(folder: Path, every: int) -> list[tuple[float, ...]]:
    """The figures of each of its songs in quarters."""
    rows = []
    for path in sorted((folder / "midi_fixed").glob("*.mid"))[::every]:
        true = np.loadtxt(folder / "beats" / f"{path.stem}.txt")
        rows.append(measured(Song.read(folder / "midi" / path.name), true[:, 0], true[true[:, 2] == 1, 0]))
    return rows


def of_songs(folder: Path, every: int) -> tuple[list[tuple[float, ...]], int]:
    """The figures of each of its songs in quarters as they are played, and how many of these songs as they are written
    are taken to be played without a click."""
    rows, mistaken = [], 0
    for path in sorted(folder.rglob("*.mid"))[::every]:
        try:
            song = Song.read(path)
        except Error:
            continue
        metres = {signature[1:] for signature in song.time_signatures}
        if not metres <= {(3, 4), (4, 4), (2, 4)} or len(metres) != 1 or song.seconds > 600 or song.seconds < 15:
            continue
        mistaken += played_without_click(song)
        played, beats = performed(song, tempo=song.tempos[0].quarters_per_minute, wander=0.02, jitter=0.015)
        lines = Grid.of(song).bar_ticks // song.ticks_per_quarter
        rows.append(measured(played, beats, beats[lines[lines < len(beats)]]))
    return rows, mistaken


def line(name: str, rows: list[tuple[float, ...]]) -> str:
    """A row of the table."""
    shares = np.array(rows, float)
    cells = [f"{len(rows)}", *(f"{share:.3f}" for share in shares.mean(0)), f"{(shares[:, 1] >= 0.9).mean():.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pop909", type=Path, help="folder with midi/, midi_fixed/ and beats/")
    parser.add_argument("--songs", type=Path, nargs="*", default=[], help="folders of songs that keep to their bars")
    parser.add_argument("--every", type=int, default=1, help="take every so manieth song")
    options = parser.parse_args()
    print(f"| source | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|", sep="\n")
    if options.pop909:
        print(line("POP909", of_pop909(options.pop909, options.every)))
    for folder in options.songs:
        rows, mistaken = of_songs(folder, options.every)
        print(line(f"{folder.name}, performed", rows), f"(as written, mistaken: {mistaken})")


if __name__ == "__main__":
    main()
