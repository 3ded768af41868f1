"""`python -m musicae.interpolate a.mid b.mid`: what lies between two songs, or two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from musicae.command import MOST, Listening, Telling, Writing, main, save_picture, saved
from musicae.errors import ConfigError

if TYPE_CHECKING:
    from musicae.images.model import ImageModel
    from musicae.music.model import MusicModel


@dataclass(frozen=True)
class Interpolate(Telling, Listening, Writing):
    """What lies between two songs (or two pictures): one file that goes from A to B.

    The result keeps A's tempo, metre, program and track name. Both ends are what the model hears in A and B. --chords
    go on from step to step, again and again; --hits are all played in each step, in their own tempo and metre.
    """

    a: Annotated[Positional[Path], arg(metavar="A", help_behavior_hint="")]
    """what it begins with: a MIDI file (or ABC, MusicXML), or a picture"""
    b: Annotated[Positional[Path], arg(metavar="B", help_behavior_hint="")]
    """what it ends with"""
    steps: int = 7
    """steps from A to B, both ends included"""
    lerp: bool = False
    """go along straight lines in equal steps; else songs in steps of equal change, pictures along great circles"""

    def run(self) -> None:
        """Interpolate and write."""
        if not 2 <= self.steps <= MOST:
            raise ConfigError(f"--steps {self.steps}: ask for 2 (both ends) to {MOST}")
        name = f"{self.a.stem}_to_{self.b.stem}"
        model = self.suited([self.a, self.b])
        if model.preset.musical:
            self._songs(model, self.target(name, ".mid"))
        else:
            self._pictures(model, self.target(name, ".png"))

    def _songs(self, model: MusicModel, path: Path) -> None:
        self.planned(path, self.steps)
        how = self.decoding | self.hearing | self.told
        between = model.interpolate(self.a, self.b, self.steps, linear=self.lerp, **how)
        for file, sentences in zip((self.a, self.b), between.report, strict=True):
            self.report(file, sentences)
        first, last = between.originals
        steps = [
            (f"Step {i} of {len(between.songs)}", self._between(i), song) for i, song in enumerate(between.songs, 1)
        ]
        sections = [
            (f"A: {self.a.name}", "The original, as far as the model hears it.", first),
            *steps,
            (f"B: {self.b.name}", "The original, as far as the model hears it.", last),
        ]

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_interpolation

            save_interpolation(between.songs, png, between.originals, force, (self.a.stem, self.b.stem))

        plan = self.write_songs(path, between.song, between.songs, sections, picture)
        report = dict(zip("ab", between.report, strict=True))
        content = {"files": plan, "steps": self.steps, "seed": self.seed, "report": report}
        self.result(content, [*saved(plan), f"seed {self.seed}"])

    def _between(self, step: int) -> str:
        if step in (1, self.steps):
            return "What the model gives back of " + (self.a.name if step == 1 else self.b.name) + "."
        share = (step - 1) / (self.steps - 1)
        return f"{1 - share:.0%} {self.a.name}, {share:.0%} {self.b.name}."

    def _pictures(self, model: ImageModel, path: Path) -> None:
        from musicae.images.figures import strip

        self.refuse_existing([path])
        ends = [model.read(file) for file in (self.a, self.b)]
        for file, seen in zip((self.a, self.b), ends, strict=True):
            self.report(file, seen.report)
        steps = model.interpolate(*ends, self.steps, linear=self.lerp, label=self.label)
        plan = {"png": [save_picture(strip(steps), path, self.force)]}
        report = {name: list(seen.report) for name, seen in zip("ab", ends, strict=True)}
        self.result({"files": plan, "steps": self.steps, "report": report}, saved(plan))


if __name__ == "__main__":
    main(Interpolate, "interpolate")
