"""`python -m musicae.vary song.mid --more density=1.5`: variations of a song or a picture, or a song with more of
something."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, UseAppendAction, arg

from musicae.cli.options import MOST, ConditioningOptions, SelectionOptions
from musicae.cli.outputs import SongOutputOptions, save_picture, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import name_of, title_of

if TYPE_CHECKING:
    from musicae.music.results import Variations


@dataclass(frozen=True)
class Vary(ConditioningOptions, SelectionOptions, SongOutputOptions):
    """Variations of a song, one after another in one file (--split: each in its own as well), or of a picture.

    With --more or --less they change in equal steps, and the last one by the whole amount; with --strength as well, all
    of them change by the whole amount and vary at random. 1 is one standard deviation over songs; more or less register
    transposes.
    """

    file: Annotated[Positional[Path], arg(metavar="FILE", help_behavior_hint="")]
    """file to vary: MIDI (or ABC, MusicXML), or a picture"""
    more: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="ATTRIBUTE=AMOUNT")] = ()
    """attribute to increase, e.g. density=1.5; may be given several times. docs/steering.md lists the attributes"""
    less: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="ATTRIBUTE=AMOUNT")] = ()
    """attribute to decrease, e.g. syncopation=0.5"""
    number: Annotated[int, arg(aliases=["-n"])] = 4
    """number of variations"""
    strength: Annotated[
        float | None, arg(metavar="FLOAT", help_behavior_hint="(default: as much as leaves 3 notes of 4)")
    ] = None
    """how much they vary at random: 0 is not at all (as with --more), 1 is something else entirely"""

    def run(self) -> None:
        """Vary and write."""
        if not 1 <= self.number <= MOST:
            raise ConfigError(f"-n {self.number}: ask for 1 to {MOST}")
        self.check_for([self.file])
        name = f"{name_of(self.file)}_varied"
        if self.preset.musical:
            self._songs(self.target(name, ".mid"))
        else:
            self._pictures(self.target(name, ".png"))

    def _songs(self, path: Path) -> None:
        from musicae.music.song import Song

        self.check_plans([self.plan(path, self.number)])
        amounts = {"more": parsed("more", self.more), "less": parsed("less", self.less)}
        options = self.decoding | self.selection | self.conditions
        song = self.songs([self.file])[0]
        model = self.load()
        varied = model.vary(song, self.number, strength=self.strength, **amounts, **options)
        self.report(self.file, varied.report)
        songs = [varied.original, *varied]
        titles = [
            f"{title_of(self.file)}, as the model represents it",
            *(f"variation {i}" for i in range(1, len(songs))),
        ]
        lines = [self._line(varied, i) for i in range(len(varied))]
        notes = ["", *(line.partition(": ")[2] for line in lines)]
        sections = [(title[0].upper() + title[1:], *rest) for title, *rest in zip(titles, notes, songs, strict=True)]

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_piano_roll

            save_piano_roll(songs, png, force, titles)

        whole = Song.concatenate(varied.songs, [varied.ticks] * len(varied))
        plan = self.write_songs(model, path, whole, varied.songs, sections, picture)
        clips = [
            {"kept": kept, "attributes": defined(after)} for kept, after in zip(varied.kept, varied.after, strict=True)
        ]
        content = {"files": plan, "seed": self.seed, "before": defined(varied.before), "variations": clips}
        self.result({**content, "report": varied.report}, [*saved(plan), *lines, f"seed {self.seed}"])

    def _line(self, varied: Variations, i: int) -> str:
        """A line on one variation: the share of notes kept, and the requested attributes before and after."""
        changes = (f"{name} {varied.before[name]:.2f} -> {varied.after[i][name]:.2f}" for name in varied.requested)
        moved = [f"{varied.semitones[i]:+d} semitones"] if varied.semitones[i] else []
        return f"variation {i + 1}: {', '.join([f'{varied.kept[i]:.0%} of the notes kept', *moved, *changes])}"

    def _pictures(self, path: Path) -> None:
        self.check_outputs([path])
        from musicae.images.figures import strip

        model = self.load()
        seen = model.read(self.file)
        self.report(self.file, seen.report)
        strength = {} if self.strength is None else {"strength": self.strength}
        pictures = model.vary(seen, self.number, seed=self.seed, label=self.label, **strength)
        plan = {"png": [save_picture(strip(pictures), path, self.force)]}
        self.result({"files": plan, "seed": self.seed}, [*saved(plan), f"seed {self.seed}"])


def parsed(option: str, amounts: tuple[str, ...]) -> dict[str, float]:
    """`"density=1.5"` and the like as amounts by name; without a number 1.

    Raises:
        ConfigError: what stands after the = is no number.
    """
    found = {}
    for text in amounts:
        name, _, amount = text.partition("=")
        try:
            found[name] = float(amount or 1)
        except ValueError:
            raise ConfigError(f"--{option} {text}: give a name and a number, e.g. density=1.5") from None
    return found


def defined(attributes: dict[str, float]) -> dict[str, float | None]:
    """Attributes for JSON: null where one is undefined."""
    return {name: None if math.isnan(value) else value for name, value in attributes.items()}


if __name__ == "__main__":
    main(Vary, "vary")
