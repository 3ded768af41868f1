"""`python -m musicae.sample`: new clips, or a grid of new pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from musicae.cli.options import MOST, ConditioningOptions
from musicae.cli.outputs import SongOutputOptions, save_picture, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import safe_name


@dataclass(frozen=True)
class Sample(ConditioningOptions, SongOutputOptions):
    """New clips, one after another in one file (--split: each in its own as well), or a grid of new pictures.

    With --chords a clip is as long as these, with --hits as long as that song, in one style from beginning to end.
    """

    number: Annotated[int, arg(aliases=["-n"])] = 8
    """number of clips or pictures"""

    def run(self) -> None:
        """Sample and write."""
        if not 1 <= self.number <= MOST:
            raise ConfigError(f"-n {self.number}: ask for 1 to {MOST}")
        self.check_for([])
        name = f"{safe_name(self.preset.name)}_samples"
        if self.preset.musical:
            self._songs(self.target(name, ".mid"))
        else:
            self._pictures(self.target(name, ".png"))

    def _songs(self, path: Path) -> None:
        from musicae.music.song import Song

        self.check_plans([self.plan(path, self.number)])
        options = self.decoding | self.conditions
        model = self.load()
        blank = model.blank(**self.conditions)
        with self.progress(self.number, "sampling", "clips") as bar:
            clips = model.sample(self.number, **options, progress=bar.update)
        titles = [f"clip {i}" for i in range(1, len(clips) + 1)]
        sections = [(title.capitalize(), "", clip) for title, clip in zip(titles, clips, strict=True)]

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_piano_roll

            save_piano_roll(clips, png, force, titles)

        whole = Song.concatenate(clips, [blank.ticks] * len(clips))
        plan = self.write_songs(model, path, whole, clips, sections, picture)
        report = [*model.caveats, *blank.excerpt.report]
        self.report(path, report)
        content = {"files": plan, "clips": len(clips), "seed": self.seed, "report": report}
        self.result(content, [*saved(plan), f"seed {self.seed}"])

    def _pictures(self, path: Path) -> None:
        self.check_outputs([path])
        from musicae.images.figures import montage

        pictures = self.load().sample(self.number, self.seed, self.label)
        side = int(self.number**0.5 + 0.999)
        rows = [pictures[i : i + side] for i in range(0, len(pictures), side)]
        plan = {"png": [save_picture(montage(rows), path, self.force)]}
        self.result({"files": plan, "pictures": self.number, "seed": self.seed}, [*saved(plan), f"seed {self.seed}"])


if __name__ == "__main__":
    main(Sample, "sample")
