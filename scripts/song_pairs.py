"""Songs to interpolate between, in pairs: near or far in register, in the same key or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from musicae.errors import Error
from musicae.music.analysis.attributes import SCALES
from musicae.music.data.extraction import fingerprint
from musicae.music.data.sources import pieces
from musicae.music.data.splitting import split
from musicae.music.model import MusicModel
from musicae.music.song import Song

FAR = 10  # semitones between mean pitches
BARS = 32  # of a song that are taken
FEWEST_BARS = 8
MOST_USES = 2  # pairs that a song is in: one song with a register of its own is not a group
SPLIT = (0.9, 0.05, 0.05)  # as training splits
GROUPS = ("far-same", "far-other", "near-same", "near-other", "drums")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A song, cut to its first bars that sound.

    Args:
        number: of the song in the pool.
        path: its file in its folder.
        song: the bars.
        register: the mean MIDI pitch of what the model takes of it; nan of drums.
        key: the major scale that most of these notes lie in.
    """

    number: int
    path: str
    song: Song
    register: float
    key: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return Path(self.path).stem


@dataclass(frozen=True, eq=False)
class Pair:
    """Two songs and the group that they belong to."""

    songs: tuple[Candidate, Candidate]
    group: str


def pool(model: MusicModel, folders: list[Path], part: str, most: int, seed: int) -> list[Candidate]:
    """Songs of the folders that the model takes something of, in random order; prints how many would be trained on."""
    files = [piece for folder in folders for piece in pieces(folder)]
    found: list[Candidate] = []
    parts: Counter = Counter()
    for i in np.random.default_rng(seed).permutation(len(files)):
        if len(found) == most:
            break
        try:
            song = Song.read(files[i].content)
            own = files[i].split or split([fingerprint(song)], 0, SPLIT)[0]
            if part in (own, "all"):
                found.append(_candidate(model, len(found), files[i].name, song))
                parts[own] += 1
        except (Error, StopIteration):
            continue
    if part == "all":
        print(f"of {len(found)} songs, training would learn from {parts['train']} if it were given them")
    return found


def _candidate(model: MusicModel, number: int, path: str, song: Song) -> Candidate:
    """Raises:
    StopIteration: it has too few bars.
    """
    excerpt = model.extract(song).excerpt
    if len(excerpt.grid) < FEWEST_BARS:
        raise StopIteration
    lines = excerpt.grid.bar_ticks
    song = Song.of(excerpt.song.slice(int(lines[0]), int(lines[min(BARS, len(excerpt.grid))])))
    representation = model.representation
    _, _, code = representation.decode(model.extract(song).excerpt.array)
    pitch = code[~representation.is_drum_part(code // 128).astype(bool)] % 128
    key = int((np.bincount(pitch % 12, minlength=12) @ SCALES.T).argmax())
    return Candidate(number, path, song, float(pitch.mean()) if len(pitch) else float("nan"), key)


def drawn(songs: list[Candidate], count: int, seed: int, group: str | None = None) -> list[Pair]:
    """So many random pairs, as many of each group as there are; a song is in two at most, and only where it must."""
    every = [(songs[i], songs[j]) for i, j in combinations(range(len(songs)), 2)]
    order = np.random.default_rng(seed).permutation(len(every))
    by_group: dict[str, list] = {name: [] for name in GROUPS}
    for turned, i in zip(np.random.default_rng(seed + 1).integers(2, size=len(every)), order, strict=True):
        pair = every[i][::-1] if turned else every[i]
        by_group[_group(*pair)].append(pair)
    wanted = {group: by_group[group]} if group else {name: some for name, some in by_group.items() if some}
    uses: Counter = Counter()
    found = [Pair(pair, name) for name, pair in _taken(wanted, count, uses)]
    return sorted(found, key=lambda pair: GROUPS.index(pair.group))


def _taken(by_group: dict[str, list], count: int, uses: Counter) -> Iterator[tuple[str, tuple[Candidate, Candidate]]]:
    """Pairs of the groups, those of songs that were used least first, the rarest group first."""
    left = count
    for i, (name, some) in enumerate(sorted(by_group.items(), key=lambda item: len(item[1]))):
        for _ in range(left // (len(by_group) - i)):
            free = [pair for pair in some if max(uses[one.number] for one in pair) < MOST_USES]
            if not free:
                break
            best = min(free, key=lambda pair: sum(uses[one.number] for one in pair))
            some.remove(best)
            uses.update(one.number for one in best)
            left -= 1
            yield name, best


def _group(a: Candidate, b: Candidate) -> str:
    if np.isnan(a.register):
        return "drums"
    far = abs(a.register - b.register) >= FAR
    return f"{'far' if far else 'near'}-{'same' if a.key == b.key else 'other'}"
