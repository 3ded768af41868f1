"""Variations of a song: at random, edited toward more or less of some attributes, transposed.

What a move in latent space does not change stays as in the song, whether or not the model reconstructs it; and what is
silent before the song begins and after its end stays silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from musicae.core.geometry import slerp
from musicae.core.randomness import RandomSource
from musicae.music.analysis.attributes import register
from musicae.music.analysis.note_table import Notes
from musicae.music.codec import MusicCodec
from musicae.music.latent.editing import Editor, along_time, differences, holds_steps
from musicae.music.latent.reranking import RERANKING, VARIED, Reranker, rerank
from musicae.music.latent.steering import first_occurrence_ids
from musicae.music.options import Decoding
from musicae.music.representations import Representation
from musicae.music.representations.excerpt import Windowed

STRENGTH = 0.3  # where none is given, and the model does not decode ahead
KEPT = 0.75  # of the notes: the share that stays where no strength is given
ROUNDS = 7  # of bisection
REGISTER = "register"  # a song has more of it as it is, higher


@dataclass(frozen=True, eq=False)
class SongWindows:
    """The different windows of a song, to be varied.

    Args:
        model: decodes.
        target: the song under the conditions that are requested.
        windows: what it begins as, `[different, *shape]`.
        z: their latent vectors, `[different, latent]`.
        ids: which of them each window of the song is, int64 `[windows]`.
        within: which of their steps may change, bool `[different, steps]`.
        condition: of a conditional model, `[different, steps, conditions]`.
        decoding: how latent vectors are decoded.
    """

    model: MusicCodec
    target: Windowed
    windows: np.ndarray
    z: np.ndarray
    ids: np.ndarray
    within: np.ndarray
    condition: torch.Tensor | None
    decoding: Decoding

    @classmethod
    def of(cls, model: MusicCodec, source: Windowed, target: Windowed, decoding: Decoding) -> SongWindows:
        """Those of the song itself, or, under other conditions than its own, of what it decodes to."""
        within, z = sounding_steps(model.representation, target), model.encode_windows(source.windows)
        z = z[np.arange(len(target.windows)) % len(z)]
        flat = (one.reshape(len(one), -1).astype(np.float32) for one in (z, target.windows, within))
        ids = first_occurrence_ids(np.concatenate(list(flat), 1))
        first = np.unique(ids, return_index=True)[1]
        condition = model.condition(target)
        condition = None if condition is None else condition[first]
        windows = target.windows[first]
        if target.excerpt.array is not source.excerpt.array:
            windows = model.decode_windows(z[first], condition, decoding)
        return cls(model, target, windows, z[first], ids, within[first], condition, decoding)

    @property
    def overlap(self) -> float:
        """The share of their steps that windows have alone."""
        return min(int(self.target.lengths.max()) / self.model.representation.steps, 1.0)

    def moved(self, z: np.ndarray) -> np.ndarray:
        """The windows where latent vectors `[different, latent]` in place of its own change what is decoded, replaced
        by what they decode to: `[different, *shape]`."""
        kind = self.model.representation
        decoded, unmoved = (self.model.decode_windows(one, self.condition, self.decoding) for one in (z, self.z))
        steps = differences(kind, decoded, unmoved)
        steps = (steps if holds_steps(kind) else steps.any(1, keepdims=True)) & self.within
        return kind.repaired(np.where(along_time(kind, steps), decoded, self.windows))

    def whole(self, windows: np.ndarray) -> np.ndarray:
        """The windows of the song `[windows, *shape]` of the different ones."""
        return windows[self.ids]

    def kept(self, windows: np.ndarray) -> float:
        """The share of the song's notes that different windows have."""
        return kept(self.model.representation, self.whole(windows), self.target.windows, self.target.lengths)


def variations(
    song: SongWindows,
    reranker: Reranker | None,
    n: int,
    strength: float | None,
    amounts: Mapping[str, float],
) -> tuple[list[np.ndarray], list[int]]:
    """`n` variations, as `MusicModel.vary` has them.

    Returns:
        The windows of each, and by how many semitones it is transposed.
    """
    edits = {name: amount for name, amount in amounts.items() if name != REGISTER}
    if amounts and strength is None:
        shares = [(i + 1) / n for i in range(n)]
        found = edited(song, edits, shares)
    else:
        shares = [1.0] * n
        varied = at_random(song, reranker, n, strength)
        found = [edited(replace(song, windows=one), edits, [1.0])[0] for one in varied]
    found = [song.whole(windows) for windows in found]
    semitones = song.model.directions.deviation(REGISTER) if REGISTER in amounts else 0.0
    asked = [interval(semitones * amounts.get(REGISTER, 0.0), share) for share in shares]
    both = [transposed(song.model.representation, *one) for one in zip(found, asked, strict=True)]
    return [windows for windows, _ in both], [semitones for _, semitones in both]


def at_random(song: SongWindows, reranker: Reranker | None, n: int, strength: float | None) -> list[np.ndarray]:
    """Different windows moved toward random latent vectors, `n` times.

    Each vector is one of `VARIED`, taken by its odds (`reranking.rerank`), unless the model is conditional. Without
    a strength each variation goes so far that it keeps about the share `KEPT` of the notes, if the model can decode
    ahead to find out.
    """
    if strength == 0:
        return [song.moved(song.z)] * n
    drawn = _drawn(song, reranker, n, STRENGTH if strength is None else strength)
    if strength is None and song.model.decodes_ahead:
        return [_keeping(song, one) for one in drawn]
    return [song.moved(_toward(song.z, one, STRENGTH if strength is None else strength)) for one in drawn]


def _drawn(song: SongWindows, reranker: Reranker | None, n: int, strength: float) -> np.ndarray:
    """Random latent vectors `[n, different, latent]`."""
    model, different, seed = song.model, len(song.z), song.decoding.seed
    candidates = VARIED if reranker and not model.representation.conditioning else 1
    drawn = model.draw(n * different * candidates, seed)
    if candidates > 1:
        chances = RandomSource(seed, RERANKING).uniform(n * different).numpy()
        moved = _toward(np.tile(song.z.repeat(candidates, 0), (n, 1)), drawn, strength)
        log_odds = reranker.of_windows(model.representation, model.decode_windows(moved))
        drawn = drawn[rerank(log_odds, chances)]
    return drawn.reshape(n, different, -1)


def _toward(z: np.ndarray, drawn: np.ndarray, strength: float) -> np.ndarray:
    return slerp(torch.from_numpy(z), torch.from_numpy(drawn), torch.tensor([strength]))[0].numpy()


def _keeping(song: SongWindows, drawn: np.ndarray) -> np.ndarray:
    """Different windows moved toward `drawn` so far that they keep about the share `KEPT` of the song's notes."""
    low, high, found, nearest = 0.0, 1.0, song.windows, np.inf
    for _ in range(ROUNDS):
        strength = (low + high) / 2
        windows = song.moved(_toward(song.z, drawn, strength))
        share = song.kept(windows)
        if abs(share - KEPT) < nearest:
            found, nearest = windows, abs(share - KEPT)
        low, high = (strength, high) if share > KEPT else (low, strength)
    return found


def edited(song: SongWindows, amounts: Mapping[str, float], shares: list[float]) -> list[np.ndarray]:
    """Different windows with so much more of some attributes, in spreads, and with each of some shares of it."""
    if not any(amounts.values()):
        return [song.windows] * len(shares)
    counts = np.bincount(song.ids)
    editor = Editor(song.model, song.windows, counts, song.within, song.condition, song.decoding)
    # Windows that overlap, as in 3/4, get the edits of the next one besides.
    amounts = {name: amount * song.overlap for name, amount in amounts.items()}
    edits = editor.path(amounts)
    return [editor.after(edits, {name: share * amount for name, amount in amounts.items()}) for share in shares]


def interval(semitones: float, share: float) -> int:
    """A share of some semitones as a whole number of them, at least one where anything is asked for."""
    whole = round(semitones * share)
    return whole or int(np.sign(semitones))


def transposed(representation: Representation, windows: np.ndarray, semitones: int) -> tuple[np.ndarray, int]:
    """The windows of a song `[n, *shape]`, all moved by one interval: `semitones`, or as far as all stay in the range
    of the representation; and that interval."""
    before = register(Notes.of(representation, windows))
    while semitones:
        moved = representation.transpose(windows, np.full(len(windows), semitones))
        by = np.abs(register(Notes.of(representation, moved)) - before)
        nearest = int(np.sign(semitones)) * round(float(np.nanmin(by)))
        if nearest == semitones:
            return moved, semitones
        semitones = nearest
    return windows, 0


def sounding_steps(representation: Representation, source: Windowed) -> np.ndarray:
    """Which steps of the windows of a song lie between its first note and its end, the bar line after its last one:
    bool `[windows, steps]`; all, where windows do not hold steps."""
    size = representation.shape[representation.time_axis]
    if not holds_steps(representation):
        return np.ones((len(source.windows), size), bool)
    start, end, _ = representation.decode(source.excerpt.array)
    first, end = start.min(initial=source.excerpt.grid.total_steps), end.max(initial=0)
    lines = source.excerpt.grid.bar_steps
    last = lines[np.searchsorted(lines, end)] if end < lines[-1] else lines[-1]
    starts = np.cumsum(source.lengths) - source.lengths
    step = np.arange(size)
    place = starts[:, None] + step
    return (step < source.lengths[:, None]) & (place >= first) & (place < last)


def kept(representation: Representation, windows: np.ndarray, original: np.ndarray, lengths: np.ndarray) -> float:
    """The share of the notes of an original that windows have at the same pitch and onset; 0 if it has none."""
    both = (representation.rejoin(one, lengths) for one in (windows, original))
    found, wanted = (representation.onsets(one) for one in both)
    return float((found & wanted).sum() / max(wanted.sum(), 1))
