"""`python -m musicae.reconstruct FILES`: songs or pictures encoded and decoded again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from musicae.cli.options import ConditioningOptions, SelectionOptions
from musicae.cli.outputs import SongOutputOptions, save_picture, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import name_of, title_of, together

if TYPE_CHECKING:
    from musicae.music.model import MusicModel
    from musicae.music.results import Reconstruction


@dataclass(frozen=True)
class Reconstruct(ConditioningOptions, SelectionOptions, SongOutputOptions):
    """Encode songs (or pictures) and decode them again, and say how much of each is kept.

    With --chords or --key, each song as it would be over these; with --hits, these hits played as each song is.
    """

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILES", help_behavior_hint="(required)")]
    """MIDI files (or ABC, MusicXML), or pictures"""

    def run(self) -> None:
        """Reconstruct and write."""
        if not self.files:
            raise ConfigError("no files given: name at least one")
        self.check_for(self.files)
        if self.preset.musical:
            self._songs()
        else:
            self._pictures()

    def _songs(self) -> None:
        targets = self.targets([f"{name_of(file)}_reconstructed" for file in self.files], ".mid")
        self.check_plans(self.plan(target, 1) for target in targets)
        options = self.decoding | self.selection | self.conditions
        songs = self.songs(self.files)
        model = self.load()
        with together():
            done = [
                self._song(model, model.reconstruct(song, **options), file, target)
                for song, file, target in zip(songs, self.files, targets, strict=True)
            ]
        content = {"seed": self.seed, "songs": [content for content, _ in done]}
        self.result(content, [line for _, lines in done for line in lines])

    def _song(self, model: MusicModel, done: Reconstruction, file: Path, target: Path) -> tuple[dict, list[str]]:
        """Write a song; the content and the lines of the result."""
        self.report(file, done.report)
        both = [done.original, done.song]
        titles = [f"{title_of(self.hits or file)}, as the model represents it", "the model's reconstruction"]
        sections = [(title[0].upper() + title[1:], "", song) for title, song in zip(titles, both, strict=True)]

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_piano_roll

            save_piano_roll(both, png, force, titles)

        plan = self.write_songs(model, target, done.song, [done.song], sections, picture)
        content = {"file": file, "files": plan, **done.figures, "report": done.report}
        shares = [f"{text} {done.figures[name]:.1%}" for name, text in FIGURES.items() if name in done.figures]
        return content, [*saved(plan), *([f"{title_of(file)}: {', '.join(shares)}"] if shares else ())]

    def _pictures(self) -> None:
        path = self.target(f"{name_of(self.files[0])}_reconstructed", ".png")
        self.check_outputs([path])
        import numpy as np

        from musicae.images.figures import reconstructions
        from musicae.images.pictures import ReadPicture, to_image

        model = self.load()
        seen = [model.read(file) for file in self.files]
        for file, one in zip(self.files, seen, strict=True):
            self.report(file, one.report)
        array = np.concatenate([one.array for one in seen])
        image = reconstructions([to_image(one) for one in array], model.reconstruct(ReadPicture(array), self.label))
        plan = {"png": [save_picture(image, path, self.force)]}
        self.result({"files": plan}, saved(plan))


FIGURES = {
    "note_accuracy": "notes right",
    "step_accuracy": "steps right",
    "onset_f1": "onset F1",
    "whole_windows": "windows wholly right",
}


if __name__ == "__main__":
    main(Reconstruct, "reconstruct")
