"""Melodies between two songs: the decoder's probabilities fused with a language model's.

A parallel decoder chooses each step for itself. Half way between two phrases that is a note of one and a note of the
other. So these steps are written one after another (`musicae.music.language.writing`), and what is written is one
melody. What repeats in a song repeats on the way to the next one: a bar that has the notes or the rhythm of an earlier
one keeps them, up to the middle where this is so in A, and from there on where it is so in B.
"""

from __future__ import annotations

import numpy as np
import torch

from musicae.music.analysis.repeats import repeated
from musicae.music.codec import MusicCodec
from musicae.music.language.context import Bars, as_input, profiles
from musicae.music.language.model import LanguageModel
from musicae.music.language.writing import Sketches, write
from musicae.music.latent.interpolation import Path
from musicae.music.options import Decoding
from musicae.music.representations.tokens import FIRST_NOTE, HOLD, sounding

OWN = 0.5  # share of what A and B have at a step in what is known of it; the rest is the decoder's
NEAR = 0.125  # places: what lies farther apart on the path repeats nothing
WIDE = 13  # semitones over which shares of pitches are smoothed
LEAST = 1e-8  # probability of a token


def fused(model: MusicCodec, language: LanguageModel, path: Path, decoding: Decoding) -> np.ndarray:
    """The windows of a path, `[steps, windows, *shape]`; where the place is 0 or 1, they are the model's decodes.

    Args:
        model: of melodies, with a parallel decoder.
        language: of the same tokens.
        path: what is decoded.
        decoding: of the model; and of what is written, see `write`.
    """
    decoded = np.stack([model.decode_windows(z, None, decoding) for z in path.latents])
    inner = np.flatnonzero(((path.places > 0) & (path.places < 1)).any(1))
    if not len(inner):
        return decoded
    kind, grid = model.representation, path.stages[0].excerpt.grid
    tokens = write(language, sketched(model, path, decoded, inner), decoding).astype(kind.dtype)
    between = ((path.places > 0) & (path.places < 1))[:, :, None]
    for i, one in zip(inner, tokens, strict=True):
        decoded[i] = np.where(between[i], kind.cut(one, grid.windows(kind.steps))[0], decoded[i])
    return decoded


def sketched(model: MusicCodec, path: Path, decoded: np.ndarray, inner: np.ndarray) -> Sketches:
    """What is known of those melodies of a path that are neither A nor B.

    Where A and B have the same windows, so have they: what both songs do is not written anew. Where both rest,
    no note sounds on.

    Args:
        model: decodes.
        path: all of it.
        decoded: its decodes `[steps, windows, *shape]`.
        inner: which steps of it are meant.
    """
    kind, lengths = model.representation, path.stages[0].lengths
    bars = Bars(path.stages[0].excerpt.grid.bar_steps)
    ends = [kind.join(windows, lengths) for windows in path.ends]
    places = np.repeat(path.places[inner], lengths, 1)
    fixed = np.stack([kind.join(decoded[i], lengths) for i in inner]).astype(np.int64)
    alike = np.repeat((path.ends[0] == path.ends[1]).all(1), lengths)
    fixed[(places > 0) & (places < 1) & ~alike] = -1
    notes, rhythms = repeats_of(ends, bars, places[:, bars.lines[:-1]])

    def on_line(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        share = places.astype(np.float32).reshape(*places.shape, *[1] * (a.ndim - 1))
        return (1 - share) * a + share * b

    own = on_line(*(np.eye(kind.classes, dtype=np.float32)[end] for end in ends))
    draft = torch.stack([_draft(model, path.latents[i], lengths) for i in inner])
    return Sketches(
        bars=bars,
        draft=(1 - OWN) * draft + OWN * as_input(own),
        shares=_shares(ends, kind.classes),
        profile=on_line(*(profiles(end, bars, kind.lowest_pitch) for end in ends)),
        notes_a_step=on_line(*(_density(end, bars) for end in ends)),
        longest=max(map(_longest, ends)),
        rests=~np.logical_or(*map(sounding, ends)),
        fixed=fixed,
        notes=notes,
        rhythms=rhythms,
    )


def _draft(model: MusicCodec, z: np.ndarray, lengths: np.ndarray) -> torch.Tensor:
    """p(x_t | z) of all steps of a melody, `[steps, classes]`."""
    found = torch.cat([likelihood.logits for likelihood in model.likelihoods(z)]).softmax(-1).cpu()
    own = np.arange(found.shape[1]) < lengths[:, None]
    return found[torch.from_numpy(own)].clamp(LEAST)


def _shares(ends: list[np.ndarray], classes: int) -> torch.Tensor:
    """p(x_t) of a token anywhere in the two songs, pitches smoothed, 0 outside of their range: float32 `[classes]`."""
    counts = np.bincount(np.concatenate(ends), minlength=classes)
    notes = np.flatnonzero(counts[FIRST_NOTE:])
    shares = np.append(counts[:FIRST_NOTE] + 1, np.convolve(counts[FIRST_NOTE:] + 1, np.ones(WIDE) / WIDE, "same"))
    if len(notes):
        shares[FIRST_NOTE : FIRST_NOTE + notes[0]] = shares[FIRST_NOTE + notes[-1] + 1 :] = 0
    return torch.from_numpy(shares / shares.sum()).float()


def _longest(tokens: np.ndarray) -> int:
    """The steps of the longest note, 1 if there is none."""
    events = np.flatnonzero(tokens != HOLD)
    return int(np.diff(events, append=len(tokens))[tokens[events] >= FIRST_NOTE].max(initial=1))


def _density(tokens: np.ndarray, bars: Bars) -> np.ndarray:
    """Notes a step in the bar of each step, float32 `[steps]`."""
    notes = np.bincount(bars.of_step, tokens >= FIRST_NOTE)
    return (notes[bars.of_step] / bars.length).astype(np.float32)


def repeats_of(ends: list[np.ndarray], bars: Bars, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The earlier bar whose notes, and whose rhythm, each bar has in the nearer song, -1 for none: `[melodies, bars]`.

    Args:
        ends: the tokens of A and of B, `[steps]` each.
        bars: of both.
        places: of each bar of each melody, `[melodies, bars]`.
    """
    found = []
    for a, b in zip(*(repeated(end, bars.lines) for end in ends), strict=True):
        earlier = np.where(places > 0.5, b, a)
        place = np.take_along_axis(places, np.maximum(earlier, 0), 1)
        found.append(np.where((earlier >= 0) & (np.abs(places - place) <= NEAR), earlier, -1))
    return found[0], found[1]
