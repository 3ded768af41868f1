"""A trained model of music: the verbs of the commands, on songs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from musicae.core.evaluation import measure
from musicae.core.geometry import lerp, slerp
from musicae.core.model import BATCH, Model
from musicae.core.randomness import RandomSource
from musicae.errors import ConfigError
from musicae.music import passages
from musicae.music.attributes import measure as attributes
from musicae.music.between import even_places, in_key, way
from musicae.music.choice import CANDIDATES, CHOOSING, Choice
from musicae.music.chords import parse
from musicae.music.corruptions import GrooveCorruption, OneOf
from musicae.music.metrics import notes_right, score
from musicae.music.passages import Interpolation, Passage, Reconstruction
from musicae.music.song import Song
from musicae.music.steering import Variations, averages, keys, repeats, wished
from musicae.music.windows import Windows, to_batch

Track = int | str | None
Bars = tuple[int, int] | None


class MusicModel(Model):
    """Verbs on songs. Whatever takes a song takes a path, bytes, a `PrettyMIDI` or a symusic `Score` too.

    Attributes:
        choice: what chooses among several decodes for each new clip; None where none was fitted: the first is taken.
    """

    choice: Choice | None = None

    @property
    def parallel(self) -> bool:
        """Whether its decoder gives all steps at once: fast, but no step knows what became of the others."""
        return not getattr(self.preset.network, "autoregressive", False)

    def hearing(self, setting: str) -> MusicModel:
        """The same model, which from now on hears what a setting of `GrooveCorruption` leaves of a song: `"humanise"` a
        score, `"tapify"` taps, `"add_instruments"` a part.

        Raises:
            ConfigError: it was not trained on such remains.
        """
        corruption = self.preset.corruption
        remains = corruption.only(setting) if isinstance(corruption, GrooveCorruption | OneOf) else None
        if remains is None:
            raise ConfigError(f"{self.name} was not trained to play from what {setting} leaves: choose another model")
        heard = copy(self)
        heard.preset = replace(self.preset, corruption=remains)
        return heard

    def hear(self, song: Any, track: Track = None, bars: Bars = None) -> Passage:
        """A song as the model's windows.

        Args:
            song: what to hear.
            track: number (from 1) or part of a name; None takes the one that the representation's rule picks.
            bars: first and last, from 1; None for all.

        Raises:
            MidiError: it cannot be read.
            NoWindows: it holds nothing of what the model hears.
        """
        heard = Song.read(song)
        hearing = self.representation.hear(heard, track, bars)
        return passages.heard(self.representation, replace(hearing, report=(*heard.changes, *hearing.report)))

    def encode(self, song: Any, track: Track = None, bars: Bars = None) -> np.ndarray:
        """The latent vectors of a song: posterior means, one a window, float32 `[windows, latent]`."""
        return self.encode_windows(self.hear(song, track, bars).windows)

    def decode(
        self,
        z: np.ndarray,
        like: Any = None,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        **told: Any,
    ) -> Song:
        """A song from latent vectors.

        Args:
            z: `[windows, latent]`, or one vector `[latent]`.
            like: a song (or what reads as one), or a `Passage`, whose tempo, metre, program and track name are kept;
                None for 4/4 at 120 quarters a minute.
            temperature: 0 takes the most probable step.
            top_p: see `musicae.core.likelihoods.choose`.
            seed: of the draws at a temperature above 0.
            told: `chords`, `key`, `hits` of a conditional model (see `Representation.retold`), instead of those of
                `like`. A song is told what it has; what comes from no song no chords, no key, and no hits. With `hits`,
                these are `like`.

        Raises:
            ConfigError: vectors that are not of this model, or more of them than `like` has windows.
        """
        z = np.atleast_2d(np.asarray(z, np.float32))
        if not z.size or z.shape[1:] != (self.network.latent,):
            raise ConfigError(f"latent vectors {z.shape}: {self.name} decodes [windows, {self.network.latent}]")
        passage = self.blank(len(z)) if like is None else like if isinstance(like, Passage) else self.hear(like)
        passage = self._retold(passage, told)
        if len(z) > len(passage.lengths):
            raise ConfigError(f"{len(z)} latent vectors for {len(passage.lengths)} windows of the song to be like")
        passage = passage.first(len(z))
        return self._render(self._decode(z, passage, temperature, top_p, seed), passage)

    def interpolate(
        self,
        a: Any,
        b: Any,
        steps: int = 7,
        *,
        linear: bool = False,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        track: Track = None,
        bars: Bars = None,
        **told: Any,
    ) -> Interpolation:
        """What lies between two songs, window by window, on the bars of A.

        What lies between songs in different keys is taken into one (`music.between.in_key`), where the model
        can be steered so.

        Args:
            a: the song that it begins with; its tempo, metre, program and track name are kept.
            b: the song that it ends with; its steps are laid on A's bars.
            steps: how many, both ends included; at least 2.
            linear: along straight lines in equal steps; if not, in steps of about as much change
                (`music.between.way`).
            temperature: 0 decodes greedily.
            top_p: see `musicae.core.likelihoods.choose`.
            seed: of the draws at a temperature above 0.
            track: for both songs.
            bars: for both songs.
            told: see `decode`. Where nothing is asked, each step is told what the song has that it is nearer to.
                Chords go on from step to step, again and again; with `hits`, each step plays all of them.
        """
        if steps < 2:
            raise ConfigError(f"{steps} steps: an interpolation has at least 2, its two ends")
        pair, reports = passages.paired(self.representation, self.hear(a, track, bars), self.hear(b, track, bars))
        ends = [torch.from_numpy(self.encode_windows(passage.windows)) for passage in pair]
        latents = (lerp(*ends, torch.linspace(0, 1, steps)) if linear else way(self, *ends, steps)).numpy()
        stages = self._stages(pair, steps, told)
        played = stages[0]
        latents = again(latents, len(played.windows), axis=1)
        latents = in_key(self, latents, [self.condition(stage) for stage in stages])
        # One step at a time, with the same random numbers: so the ends are what `reconstruct` gives, to the note.
        songs = [
            self._render(self._decode(z, stage, temperature, top_p, seed), played)
            for z, stage in zip(latents, stages, strict=True)
        ]
        originals = tuple(self._render(passage.windows, passage) for passage in pair)
        reports[0].extend(played.hearing.report[len(pair[0].hearing.report) :])
        return Interpolation(songs, originals, reports, latents, played.ticks)

    def reconstruct(
        self,
        song: Any,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        track: Track = None,
        bars: Bars = None,
        **told: Any,
    ) -> Reconstruction:
        """What the model makes of a song, and how much of it came back.

        `told` as in `decode`. With `hits`, how the song is played (its latent vectors, again and again) on these hits;
        they are the original then.
        """
        heard = self.hear(song, track, bars)
        passage = self._retold(heard, told)
        z = again(self.encode_windows(heard.windows), len(passage.windows))
        windows = self._decode(z, passage, temperature, top_p, seed, passage.windows)
        both = windows, passage.windows
        ratios = score(self.representation)(*(self.representation.spread(w, passage.lengths) for w in both))
        ratios["whole_windows"] = passages.whole_windows(self.representation, windows, passage)
        joined = (self.representation.join(w, passage.lengths) for w in both)
        figures = {"note_accuracy": notes_right(self.representation, *joined)}
        figures |= {name: a / b for name, (a, b) in ratios.items() if b}
        songs = [self._render(w, passage) for w in both]
        return Reconstruction(*songs, figures, list(passage.hearing.report))

    def sample(
        self,
        n: int = 8,
        *,
        seed: int = 0,
        temperature: float = 0.0,
        top_p: float = 1.0,
        progress: Callable[[int], Any] | None = None,
        **told: Any,
    ) -> list[Song]:
        """`n` new clips, each one window long (see `sampled_windows`).

        A conditional model is told what `told` says (see `decode`), and then a clip is as long as the progression of
        chords, or as the song whose hits are to be played: all of it from one latent vector, in one style, and nothing
        is chosen among if that is more than one window. `progress` is called with the number of clips that were made,
        every now and then.
        """
        if n < 1:
            raise ConfigError(f"{n} clips: ask for at least 1")
        passage = self.blank(**told)
        length = len(passage.windows)
        condition = self.condition(passage)
        condition = None if condition is None else condition.repeat(n, 1, 1)
        how = {"temperature": temperature, "top_p": top_p, "seed": seed}
        if length == 1:
            windows = self.sampled_windows(n, condition, **how, progress=progress)
        else:
            windows = self.decode_windows(self.draw(n, seed).repeat(length, 0), condition, **how)
        return [self._render(windows[i : i + length], passage) for i in range(0, n * length, length)]

    def sampled_windows(
        self,
        n: int,
        condition: torch.Tensor | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        progress: Callable[[int], Any] | None = None,
    ) -> np.ndarray:
        """`n` new windows `[n, *shape]`, decodes of draws from the prior.

        Where the model has a `choice`, each is one of `CANDIDATES` decodes, chosen with a chance in proportion to the
        odds that it is music.

        Args:
            n: how many.
            condition: what a conditional model is told beside each, `[n, steps, conditions]`.
            temperature: 0 decodes greedily.
            top_p: see `musicae.core.likelihoods.choose`.
            seed: of everything random.
            progress: called with the number of windows that were made, after every `BATCH` of them.
        """
        each = 1 if self.choice is None else CANDIDATES
        z = self.draw(n * each, seed)
        chances = RandomSource(seed, CHOOSING).uniform(n).numpy()
        found = []
        for start in range(0, n, BATCH):  # the candidates for all at once would take gigabytes
            part = slice(start, start + BATCH)
            told = None if condition is None else condition[part].repeat_interleave(each, 0)
            decoded = z[start * each : (start + BATCH) * each]
            windows = self.decode_windows(decoded, told, temperature, top_p, seed, first=start * each)
            if self.choice is not None:
                windows = windows[self.choice.choose(attributes(self.representation, windows), chances[part])]
            found.append(windows)
            if progress:
                progress(len(windows))
        return np.concatenate(found)

    def vary(
        self,
        song: Any,
        n: int = 4,
        *,
        strength: float | None = None,
        more: Mapping[str, float] | None = None,
        less: Mapping[str, float] | None = None,
        seed: int = 0,
        temperature: float = 0.0,
        top_p: float = 1.0,
        track: Track = None,
        bars: Bars = None,
        **told: Any,
    ) -> Variations:
        """`n` variations of a song: with more or less of something, or at random, or both.

        All windows go the same way along a direction; windows that are the same get the same random one, so that what
        is repeated stays repeated.

        Args:
            song: what to vary.
            n: how many.
            strength: how far the latent vectors go toward random ones, of which likely ones are chosen: 0 gives the
                reconstruction, 1 something else entirely. None for 0.3, or for 0 where more or less is asked for: then
                the variations go to that in `n` steps of about as much change; with a strength all go the whole way.
            more: attributes and how much more of each, in spreads of the data, e.g. `{"density": 1.5}`; see
                `self.directions.names`.
            less: how much less.
            seed: of the random vectors.
            temperature: 0 decodes greedily.
            top_p: see `musicae.core.likelihoods.choose`.
            track: see `hear`.
            bars: see `hear`.
            told: see `decode`.

        Raises:
            ConfigError: a strength outside 0..1, an attribute that the model cannot be steered by.
        """
        wishes = self._wishes(more, less)
        equal_steps = strength is None and bool(wishes)
        strength = (0.0 if equal_steps else 0.3) if strength is None else strength
        if not 0 <= strength <= 1:
            raise ConfigError(f"strength {strength}: it must lie between 0 and 1")
        if n < 1:
            raise ConfigError(f"{n} variations: ask for at least 1")
        heard = self.hear(song, track, bars)
        passage = self._retold(heard, told)
        z, same = self.encode_windows(heard.windows), repeats(heard.windows)
        moved = self._at_random(z, same, n, strength, seed)
        if wishes:
            shift = self.directions.shift(wishes, keys(self.representation, heard.windows))
            shares = np.ones(n, np.float32)
            if equal_steps:
                shares = even_places(self, torch.from_numpy(z), torch.from_numpy(z + shift), n + 1)[1:].numpy()
            moved = moved + shares[:, None, None] * shift
        moved = again(moved, len(passage.windows), axis=1)
        varied = [self._decode(m, passage, temperature, top_p, seed) for m in moved]
        return self._variations(varied, passage, tuple(wishes))

    def _at_random(self, z: np.ndarray, same: np.ndarray, n: int, strength: float, seed: int) -> np.ndarray:
        """Latent vectors `[windows, latent]` moved toward random ones, `n` times, those of one number `same` alike.

        Each is chosen among several as new windows are (see `sampled_windows`), unless the model is told something.

        Returns:
            float32 `[n, windows, latent]`.
        """
        own = z[np.unique(same, return_index=True)[1]]
        each = CANDIDATES if self.choice and strength and not self.representation.conditioning else 1
        drawn = torch.from_numpy(self.draw(n * len(own) * each, seed)).view(n, len(own), each, -1)
        here = torch.from_numpy(own)[:, None].expand(drawn.shape)
        moved = slerp(here, drawn, torch.tensor([strength]))[0].flatten(0, 2).numpy()
        if each > 1:
            chances = RandomSource(seed, CHOOSING).uniform(n * len(own)).numpy()
            moved = moved[self.choice.choose(attributes(self.representation, self.decode_windows(moved)), chances)]
        return moved.reshape(n, len(own), -1)[:, same]

    def _wishes(self, more: Mapping[str, float] | None, less: Mapping[str, float] | None) -> dict[str, float]:
        """What is asked for, in spreads of each attribute, below 0 for less.

        Raises:
            ConfigError: the model has no such direction.
        """
        if not more and not less:
            return {}
        if self.directions is None:
            raise ConfigError(
                f"{self.name} has no directions: vary it by strength alone, or fit them (docs/steering.md)"
            )
        return wished(self.directions.names, more, less)

    def _variations(self, varied: list[np.ndarray], passage: Passage, asked: tuple[str, ...]) -> Variations:
        """Songs of windows, beside the passage that they are variations of."""
        return Variations(
            songs=[self._render(windows, passage) for windows in varied],
            original=self._render(passage.windows, passage),
            report=list(passage.hearing.report),
            before=averages(attributes(self.representation, passage.windows)),
            after=[averages(attributes(self.representation, windows)) for windows in varied],
            asked=asked,
            kept=[self._kept(windows, passage) for windows in varied],
            ticks=passage.ticks,
        )

    def _kept(self, windows: np.ndarray, passage: Passage) -> float:
        """The share of the notes of a passage that windows have at their pitch and onset; 0 of none."""
        both = (self.representation.spread(one, passage.lengths) for one in (windows, passage.windows))
        there, meant = (self.representation.onsets(one) for one in both)
        return float((there & meant).sum() / max(meant.sum(), 1))

    def blank(self, windows: int | None = None, **told: Any) -> Passage:
        """DropParts in 4/4 at 120 quarters a minute, to render windows that come from no song.

        Args:
            windows: how many; None for as many as the chords that are told take, or one.
            told: see `decode`; hits come with their own metre, tempo and length.
        """
        steps, bar = self.representation.steps, 4 * self.representation.steps_per_quarter
        asked = self.representation.asked(**told)
        if windows is None and "chords" in asked:
            hearing = self.representation.blank(max(len(parse(asked["chords"])), steps // bar))
            lengths = np.array([length for _, length in hearing.grid.windows(steps)])
        else:
            lengths = np.full(windows or 1, steps)
            hearing = self.representation.blank(-(-int(lengths.sum()) // bar))
        return self._retold(passages.cut(self.representation, hearing, lengths), asked)

    def condition(self, passage: Passage) -> torch.Tensor | None:
        """What the model is told of the windows of a passage, `[windows, steps, conditions]`; None if it is nothing."""
        return to_batch(passage.windows, self.representation).condition

    def evaluate(self, examples: Windows, *, seed: int = 0, progress: Callable[[int], Any] | None = None) -> dict:
        """Held-out figures: see `musicae.core.evaluation.measure` and `musicae.music.metrics.score`.

        A model that hears one of several remains is measured on whole windows; under `remains` are the ratios of what
        it makes of each of the others, greedily at the posterior mean.
        """
        ratios, corruption = score(self.representation), self.preset.corruption

        def figures(remains: GrooveCorruption | OneOf | None, progress=None) -> dict:
            def arrays(decoded: torch.Tensor, x: torch.Tensor) -> dict:
                decoded = remains.restore_known(decoded, x) if isinstance(corruption, OneOf) and remains else decoded
                return ratios(*(self.representation.from_data(each.cpu().numpy()) for each in (decoded, x)))

            return measure(self.network, examples, arrays, corruption=remains, seed=seed, progress=progress)

        if not isinstance(corruption, OneOf):
            return figures(corruption, progress)
        others = {kind.name: figures(kind)["mean"]["greedy"] for kind in corruption.kinds if kind != GrooveCorruption()}
        return figures(None, progress) | {"remains": others}

    def encode_windows(self, windows: np.ndarray) -> np.ndarray:
        """The latent vectors of windows `[n, *shape]`: posterior means, float32 `[n, latent]`."""
        x, condition, _ = to_batch(windows, self.representation)
        heard = x if self.preset.corruption is None else self.preset.corruption.deterministic(x)
        return self.to_latent(heard, condition=condition)

    def decode_windows(
        self,
        z: np.ndarray,
        condition: torch.Tensor | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        heard: np.ndarray | None = None,
        first: int = 0,
    ) -> np.ndarray:
        """Windows `[n, *shape]` from latent vectors `[n, latent]`; of a parallel decoder without faults of grammar.

        Args:
            z: the vectors.
            condition: what a conditional model is told beside each, `[n, steps, conditions]`.
            temperature: 0 takes the most probable step.
            top_p: see `musicae.core.likelihoods.choose`.
            seed: of the draws at a temperature above 0.
            heard: windows `[n, *shape]` of which a precise model heard remains: what these hold for certain is kept.
            first: see `Model.from_latent`.

        Raises:
            ConfigError: a temperature or top-p that cannot be.
        """
        if not 0 <= temperature < math.inf:
            raise ConfigError(f"temperature {temperature}: it must be 0 or more")
        if not 0 < top_p <= 1:
            raise ConfigError(f"top-p {top_p}: it must be above 0 and at most 1")
        x = self.from_latent(z, temperature, top_p, seed, condition, first)
        if heard is not None and isinstance(self.preset.corruption, GrooveCorruption) and self.representation.precise:
            x = self.preset.corruption.restore_known(x, to_batch(heard, self.representation).x)
        obeyed = self.representation.obeyed(x.numpy(), None if condition is None else condition.numpy())
        windows = self.representation.from_data(obeyed)
        return self.representation.mended(windows) if self.parallel else windows

    def _retold(self, passage: Passage, told: dict[str, Any], before: int = 0) -> Passage:
        """A passage of which a model is told what was asked for; see `Representation.retold`.

        Raises:
            ConfigError: it is told no such thing.
        """
        asked = self.representation.asked(**told)
        if not asked:
            return passage
        hearing = self.representation.retold(passage.hearing, **asked, before=before)
        return (
            passages.heard(self.representation, hearing)
            if "hits" in asked
            else passages.cut(self.representation, hearing, passage.lengths)
        )

    def _decode(
        self, z: np.ndarray, passage: Passage, temperature: float, top_p: float, seed: int, heard=None
    ) -> np.ndarray:
        """The windows that the model makes of latent vectors, told what a passage has."""
        return self.decode_windows(z, self.condition(passage), temperature, top_p, seed, heard)

    def _render(self, windows: np.ndarray, passage: Passage) -> Song:
        return self.representation.render(self.representation.join(windows, passage.lengths), passage.hearing)

    def _stages(self, pair: tuple[Passage, Passage], steps: int, told: dict[str, Any]) -> list[Passage]:
        """What the model is told in each step from A to B, on the bars of A."""
        grid = pair[0].hearing.grid
        laid = [replace(passage, hearing=replace(passage.hearing, grid=grid)) for passage in pair]
        nearer = [laid[2 * i >= steps] for i in range(steps)]
        return [self._retold(passage, told, before=i * len(grid)) for i, passage in enumerate(nearer)]


def again(z: np.ndarray, windows: int, axis: int = 0) -> np.ndarray:
    """Latent vectors repeated from the first one on, until there are so many along an axis; or the first so many."""
    return z.take(np.arange(windows) % z.shape[axis], axis)
