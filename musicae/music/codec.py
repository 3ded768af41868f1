"""From songs to latent vectors and back: what the verbs of a model of music are built on."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch

from musicae.core.model import BATCH, Model, drawn
from musicae.errors import ConfigError
from musicae.music.data.corruptions import GrooveCorruption, OneOf
from musicae.music.data.windows import to_batch
from musicae.music.options import GREEDY, Bars, Decoding, Track, requested_conditions
from musicae.music.representations.excerpt import Windowed
from musicae.music.representations.rendering import blank, render
from musicae.music.representations.windowing import at_tempo, recut, windowed
from musicae.music.song import Song
from musicae.music.theory.chords import parse
from musicae.music.theory.retiming import on_beats


class MusicCodec(Model):
    """A trained model of music as a codec: songs to windows to latent vectors, and back."""

    @property
    def parallel(self) -> bool:
        """Whether its decoder outputs all steps at once: fast, but no step is conditioned on another."""
        return not getattr(self.preset.network, "autoregressive", False)

    @property
    def decodes_ahead(self) -> bool:
        """Whether it can decode many vectors just to compare them: the decoder is parallel, and unconditional."""
        return self.parallel and not self.representation.conditioning

    def for_task(self, setting: str) -> Self:
        """The same model for one kind of partial input, a setting of `GrooveCorruption`: what it encodes
        is corrupted first, by `"humanise"` to scores, by `"tapify"` to taps, by `"add_instruments"` to beats without
        a part.

        Raises:
            ConfigError: it was not trained on such inputs.
        """
        corruption = self.preset.corruption
        only = corruption.only(setting) if isinstance(corruption, GrooveCorruption | OneOf) else None
        if only is None:
            raise ConfigError(f"{self.name} was not trained to {setting}: choose another model")
        model = copy(self)
        model.preset = replace(self.preset, corruption=only)
        return model

    # Songs and windows ---------------------------------------------------------------------------

    def extract(
        self,
        song: Any,
        track: Track = None,
        bars: Bars = None,
        beats: bool | None = None,
        tempo: float | None = None,
    ) -> Windowed:
        """A song as the model's windows.

        Args:
            song: what `Song.read` reads.
            track: see `Selection`.
            bars: see `Selection`.
            beats: see `Selection`; strict representations keep those of the file by default, as the original does.
            tempo: where beats are found: about how many a minute, if that is known.

        Raises:
            MidiError: it cannot be read.
            NoWindows: it has nothing for the representation to extract.
        """
        strict = getattr(self.representation, "strict", False)
        read = on_beats(Song.read(song), False if beats is None and strict else beats, tempo)
        excerpt = self.representation.extract(read, track, bars)
        return windowed(self.representation, replace(excerpt, report=(*read.changes, *excerpt.report)))

    def blank(self, windows: int | None = None, **conditions: Any) -> Windowed:
        """Silence in 4/4 at 120 BPM, to render windows that come from no song.

        Args:
            windows: how many; None for as many as the chords take, or one.
            conditions: see `DecodeOptions`; with hits, the metre, tempo and length are theirs.
        """
        tempo = conditions.pop("tempo", None)
        steps, bar = self.representation.steps, 4 * self.representation.steps_per_quarter
        requested = requested_conditions(self.name, self.representation.conditioning.names, conditions)
        if windows is None and "chords" in requested:
            excerpt = blank(self.representation, max(len(parse(requested["chords"])), steps // bar))
            lengths = np.array([length for _, length in excerpt.grid.windows(steps)])
        else:
            lengths = np.full(windows or 1, steps)
            excerpt = blank(self.representation, -(-int(lengths.sum()) // bar))
        return self.conditioned(recut(self.representation, excerpt, lengths), requested | {"tempo": tempo})

    def conditioned(self, source: Windowed, conditions: dict[str, Any], before: int = 0) -> Windowed:
        """The same windows with the requested conditions and tempo in place of their own; see
        `Representation.with_condition`.

        Raises:
            ConfigError: the model is not conditioned on them; no music has this tempo.
        """
        conditions = dict(conditions)
        tempo = conditions.pop("tempo", None)
        requested = requested_conditions(self.name, self.representation.conditioning.names, conditions)
        if requested:
            excerpt = self.representation.with_condition(source.excerpt, **requested, before=before)
            if "hits" in requested:
                source = windowed(self.representation, excerpt)
            else:
                source = recut(self.representation, excerpt, source.lengths)
        return at_tempo(source, tempo)

    def condition(self, source: Windowed) -> torch.Tensor | None:
        """The condition of each step of each window, `[windows, steps, conditions]`; None for a model without."""
        return to_batch(source.windows, self.representation).condition

    def render(self, windows: np.ndarray, like: Windowed) -> Song:
        """Windows `[n, *shape]` as a song with the tempo, metre and tracks of `like`."""
        array = self.representation.join(windows, like.lengths)
        return Song.of(render(self.representation, array, like.excerpt))

    # Windows and latent vectors ------------------------------------------------------------------

    def encode_windows(self, windows: np.ndarray, condition: torch.Tensor | None = None) -> np.ndarray:
        """The latent vectors of windows `[n, *shape]`: posterior means, float32 `[n, latent]`.

        Args:
            windows: the windows.
            condition: of a conditional model, `[n, steps, conditions]`; None for that of the windows.
        """
        x, own, _ = to_batch(windows, self.representation)
        condition = own if condition is None else condition
        inputs = x if self.preset.corruption is None else self.preset.corruption.deterministic(x)
        return self.to_latent(inputs, condition=condition)

    @torch.no_grad()
    def expected_counts(self, z: np.ndarray) -> np.ndarray | None:
        """Of a model of spans (piano rolls), how many notes it expects to begin in the windows of latent vectors
        `[n, latent]`, and in how many cells one to go on: float32 `[n, 2]`. None of any other."""
        if self.representation.example_spec.likelihood != "spans":
            return None
        return torch.cat([p.counts.cpu() for p in self.likelihoods(z)]).numpy()

    @torch.no_grad()
    def decode_windows(
        self,
        z: np.ndarray,
        condition: torch.Tensor | None = None,
        decoding: Decoding = GREEDY,
        *,
        known: np.ndarray | None = None,
        first: int = 0,
        counts: np.ndarray | None = None,
    ) -> np.ndarray:
        """Windows `[n, *shape]` from latent vectors `[n, latent]`; those of a parallel decoder are repaired.

        Args:
            z: the vectors.
            condition: of a conditional model, `[n, steps, conditions]`.
            decoding: how.
            known: windows `[n, *shape]` whose partial inputs were encoded: what these inputs hold is kept, if the
                representation does so (`Representation.restores_known`).
            first: see `Model.from_latent`.
            counts: of each window what is to be expected, `[n, 2]` (`expected_counts`); None for what the model
                expects.
        """
        likelihoods = self.likelihoods(z, condition)
        if counts is not None:
            parts = torch.from_numpy(counts).to(self.network.device).split(BATCH)
            likelihoods = (p.with_counts(part) for p, part in zip(likelihoods, parts, strict=True))
        x = drawn(likelihoods, decoding.temperature, decoding.top_p, decoding.seed, first)
        corruption = self.preset.corruption
        if known is not None and self.representation.restores_known and isinstance(corruption, GrooveCorruption):
            x = corruption.restore_known(x, to_batch(known, self.representation).x)
        x = self.representation.enforce_condition(x.numpy(), None if condition is None else condition.numpy())
        windows = self.representation.from_data(x)
        return self.representation.repaired(windows) if self.parallel else windows
