"""`python -m musicae.groove humanise|tap|fill FILE`: a drum part as a drummer plays it, from a score or from taps.

In Python, of any length, window by window:

    model = musicae.load("groove-2bar").for_task("humanise")
    played = model.reconstruct("beat.mid")
    played.song.save("played.mid")

The file is then corrupted as the performances were in training (`musicae.music.data.corruptions`): of a score the hits
are kept, of taps only their times, of a beat all but the hi-hat; the model restores the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Fixed, Positional, Suppress, arg

from musicae.cli.options import SelectionOptions
from musicae.cli.outputs import SongOutputOptions, saved
from musicae.cli.run import main
from musicae.errors import ConfigError
from musicae.files import name_of, title_of

if TYPE_CHECKING:
    from musicae.music.model import MusicModel
    from musicae.music.results import Reconstruction

# The word for the result, the model, and the setting of `GrooveCorruption` that models of the task are trained with.
TASKS = {
    "humanise": ("humanised", "groove-2bar", "humanise"),
    "tap": ("played", "groove-2bar", "tapify"),
    "fill": ("filled", "groovae_2bar_add_closed_hh", "add_instruments"),
}


@dataclass(frozen=True, kw_only=True)
class Groove(SelectionOptions, SongOutputOptions):
    """A drum part as a drummer plays it: how loud each hit is, how early or late, and which drums.

    humanise: from a score, or a part that is all on the grid or all equally loud. tap: from taps on any keys of any
    instrument, of which only the times count (clap, tap on a table, or play one key); between few taps, as those of a
    melody, the beat goes on. fill: the closed hi-hat is added to a beat. Tempo, metre and track name are kept; any
    length is played window by window.
    """

    task: Positional[Literal["humanise", "tap", "fill"]]
    """humanise, tap or fill"""
    file: Annotated[Positional[Path], arg(metavar="FILE", help_behavior_hint="")]
    """MIDI file (or ABC, MusicXML) with drums, or with taps"""
    model: str = "default"
    """name of a model that ships, or a folder that training wrote; "default" is the one for the task"""
    track: Annotated[str | None, arg(metavar="TRACK", help_behavior_hint="(default: all drums)")] = None
    """track to take: its number in the file, from 1, or part of its name"""
    top_p: Annotated[float, Fixed, Suppress] = 1.0  # of a hit or none there is nothing to cut off
    label: Annotated[int | None, Fixed, Suppress] = None  # is of pictures

    def run(self) -> None:
        """Play and write."""
        done, name, _ = TASKS[self.task]
        target = self.target(f"{name_of(self.file)}_{done}", ".mid")
        self.check_plans([self.plan(target, 1)])
        options = self.decoding | self.selection
        song = self.songs([self.file])[0]
        model = self._player(name)
        played = model.reconstruct(song, **options)
        self.report(self.file, [f"played by {model.name}", *played.report])
        titles = [f"{title_of(self.file)}, as it is", f"{done} by {model.name}"]
        songs = [played.original, played.song]
        sections = [(title[0].upper() + title[1:], "", song) for title, song in zip(titles, songs, strict=True)]

        def picture(png: Path, force: bool) -> None:
            from musicae.music.render.png import save_piano_roll

            save_piano_roll(songs, png, force, titles)

        plan = self.write_songs(model, target, played.song, [played.song], sections, picture)
        content = {"file": self.file, "model": model.name, "seed": self.seed, "files": plan, **played.figures}
        self.result({**content, "report": played.report}, [*saved(plan), self._kept(played)])

    def _player(self, name: str) -> MusicModel:
        """The model, if it is one for the task.

        Raises:
            ConfigError: it is not.
            CheckpointError: there is none.
        """
        from musicae.core.checkpoints import WEIGHTS
        from musicae.loading import PRETRAINED

        if self.model == "default":
            trained = Path("runs", name)
            own = (trained / WEIGHTS).exists() and not (PRETRAINED / name).exists()
            return replace(self, model=str(trained) if own else name)._player(name)
        self.check_for([self.file])
        model = self.load()
        try:
            return model.for_task(TASKS[self.task][2])
        except ConfigError:
            raise ConfigError(
                f"{model.name} was not trained to {self.task}: leave --model out, or try --model {name}"
            ) from None

    def _kept(self, played: Reconstruction) -> str:
        """A sentence on how many hits there are, and how many of the file's are among them."""
        notes = sum(len(track.notes) for track in played.song.tracks)
        shares = played.figures
        if self.task == "tap" or "hit_recall" not in shares:
            return f"{title_of(self.file)}: {notes} hits"
        return f"{title_of(self.file)}: {notes} hits; {shares['hit_recall']:.1%} of those in the file are among them"


if __name__ == "__main__":
    main(Groove, "groove")
