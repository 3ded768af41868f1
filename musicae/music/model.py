"""A trained model of music: the verbs of the commands, on songs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any, Unpack

import numpy as np
import torch

from musicae.core.evaluation import measure
from musicae.core.model import BATCH
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError
from musicae.music.analysis.accuracy import notes_right, score
from musicae.music.analysis.attributes import measure as attributes
from musicae.music.codec import MusicCodec
from musicae.music.data.corruptions import GrooveCorruption, OneOf
from musicae.music.data.windows import Windows
from musicae.music.language.model import LanguageModel, shipped, suits
from musicae.music.latent.alignment import Keys, align
from musicae.music.latent.fusion import fused
from musicae.music.latent.interpolation import (
    Path,
    conditioned_stages,
    cycled,
    path,
)
from musicae.music.latent.one_pass import planned
from musicae.music.latent.reranking import CANDIDATES, RERANKING, Reranker, rerank, resample, shared_candidates
from musicae.music.latent.steering import means, requested_amounts
from musicae.music.latent.variation import SongWindows, kept, variations
from musicae.music.options import GREEDY, Bars, DecodeOptions, Decoding, Selection, Track, VerbOptions, taken
from musicae.music.representations.excerpt import Windowed
from musicae.music.representations.windowing import aligned_pair, as_loud_as, whole_windows, without_words
from musicae.music.results import Interpolation, Reconstruction, Variations
from musicae.music.song import Song

PLAYED = ("timing_error_steps", "timing_error_ms", "velocity_error")  # figures on how given hits are played


class MusicModel(MusicCodec):
    """Verbs on songs. Songs may also be a path, bytes, a `PrettyMIDI` or a symusic `Score` (see `Song.read`).

    All verbs that decode take the keywords of `musicae.music.options.DecodeOptions`, those on songs `VerbOptions`.

    Attributes:
        reranker: chooses among several decodes for each new clip; None if none was fitted: then the first is taken.
    """

    reranker: Reranker | None = None

    def encode(self, song: Any, track: Track = None, bars: Bars = None) -> np.ndarray:
        """The latent vectors of a song: posterior means, one a window, float32 `[windows, latent]`."""
        return self.encode_windows(self.extract(song, track, bars).windows)

    def decode(self, z: np.ndarray, like: Any = None, **options: Unpack[DecodeOptions]) -> Song:
        """A song from latent vectors.

        Args:
            z: `[windows, latent]`, or one vector `[latent]`.
            like: a song (or what `Song.read` reads), or a `Windowed`, whose tempo, metre, program and track name the
                result has; None for 4/4 at 120 BPM.
            options: see `DecodeOptions`.

        Raises:
            ConfigError: vectors that are not of this model, or more of them than `like` has windows.
        """
        decoding = taken(Decoding, conditions := dict(options))
        z = np.atleast_2d(np.asarray(z, np.float32))
        if not z.size or z.shape[1:] != (self.network.latent,):
            raise ConfigError(f"latent vectors {z.shape}: {self.name} decodes [windows, {self.network.latent}]")
        like = self.blank(len(z)) if like is None else like if isinstance(like, Windowed) else self.extract(like)
        like = self.conditioned(like, conditions)
        if len(z) > len(like.lengths):
            raise ConfigError(f"{len(z)} latent vectors for {len(like.lengths)} windows of the song to be like")
        like = like.first(len(z))
        return self.render(self._decoded(z, like, decoding), like)

    def interpolate(
        self,
        a: Any,
        b: Any,
        steps: int | None = None,
        *,
        linear: bool = False,
        keys: Keys = "gradual",
        **options: Unpack[VerbOptions],
    ) -> Interpolation:
        """An interpolation between two songs, window by window, on the bars of A.

        B is first moved into A's key and register; what is decoded is moved back in steps (`latent.alignment`).

        Args:
            a: the song that it begins with; the result has its tempo, metre, program and track name.
            b: the song that it ends with, on A's bars.
            steps: how many whole versions, both ends included; 1 for one pass that begins as A and ends as B
                (`latent.one_pass.OnePass`). None for one pass if it has more than 16 bars, else for 7 versions.
            linear: at even positions of straight lines; otherwise, about as much changes from step to step
                (`latent.interpolation.latents_at`).
            keys: of the steps: from A's to B's along the circle of fifths, all in A's "a" or B's "b" (the other song is
                transposed), or "none", without moving B: so are drums, and models that follow chords or a key.
            options: see `VerbOptions`; the selection is that of both songs. Without conditions each step has those of
                the nearer song. Chords continue from step to step, repeated as needed; with `hits`, each step has all
                of them.
        """
        decoding, selection = taken(Decoding, conditions := dict(options)), taken(Selection, conditions)
        both = [without_words(self.extract(one, **vars(selection), tempo=conditions.get("tempo"))) for one in (a, b)]
        pair, reports = aligned_pair(self.representation, *both)
        like = self.conditioned(pair[0], conditions)
        plan = planned(self.representation, like, steps)
        if plan.one_pass:
            pair, reports = aligned_pair(self.representation, *both, ending=True)
        alignment = align(self.representation, *pair, keys, once=plan.one_pass)
        reports[0].extend(like.excerpt.report[len(pair[0].excerpt.report) :])
        reports[1].extend(alignment.report)
        stages = conditioned_stages(self, pair, plan.places, conditions)
        found = path(self, pair, plan.places, stages, alignment, linear)
        decoded = found.finished(self.representation, self.decode_path(found, decoding, linear))
        parts = plan.parts(self.representation, decoded, like)
        songs = [self.render(part.windows, as_loud_as(self.representation, pair, *part[1:])) for part in parts]
        originals = tuple(self.render(one.windows, one) for one in pair)
        shares = np.stack([part.shares_of_bars for part in parts])
        return Interpolation(songs, originals, reports, found.latents, like.ticks, shares)

    def reconstruct(self, song: Any, **options: Unpack[VerbOptions]) -> Reconstruction:
        """A song as the model reconstructs it, and how much of it is right.

        With `hits`, these are the original: they are decoded from the song's latent vectors, repeated as needed. What
        the model was conditioned on is not among the figures.
        """
        decoding, selection = taken(Decoding, conditions := dict(options)), taken(Selection, conditions)
        source = self.extract(song, **vars(selection), tempo=conditions.get("tempo"))
        target = self.conditioned(source, conditions)
        z = cycled(self.encode_windows(source.windows), len(target.windows))
        windows = self._decoded(z, target, decoding, known=target.windows)
        both = windows, target.windows
        ratios = score(self.representation)(*(self.representation.rejoin(w, target.lengths) for w in both))
        ratios["whole_windows"] = whole_windows(self.representation, windows, target)
        joined = (self.representation.join(w, target.lengths) for w in both)
        figures = {"note_accuracy": notes_right(self.representation, *joined)}
        figures |= {name: a / b for name, (a, b) in ratios.items() if b}
        if "hits" in self.representation.conditioning.names:  # it was given them: that they are right says nothing
            kept = PLAYED if conditions.get("hits") is None else ()
            figures = {name: figures[name] for name in kept if name in figures}
        songs = [self.render(w, target) for w in both]
        return Reconstruction(*songs, figures, list(target.excerpt.report))

    def sample(
        self, n: int = 8, *, progress: Callable[[int], Any] | None = None, **options: Unpack[DecodeOptions]
    ) -> list[Song]:
        """`n` new clips: see `samples`."""
        return list(self.samples(n, progress=progress, **options))

    def samples(
        self, n: int = 8, *, progress: Callable[[int], Any] | None = None, **options: Unpack[DecodeOptions]
    ) -> Iterator[Song]:
        """`n` new clips one after another, each one window long (see `sampled_windows`); any number of them takes no
        more memory than `BATCH`.

        With chords a clip is as long as their progression, with hits as long as their song: all of it from one latent
        vector, in one style, and not reranked if that is more than one window.

        Args:
            n: how many.
            progress: called after every `BATCH` of clips with their number.
            options: see `DecodeOptions`.
        """
        decoding = taken(Decoding, conditions := dict(options))
        if n < 1:
            raise ConfigError(f"{n} clips: ask for at least 1")
        like = self.blank(**conditions)
        length, condition = len(like.windows), self.condition(like)
        for start in range(0, n, BATCH):
            count = min(BATCH, n - start)
            repeated = None if condition is None else condition.repeat(count, 1, 1)
            if length == 1:
                windows = self._sampled(start, count, repeated, decoding)
            else:
                z = self.draw(count, decoding.seed, start // BATCH).repeat(length, 0)
                windows = self.decode_windows(z, repeated, decoding, first=start * length)
            yield from (self.render(windows[i : i + length], like) for i in range(0, count * length, length))
            if progress:
                progress(count)

    def sampled_windows(self, n: int, condition: torch.Tensor | None = None, decoding: Decoding = GREEDY) -> np.ndarray:
        """`n` new windows `[n, *shape]`, decodes of draws from the prior.

        If the model has a reranker, they are taken from more decodes with probabilities proportional to the odds that
        these are music: `BATCH` at a time from `shared_candidates`, if all have the same condition; else each is one
        of `CANDIDATES`. Those of fewer than `reranking.FEWEST_NOTES` notes are taken only if there are no others.

        Args:
            n: how many.
            condition: of a conditional model, `[n, steps, conditions]`.
            decoding: how; its seed is that of everything random.
        """
        conditions = repeat(None) if condition is None else condition.split(BATCH)
        parts = zip(range(0, n, BATCH), conditions, strict=False)
        return np.concatenate([self._sampled(i, min(BATCH, n - i), part, decoding) for i, part in parts])

    def _sampled(self, start: int, n: int, condition: torch.Tensor | None, decoding: Decoding) -> np.ndarray:
        """The `n` new windows from number `start` on, a multiple of `BATCH`."""
        block = start // BATCH
        if self.reranker is None:
            return self.decode_windows(self.draw(n, decoding.seed, block), condition, decoding, first=start)
        alike = condition is None or bool((condition == condition[:1]).all())
        candidates = min(n * CANDIDATES, shared_candidates(n)) if alike else n * CANDIDATES
        z = self.draw(candidates, decoding.seed, block)
        if condition is not None:
            condition = condition.repeat_interleave(-(-candidates // n), 0)[:candidates]
        windows = self.decode_windows(z, condition, decoding, first=start * CANDIDATES)
        log_odds = self.reranker.of_clips(self.representation, windows)
        random = RandomSource(decoding.seed, RERANKING, block)
        if alike:
            return windows[resample(log_odds, n, random.uniform(1).item())]
        return windows[rerank(log_odds, random.uniform(n).numpy())]

    def vary(
        self,
        song: Any,
        n: int = 4,
        *,
        strength: float | None = None,
        more: Mapping[str, float] | None = None,
        less: Mapping[str, float] | None = None,
        **options: Unpack[VerbOptions],
    ) -> Variations:
        """`n` variations of a song: with more or less of some attributes, or at random, or both.

        Equal windows are varied alike, so that what is repeated stays repeated. More or less of an attribute comes with
        as few other changes as are found (`latent.editing`); a song with another register is transposed.

        Args:
            song: what to vary.
            n: how many.
            strength: how far latent vectors are moved toward random ones: 0 gives the song as the model represents it,
                1 something else entirely. None for so far that three quarters of its notes stay; but for 0 with `more`
                or `less`, which are then reached in `n` equal steps. With a strength all variations have the whole
                change.
            more: amounts of attributes, e.g. `{"density": 1.5}`, in standard deviations over songs; see
                `self.directions.names`.
            less: as `more`, in the other direction.
            options: see `VerbOptions`.

        Raises:
            ConfigError: a strength outside 0..1, an attribute that the model cannot be steered by.
        """
        decoding, selection = taken(Decoding, conditions := dict(options)), taken(Selection, conditions)
        amounts = self._amounts(more, less)
        if strength is not None and not 0 <= strength <= 1:
            raise ConfigError(f"strength {strength}: it must lie between 0 and 1")
        if n < 1:
            raise ConfigError(f"{n} variations: ask for at least 1")
        source = without_words(self.extract(song, **vars(selection), tempo=conditions.get("tempo")))
        target = self.conditioned(source, conditions)
        windows = SongWindows.of(self, source, target, decoding)
        return self._variations(*variations(windows, self.reranker, n, strength, amounts), target, tuple(amounts))

    def evaluate(self, examples: Windows, *, seed: int = 0, progress: Callable[[int], Any] | None = None) -> dict:
        """Held-out figures: see `musicae.core.evaluation.measure` and `musicae.music.analysis.accuracy.score`.

        A model that was trained on several partial inputs is measured on whole windows; under `remains` are the ratios
        for each of the partial inputs, decoded greedily from the posterior mean.
        """
        ratios, corruption = score(self.representation), self.preset.corruption

        def figures(partial: GrooveCorruption | OneOf | None, progress=None) -> dict:
            def arrays(decoded: torch.Tensor, x: torch.Tensor) -> dict:
                restored = isinstance(corruption, OneOf) and partial
                decoded = partial.restore_known(decoded, x) if restored else decoded
                return ratios(*(self.representation.from_data(one.cpu().numpy()) for one in (decoded, x)))

            return measure(self.network, examples, arrays, corruption=partial, seed=seed, progress=progress)

        if not isinstance(corruption, OneOf):
            return figures(corruption, progress)
        others = {one.name: figures(one)["mean"]["greedy"] for one in corruption.kinds if one != GrooveCorruption()}
        return figures(None, progress) | {"remains": others}

    def _decoded(self, z: np.ndarray, like: Windowed, decoding: Decoding, known: np.ndarray | None = None):
        """The decodes of latent vectors under the conditions of `like`."""
        return self.decode_windows(z, self.condition(like), decoding, known=known)

    @property
    def language(self) -> LanguageModel | None:
        """The language model that its decodes between two songs are fused with: of melodies, if they are decoded in
        parallel."""
        return shipped() if self.decodes_ahead and suits(self.representation) else None

    def decode_path(self, found: Path, decoding: Decoding, plain: bool = False) -> np.ndarray:
        """The decodes of a path, `[steps, windows, *shape]`: its ends are what `reconstruct` gives, to the note.

        Fused with a language model (`latent.fusion.fused`) if it has one and they are not to be `plain`; else one step
        at a time, with the same random numbers, and brought into one scale.
        """
        if self.language and not plain:
            return fused(self, self.language, found, decoding)
        counts = repeat(None) if found.counts is None else found.counts
        steps = zip(found.latents, found.stages, counts, strict=False)
        decoded = np.stack([self.decode_windows(z, self.condition(s), decoding, counts=own) for z, s, own in steps])
        return found.in_one_scale(self.representation, decoded)

    def _amounts(self, more: Mapping[str, float] | None, less: Mapping[str, float] | None) -> dict[str, float]:
        """The requested change of each attribute, in standard deviations, below 0 for less.

        Raises:
            ConfigError: the model has no such direction.
        """
        if not more and not less:
            return {}
        if self.directions is None:
            raise ConfigError(
                f"{self.name} has no directions: vary it by strength alone, or fit them (docs/steering.md)"
            )
        amounts = requested_amounts(self.directions.names, more, less)
        self.directions.shift(amounts)  # refuses what is not a number
        return amounts

    def _variations(
        self, varied: list[np.ndarray], semitones: list[int], target: Windowed, requested: tuple[str, ...]
    ) -> Variations:
        """Variations of an excerpt, from their windows and the intervals by which they are transposed."""
        kind, lengths = self.representation, target.lengths
        plan = list(zip(np.cumsum(lengths) - lengths, lengths, strict=True))
        heard = [kind.cut(kind.join(windows, lengths), plan)[0] for windows in varied]
        originals = [kind.transpose(target.windows, np.full(len(lengths), by)) for by in semitones]
        return Variations(
            songs=[self.render(windows, target) for windows in varied],
            original=self.render(target.windows, target),
            report=list(target.excerpt.report),
            before=means(attributes(kind, target.windows)),
            after=[means(attributes(kind, windows)) for windows in heard],
            requested=requested,
            kept=[kept(kind, *both, lengths) for both in zip(varied, originals, strict=True)],
            semitones=semitones,
            ticks=target.ticks,
        )
