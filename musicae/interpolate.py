"""`python -m musicae.interpolate a.mid b.mid`: the way from one song, or picture, to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from musicae.cli.options import MOST, ConditioningOptions, SelectionOptions
from musicae.cli.outputs import SongOutputOptions, save_picture, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import name_of, title_of

if TYPE_CHECKING:
    from musicae.music.results import Interpolation
    from musicae.music.song import Song

ORIGINAL = "The original, in the notes that the model works with."


@dataclass(frozen=True)
class Interpolate(ConditioningOptions, SelectionOptions, SongOutputOptions):
    """From one song (or picture) to another in steps, in one file.

    The result keeps A's tempo, metre, program and track name; its loudness goes from A's to B's. Its first and last
    step are the model's reconstructions of A and B. --chords are repeated from step to step; --hits are all played in
    each step, in their own tempo and metre.
    """

    a: Annotated[Positional[Path], arg(metavar="A", help_behavior_hint="")]
    """file to begin with: MIDI (or ABC, MusicXML), or a picture"""
    b: Annotated[Positional[Path], arg(metavar="B", help_behavior_hint="")]
    """file to end with"""
    steps: int = 7
    """steps from A to B, both ends included"""
    lerp: bool = False
    """interpolate along straight lines in equal steps; without it, songs go in steps of equal change and pictures along
    great circles"""

    def run(self) -> None:
        """Interpolate and write."""
        if not 2 <= self.steps <= MOST:
            raise ConfigError(f"--steps {self.steps}: ask for 2 (both ends) to {MOST}")
        name = f"{name_of(self.a)}_to_{name_of(self.b)}"
        self.check_for([self.a, self.b])
        if self.preset.musical:
            self._songs(self.target(name, ".mid"))
        else:
            self._pictures(self.target(name, ".png"))

    def _songs(self, path: Path) -> None:
        self.check_plans([self.plan(path, self.steps)])
        options = self.decoding | self.selection | self.conditions
        songs = self.songs([self.a, self.b])
        model = self.load()
        found = model.interpolate(*songs, self.steps, linear=self.lerp, **options)
        for file, sentences in zip((self.a, self.b), found.report, strict=True):
            self.report(file, sentences)

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_interpolation

            names = name_of(self.a), name_of(self.b)
            save_interpolation(found.songs, png, found.originals, force, names)

        plan = self.write_songs(model, path, found.song, found.songs, self._sections(found), picture)
        report = dict(zip("ab", found.report, strict=True))
        content = {"files": plan, "steps": self.steps, "seed": self.seed, "report": report}
        self.result(content, [*saved(plan), f"seed {self.seed}"])

    def _sections(self, interpolation: Interpolation) -> list[tuple[str, str, Song]]:
        """The sections of the page: the originals, and the steps between them."""
        first, last = interpolation.originals
        count = len(interpolation.songs)
        steps = [(f"Step {i} of {count}", self._note(i), song) for i, song in enumerate(interpolation.songs, 1)]
        return [(f"A: {title_of(self.a)}", ORIGINAL, first), *steps, (f"B: {title_of(self.b)}", ORIGINAL, last)]

    def _note(self, step: int) -> str:
        if step in (1, self.steps):
            return f"The model's reconstruction of {title_of(self.a if step == 1 else self.b)}."
        share = (step - 1) / (self.steps - 1)
        return f"{1 - share:.0%} {title_of(self.a)}, {share:.0%} {title_of(self.b)}."

    def _pictures(self, path: Path) -> None:
        self.check_outputs([path])
        from musicae.images.figures import strip

        model = self.load()
        ends = [model.read(file) for file in (self.a, self.b)]
        for file, seen in zip((self.a, self.b), ends, strict=True):
            self.report(file, seen.report)
        steps = model.interpolate(*ends, self.steps, linear=self.lerp, label=self.label)
        plan = {"png": [save_picture(strip(steps), path, self.force)]}
        report = {name: list(seen.report) for name, seen in zip("ab", ends, strict=True)}
        self.result({"files": plan, "steps": self.steps, "report": report}, saved(plan))


if __name__ == "__main__":
    main(Interpolate, "interpolate")
