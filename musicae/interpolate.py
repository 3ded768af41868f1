"""`python -m musicae.interpolate a.mid b.mid`: the way from one song, or picture, to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from musicae.cli.options import MOST, ConditioningOptions, SelectionOptions
from musicae.cli.outputs import SOUND_IN_PAGE, SongOutputOptions, save_picture, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import name_of, title_of
from musicae.music.options import STEPS

if TYPE_CHECKING:
    from musicae.music.results import Interpolation

ORIGINAL = "The original, in the notes that the model works with."
ORIGINAL_SECONDS = 30.0  # in the page of one pass, which has the rest of the sound


@dataclass(frozen=True)
class Interpolate(ConditioningOptions, SelectionOptions, SongOutputOptions):
    """From one song (or picture) to another, in steps or in one pass, in one file.

    The result keeps A's tempo, metre, program and track name; its loudness goes from A's to B's. Its first and last
    step are the model's reconstructions of A and B. --chords are repeated from step to step; --hits are all played in
    each step, in their own tempo and metre.
    """

    a: Annotated[Positional[Path], arg(metavar="A", help_behavior_hint="")]
    """file to begin with: MIDI (or ABC, MusicXML), or a picture"""
    b: Annotated[Positional[Path], arg(metavar="B", help_behavior_hint="")]
    """file to end with"""
    steps: Annotated[int | None, arg(metavar="N", help_behavior_hint="(default: 7; of long songs, 1)")] = None
    """whole versions from A to B, both ends included; 1 for one pass that begins as A and ends as B, in as many bars as
    the shorter song: the default where both have more than 16 bars"""
    lerp: bool = False
    """interpolate along straight lines in equal steps; without it, songs go in steps of equal change and pictures along
    great circles"""
    keys: Literal["gradual", "a", "b", "none"] = "gradual"
    """keys of the steps: from A's to B's along the circle of fifths, all in A's or all in B's (the other song is
    transposed), or none: as the notes of both come to be mixed"""

    def run(self) -> None:
        """Interpolate and write."""
        least = 1 if self.preset.musical else 2
        if self.steps is not None and not least <= self.steps <= MOST:
            one = "1 (one pass), or for " * self.preset.musical
            raise ConfigError(f"--steps {self.steps}: ask for {one}2 (both ends) to {MOST}")
        name = f"{name_of(self.a)}_to_{name_of(self.b)}"
        self.check_for([self.a, self.b])
        if self.preset.musical:
            self._songs(self.target(name, ".mid"))
        else:
            self._pictures(self.target(name, ".png"))

    def _songs(self, path: Path) -> None:
        self.check_plans(self.plan(path, steps) for steps in ([self.steps] if self.steps else [1, STEPS]))
        options = self.decoding | self.selection | self.conditions
        songs = self.songs([self.a, self.b])
        model = self.load()
        found = model.interpolate(*songs, self.steps, linear=self.lerp, keys=self.keys, **options)
        for file, sentences in zip((self.a, self.b), found.report, strict=True):
            self.report(file, sentences)
        if self.steps is None and found.one_pass:
            self.say(self._one_pass(found))

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_interpolation, save_one_pass

            names = name_of(self.a), name_of(self.b)
            if found.one_pass:
                save_one_pass(found.song, found.shares[0], png, found.originals, names, force)
            else:
                save_interpolation(found.songs, png, found.originals, force, names)

        plan = self.write_songs(model, path, found.song, found.songs, self._sections(found), picture)
        report = dict(zip("ab", found.report, strict=True))
        content = {"files": plan, "steps": len(found.songs), "seed": self.seed, "report": report}
        self.result(content, [*saved(plan), f"seed {self.seed}"])

    def _one_pass(self, found: Interpolation) -> str:
        """A sentence on what was done with long songs, and how to get whole versions."""
        from musicae.music.render.audio import clock

        whole = f"{clock(found.seconds)} in {found.shares.shape[1]} bars"
        versions = f"--steps {STEPS} writes {STEPS} whole versions, {clock(STEPS * found.seconds)} in all"
        return f"{title_of(self.a)} to {title_of(self.b)} in one pass, {whole}; {versions}"

    def _sections(self, found: Interpolation) -> list[tuple]:
        """The sections of the page: the originals, and what lies between them."""
        first, last = found.originals
        a, b = title_of(self.a), title_of(self.b)
        if found.one_pass:
            way = f"From {a} to {b}", self._way(found), found.song, SOUND_IN_PAGE - 2 * ORIGINAL_SECONDS
            ends = (f"A: {a}", ORIGINAL, first, ORIGINAL_SECONDS), (f"B: {b}", ORIGINAL, last, ORIGINAL_SECONDS)
            return [ends[0], way, ends[1]]
        count = len(found.songs)
        steps = [(f"Step {i} of {count}", self._note(i, count), song) for i, song in enumerate(found.songs, 1)]
        return [(f"A: {a}", ORIGINAL, first), *steps, (f"B: {b}", ORIGINAL, last)]

    def _note(self, step: int, count: int) -> str:
        if step in (1, count):
            return f"The model's reconstruction of {title_of(self.a if step == 1 else self.b)}."
        share = (step - 1) / (count - 1)
        return f"{1 - share:.0%} {title_of(self.a)}, {share:.0%} {title_of(self.b)}."

    def _way(self, found: Interpolation) -> str:
        shares = found.shares[0]
        of_a, of_b = int((shares == 0).sum()), int((shares == 1).sum())
        return (
            f"Bars 1 to {of_a} are the model's reconstruction of {title_of(self.a)}, the last {of_b} are that "
            f"of {title_of(self.b)}; in between its share grows from bar to bar."
        )

    def _pictures(self, path: Path) -> None:
        self.check_outputs([path])
        from musicae.images.figures import strip

        model = self.load()
        ends = [model.read(file) for file in (self.a, self.b)]
        for file, seen in zip((self.a, self.b), ends, strict=True):
            self.report(file, seen.report)
        count = self.steps or STEPS
        steps = model.interpolate(*ends, count, linear=self.lerp, label=self.label)
        plan = {"png": [save_picture(strip(steps), path, self.force)]}
        report = {name: list(seen.report) for name, seen in zip("ab", ends, strict=True)}
        self.result({"files": plan, "steps": count, "report": report}, saved(plan))


if __name__ == "__main__":
    main(Interpolate, "interpolate")
