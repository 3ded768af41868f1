"""`python -m musicae.sample`: new clips, or a grid of new pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from musicae.cli.options import MOST, ConditioningOptions
from musicae.cli.outputs import SongOutputOptions, save_picture, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import safe_name, together

if TYPE_CHECKING:
    from musicae.music.model import MusicModel
    from musicae.music.song import Song

MOST_CLIPS = 10_000_000
CLIPS_IN_FILE = 1000  # about as many as a file may have that is to be read again


@dataclass(frozen=True)
class Sample(ConditioningOptions, SongOutputOptions):
    """New clips, one after another in one file (--split: each in its own as well), or a grid of new pictures.

    More than 1,000 clips, or fewer long ones, go to several files, NAME_1-1000 and so on.

    With --chords a clip is as long as these, with --hits as long as that song, in one style from beginning to end.
    """

    number: Annotated[int, arg(aliases=["-n"])] = 8
    """number of clips or pictures"""

    def run(self) -> None:
        """Sample and write."""
        most = MOST_CLIPS if self.preset.musical else MOST
        if not 1 <= self.number <= most:
            raise ConfigError(f"-n {self.number}: ask for 1 to {most}")
        self.check_for([])
        name = f"{safe_name(self.preset.name)}_samples"
        if self.preset.musical:
            self._songs(self.target(name, ".mid"))
        else:
            self._pictures(self.target(name, ".png"))

    def _songs(self, path: Path) -> None:
        options = self.decoding | self.conditions
        most = self._most_in_a_file()
        self.check_plans(self.plan(file, count) for file, _, count in self._files(path, most))
        model = self.load()
        blank = model.blank(**self.conditions)
        plan: dict[str, list[Path]] = {}
        with self.progress(self.number, "sampling", "clips") as bar, together():
            clips = model.samples(self.number, **options, progress=bar.update)
            for file, first, count in self._files(path, most):
                written = self._write(model, file, first, list(islice(clips, count)), blank.ticks)
                for kind, paths in written.items():
                    plan.setdefault(kind, []).extend(paths)
        report = [*model.caveats, *blank.excerpt.report]
        self.report(path, report)
        content = {"files": plan, "clips": self.number, "seed": self.seed, "report": report}
        self.result(content, [*saved(plan), f"seed {self.seed}"])

    def _most_in_a_file(self) -> int:
        """How many clips a file may have to be read again: the beats of all of them are limited."""
        from musicae.music.formats.draft import MOST_QUARTERS
        from musicae.music.theory.chords import parse

        representation, hits = self.preset.representation, self.conditions["hits"]
        beats = representation.steps / representation.steps_per_quarter
        if self.chords:
            beats = max(beats, 4 * len(parse(self.chords)))
        if hits:
            beats += hits.bars_end / hits.ticks_per_quarter
        return max(min(CLIPS_IN_FILE, int(MOST_QUARTERS / beats)), 1)

    def _files(self, path: Path, most: int) -> Iterator[tuple[Path, int, int]]:
        """The files that the clips go to, so many in each at most, with the number of the first clip and how many."""
        for first in range(1, self.number + 1, most):
            count = min(most, self.number + 1 - first)
            alone = self.number <= most
            yield path if alone else path.with_stem(f"{path.stem}_{first}-{first + count - 1}"), first, count

    def _write(self, model: MusicModel, path: Path, first: int, clips: list[Song], ticks: int) -> dict[str, list[Path]]:
        """Write clips, each so many ticks long, to the files of one MIDI file; the paths by kind."""
        from musicae.music.song import Song

        titles = [f"clip {i}" for i in range(first, first + len(clips))]
        sections = [(title.capitalize(), "", clip) for title, clip in zip(titles, clips, strict=True)]

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_piano_roll

            save_piano_roll(clips, png, force, titles)

        whole = Song.concatenate(clips, [ticks] * len(clips))
        return self.write_songs(model, path, whole, clips, sections, picture)

    def _pictures(self, path: Path) -> None:
        self.check_outputs([path])
        from musicae.images.figures import montage

        model = self.load()
        self.report(path, model.caveats)
        pictures = model.sample(self.number, self.seed, self.label)
        side = int(self.number**0.5 + 0.999)
        rows = [pictures[i : i + side] for i in range(0, len(pictures), side)]
        plan = {"png": [save_picture(montage(rows), path, self.force)]}
        self.result({"files": plan, "pictures": self.number, "seed": self.seed}, [*saved(plan), f"seed {self.seed}"])


if __name__ == "__main__":
    main(Sample, "sample")
