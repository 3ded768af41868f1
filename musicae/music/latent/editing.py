"""A song edited until it has more or less of some attributes, and is otherwise as it was.

Latent vectors that are moved along a direction decode to music in which much else has changed as well. So not all of
what they decode to is taken: an edit replaces what changed within one beat of one window. By matching pursuit (Mallat
and Zhang 1993) those edits are made, one after another, that bring the means of the requested attributes over the song
nearer to what is requested, and cost least: in changes of other attributes, and in notes of the song that are lost.
What is reached is measured, and from there decoded and edited again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from musicae.core.geometry import slerp
from musicae.music.analysis.attributes import ATTRIBUTES, names
from musicae.music.analysis.keys import keys
from musicae.music.analysis.note_table import Notes, ratio
from musicae.music.codec import MusicCodec
from musicae.music.options import GREEDY, Decoding
from musicae.music.representations import Representation

SHARES = (0.25, 0.5, 1.0, 2.0)  # of the directions, at which a window is decoded
RANDOM = (0.0, 0.25, 0.25, 0.25)  # how far on the way to random latent vectors it is decoded at each of them
MOST_DECODED = 2048  # in a round: for songs of very many windows there is less at random
ROUNDS = 4  # of decoding and editing
CLOSE = 0.05  # of the requested change: what may be missing
NOTES = 6.0  # what it costs to lose all notes of a song, where 1 is a change of another attribute by its spread
EDIT = 0.5  # of a note: what every edit costs besides
PARTS = 2**12  # more than there are
BINS = 4  # of the histogram of an attribute: the spread of one that the model has no direction for


def along_time(representation: Representation, steps: np.ndarray) -> np.ndarray:
    """Values `[n, steps]` with axes of size 1 beside, to be used with windows `[n, *shape]`."""
    axes = [len(steps), *[1] * len(representation.shape)]
    axes[representation.time_axis] = steps.shape[1]
    return steps.reshape(axes)


def differences(representation: Representation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """In which steps windows `[n, *shape]` are not the same: bool `[n, steps]`."""
    return (
        np.moveaxis(a != b, representation.time_axis, 1).reshape(len(a), a.shape[representation.time_axis], -1).any(2)
    )


def holds_steps(representation: Representation) -> bool:
    """Whether windows hold steps, not events whose time depends on those before."""
    return representation.shape[representation.time_axis] == representation.steps


def beats(representation: Representation) -> np.ndarray:
    """The beat of each step of a window, int64 `[steps]`; one for all where windows do not hold steps."""
    if not holds_steps(representation):
        return np.zeros(representation.shape[representation.time_axis], np.int64)
    return np.arange(representation.steps) // representation.steps_per_quarter


@dataclass(frozen=True, eq=False)
class Measured:
    """What is known of windows.

    Args:
        values: their attributes, in spreads, `[n, attributes]`; nan where one has none.
        kept: how many of the song's notes each has, `[n]`.
        outside: whether a note lies beyond the range that its part has in the song, bool `[n]`.
    """

    values: np.ndarray
    kept: np.ndarray
    outside: np.ndarray


@dataclass(frozen=True, eq=False)
class Edits:
    """Edits of windows, and what is measured of each window with one edit.

    Args:
        window: which window, int64 `[n]`.
        beat: which of its beats, int64 `[n]`.
        steps: which steps are replaced, bool `[n, steps]`.
        decoded: the windows that they are replaced from, `[n, *shape]`.
        gains: what each adds to the mean of each attribute over the song, in spreads, `[n, attributes]`.
        lost: the share of the song's notes that it removes, below 0 where it brings some back, `[n]`.
    """

    window: np.ndarray
    beat: np.ndarray
    steps: np.ndarray
    decoded: np.ndarray
    gains: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True, eq=False)
class Path:
    """Edits one after another.

    Args:
        edits: the number of a window, and what it becomes.
        changes: of the means of all attributes over the song after none, one, two, ... of them, in spreads,
            `[edits + 1, attributes]`.
    """

    edits: list[tuple[int, np.ndarray]]
    changes: np.ndarray


class Editor:
    """Edits the windows of a song.

    Args:
        model: decodes, and has directions.
        windows: the different windows of the song, `[n, *shape]`.
        counts: how often each occurs, `[n]`.
        own: which of their steps may be edited, bool `[n, steps]`.
        condition: of a conditional model, `[n, steps, conditions]`.
        decoding: of the candidates.
    """

    def __init__(
        self,
        model: MusicCodec,
        windows: np.ndarray,
        counts: np.ndarray,
        own: np.ndarray,
        condition: torch.Tensor | None = None,
        decoding: Decoding = GREEDY,
    ):
        self.model, self.windows, self.counts, self.own = model, windows, counts, own
        self.condition, self.decoding = condition, decoding
        known = dict(zip(model.directions.names, model.directions.spreads, strict=True))
        self.names = names(model.representation)
        self.spreads = np.array([known.get(name, BINS * ATTRIBUTES[name].width) for name in self.names])
        notes = Notes.of(model.representation, windows)
        self.notes, self.ranges = _codes(notes, notes.window), _ranges(notes)
        self.total = max(float(notes.sum(counts[notes.window]).sum()), 1.0)

    def after(self, path: Path, amounts: Mapping[str, float]) -> np.ndarray:
        """The windows after as many edits of a path as bring the song nearest to the amounts."""
        target = np.array([amounts.get(name, np.nan) for name in self.names])
        windows = self.windows.copy()
        for window, state in path.edits[: int(np.nansum(np.abs(target - path.changes), 1).argmin())]:
            windows[window] = state
        return windows

    def path(self, amounts: Mapping[str, float]) -> Path:
        """Edits one after another, until the song has changed by the amounts, in spreads, as far as it can."""
        target = np.array([amounts.get(name, 0.0) for name in self.names])
        requested = np.array([name in amounts for name in self.names])
        current, edits = self.windows.copy(), []
        now = self._measured(current, np.arange(len(current)))
        start, changes = self._means(now.values), [np.zeros(len(self.names))]
        for i in range(ROUNDS):
            found = self._edits(current, now, amounts, i)
            chosen = pursuit(found, changes[-1], target, requested, EDIT * NOTES / self.total)
            states, reached = self._made(found, chosen, current, now.values, start)
            far = np.abs(target - np.stack([changes[-1], *reached]))[:, requested].sum(1)
            best = int(far.argmin())
            edits += states[:best]
            changes += reached[:best]
            for window, state in states[:best]:
                current[window] = state
            if not best or far[best] <= CLOSE * np.abs(target).sum():
                break
            now = self._measured(current, np.arange(len(current)))
        return Path(edits, np.stack(changes))

    def _edits(self, current: np.ndarray, now: Measured, amounts: Mapping[str, float], number: int) -> Edits:
        """All edits that decodes of moved latent vectors offer, each once; not those that leave the range of the song,
        or after which a window has an attribute that it had not, or the reverse."""
        kind = self.model.representation
        decoded, window, changed = self._candidates(current, amounts, number)
        beat = beats(kind)
        steps = np.concatenate([changed & (beat == one) for one in range(beat[-1] + 1)])
        if not holds_steps(kind):
            steps |= steps.any(1, keepdims=True)
        some = np.flatnonzero(steps.any(1))
        candidate, which = some % len(decoded), some // len(decoded)
        edited = self._replaced(current[window[candidate]], decoded[candidate], steps[some])
        new = _first_of_equals(window[candidate], edited)
        some, candidate, which, edited = (one[new] for one in (some, candidate, which, edited))
        window = window[candidate]
        found = self._measured(edited, window)
        possible = ~found.outside & (np.isfinite(found.values) == np.isfinite(now.values[window])).all(1)
        defined = (np.isfinite(now.values) * self.counts[:, None]).sum(0)
        weights = ratio(self.counts[window, None] * np.ones(len(self.names)), defined)
        gains = np.nan_to_num((found.values - now.values[window]) * weights)
        lost = (now.kept[window] - found.kept) * self.counts[window] / self.total
        columns = window, which, steps[some], decoded[candidate], gains, lost
        return Edits(*(column[possible] for column in columns))

    def _candidates(
        self, current: np.ndarray, amounts: Mapping[str, float], number: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Decodes `[n, *shape]` of moved latent vectors, the window `[n]` that each is of, and the steps `[n, steps]`
        in which it differs from the decode of the latent vector that is not moved."""
        model, n = self.model, len(current)
        most = MOST_DECODED // (len(SHARES) * n) if model.decodes_ahead else 1
        random = np.float32(RANDOM[: int(np.clip(most, 1, len(RANDOM)))])
        z = torch.from_numpy(model.encode_windows(current, self.condition))
        drawn = model.draw(n * len(random), self.decoding.seed, number + 1).reshape(len(random), n, -1)
        nearby = [slerp(z, torch.from_numpy(one), torch.tensor([t]))[0] for one, t in zip(drawn, random, strict=True)]
        shift = model.directions.shift(amounts, keys(model.representation, current))
        codes = torch.stack(nearby).numpy() + np.float32(SHARES)[:, None, None, None] * shift
        window = np.tile(np.arange(n), len(SHARES) * len(random))
        condition = None if self.condition is None else self.condition[window]
        decoded = model.decode_windows(codes.reshape(len(window), -1), condition, self.decoding)
        unmoved = model.decode_windows(z.numpy(), self.condition, self.decoding)
        return decoded, window, differences(model.representation, decoded, unmoved[window]) & self.own[window]

    def _made(
        self, found: Edits, chosen: list[int], current: np.ndarray, values: np.ndarray, start: np.ndarray
    ) -> tuple[list[tuple[int, np.ndarray]], list[np.ndarray]]:
        """The windows after each of the chosen edits, and the changes of the means since `start` `[attributes]`."""
        current, values, states = current.copy(), values.copy(), []
        for i in chosen:
            place = found.window[i : i + 1]
            current[place] = self._replaced(current[place], found.decoded[i : i + 1], found.steps[i : i + 1])
            states.append((int(place[0]), current[place[0]].copy()))
        if not states:
            return [], []
        measured = self._measured(np.stack([state for _, state in states]), found.window[chosen]).values
        changes = []
        for (window, _), after in zip(states, measured, strict=True):
            values[window] = after
            changes.append(np.nan_to_num(self._means(values) - start))
        return states, changes

    def _replaced(self, windows: np.ndarray, decoded: np.ndarray, steps: np.ndarray) -> np.ndarray:
        kind = self.model.representation
        return kind.repaired(np.where(along_time(kind, steps), decoded, windows))

    def _means(self, values: np.ndarray) -> np.ndarray:
        """The means of attributes over the windows of the song that have them, `[attributes]`."""
        there = np.isfinite(values) * self.counts[:, None]
        return ratio(np.nansum(values * self.counts[:, None], 0), there.sum(0))

    def _measured(self, windows: np.ndarray, of: np.ndarray) -> Measured:
        """What is known of windows `[n, *shape]`, each a version of that with number `of` `[n]`."""
        notes = Notes.of(self.model.representation, windows)
        values = np.stack([ATTRIBUTES[name].measure(notes) for name in self.names], 1)
        kept = notes.sum(np.isin(_codes(notes, of[notes.window]), self.notes))
        pitched = notes.pitched
        lowest, highest = self.ranges
        outside = (pitched.pitch < lowest[pitched.part]) | (pitched.pitch > highest[pitched.part])
        return Measured(values / self.spreads, kept, pitched.sum(outside) > 0)


def pursuit(found: Edits, change: np.ndarray, target: np.ndarray, requested: np.ndarray, least: float) -> list[int]:
    """Edits in the order in which they are made: each brings the requested attributes nearest for what it costs.

    Args:
        found: the edits.
        change: how the song has changed already, in spreads, `[attributes]`.
        target: how it is to have changed; 0 for what is to stay.
        requested: which attributes are requested, bool `[attributes]`.
        least: what an edit costs at least.

    Returns:
        Their numbers: at most one for each beat; as long as one brings the requested attributes nearer.
    """
    chosen, free, change = [], np.ones(len(found.window), bool), change.copy()
    while free.any():
        nearer = np.abs(target - change) - np.abs(target - change - found.gains)
        gain, cost = nearer[:, requested].sum(1), -nearer[:, ~requested].sum(1) + NOTES * found.lost
        worth = np.where(free, gain / np.maximum(cost + least, least), -np.inf)
        best = int(worth.argmax())
        if worth[best] <= 0:
            break
        chosen.append(best)
        change += found.gains[best]
        free &= (found.window != found.window[best]) | (found.beat != found.beat[best])
    return chosen


def _codes(notes: Notes, window: np.ndarray) -> np.ndarray:
    """A number for the window, step, part and pitch of each note."""
    return ((window * notes.steps + notes.start) * PARTS + notes.part) * 128 + notes.pitch


def _ranges(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest pitch of each part; nothing lies in the range of a part without notes."""
    pitched = notes.pitched
    lowest, highest = np.full(PARTS, 128), np.full(PARTS, -1)
    np.minimum.at(lowest, pitched.part, pitched.pitch)
    np.maximum.at(highest, pitched.part, pitched.pitch)
    return lowest, highest


def _first_of_equals(window: np.ndarray, edited: np.ndarray) -> np.ndarray:
    """The places of edited windows `[n, *shape]` of which none before is the same, of the same `window` `[n]`."""
    rows = np.ascontiguousarray(edited).reshape(len(edited), -1).view(np.uint8)
    rows = np.concatenate([window.astype("<i4")[:, None].view(np.uint8), rows], 1)
    return np.unique(rows.view(f"V{rows.shape[1]}").ravel(), return_index=True)[1] if len(rows) else np.zeros(0, int)
