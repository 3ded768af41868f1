"""Options that commands share, and how they report what was done."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from musicae.cli.console import as_json, escaped, one_line
from musicae.core.processes import is_first
from musicae.errors import ConfigError, FileError
from musicae.files import STDIN, open_file, title_of
from musicae.loading import DEFAULT
from musicae.music.options import Decoding, requested_conditions

if TYPE_CHECKING:
    from tqdm import tqdm

    from musicae.images.model import ImageModel
    from musicae.music.model import MusicModel
    from musicae.music.song import Song
    from musicae.presets import Preset

MOST_SENTENCES = 8  # about one file
MOST = 10_000  # steps or variations
HELD = 16  # songs that are read before the model; of more each is read again when it is its turn
SHOWN_AFTER = 2.0  # seconds: what takes less needs no progress bar


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of every command."""

    json: bool = False
    """print one JSON object instead of sentences"""
    quiet: bool = False
    """print nothing but errors"""
    debug: bool = False
    """show the whole traceback of an error"""

    def run(self) -> None:
        """Do it."""
        raise NotImplementedError

    @cached_property
    def inputs(self) -> list[Path]:
        """The files that are read."""
        values = (getattr(self, field.name) for field in fields(self) if field.name != "out")
        listed = (value if isinstance(value, tuple) else (value,) for value in values)
        return [path for paths in listed for path in paths if isinstance(path, Path)]

    def check(self) -> None:
        """Refuse what cannot be, before anything is loaded.

        Raises:
            ConfigError: the standard input is to be two files, or files are to be written to the standard output.
        """
        if self.inputs.count(Path(STDIN)) > 1:
            raise ConfigError("- is the standard input, which can be read once: give a file for the other")
        if str(getattr(self, "out", None)) == STDIN:
            raise ConfigError("--out -: name a file or a folder; nothing is written to the standard output")

    def say(self, text: str) -> None:
        """A sentence on what was done to the user's files, on stderr."""
        if not self.quiet and is_first():
            print(one_line(text), file=sys.stderr)

    def progress(self, total: int, doing: str, unit: str) -> tqdm:
        """A bar on stderr, of a terminal only, where something takes longer than a moment."""
        from tqdm import tqdm

        hidden = self.quiet or not sys.stderr.isatty()
        return tqdm(total=total, desc=one_line(doing), unit=f" {unit}", disable=hidden, delay=SHOWN_AFTER, leave=False)

    def report(self, file: Path, sentences: Sequence[str]) -> None:
        """One line on what was taken from a file, and what was done to it."""
        more = len(sentences) - MOST_SENTENCES
        shown = [*sentences[:MOST_SENTENCES], *([f"and {more} more (--json has them all)"] if more > 0 else [])]
        if shown:
            self.say(f"{title_of(file)}: {'; '.join(shown)}")

    def result(self, content: dict[str, Any], lines: Iterable[str]) -> None:
        """What came out, on stdout: `content` with --json, `lines` otherwise."""
        if not is_first():
            return
        if self.json:
            print(as_json(content))
        elif not self.quiet:
            print(escaped("\n".join(lines)))


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Command):
    """Options of commands that use a trained model."""

    model: str = DEFAULT
    """name of a model that ships, or a folder that training wrote"""
    device: str = "cpu"
    """where the model runs: cpu, cuda, mps"""
    seed: int = 0
    """seed of all random numbers; the same seed gives the same file"""

    @cached_property
    def preset(self) -> Preset:
        """The settings of the model."""
        from musicae.loading import find, read_preset

        return read_preset(find(self.model))

    def load(self) -> MusicModel | ImageModel:
        """The model."""
        from musicae.loading import load

        return load(self.model, self.device)

    def check_for(self, files: Iterable[Path]) -> None:
        """Refuse files and options that the model is not for, before it is loaded.

        Raises:
            ConfigError: a picture for a model of music, or the reverse; says which model would do.
        """
        defaults = {field.name: field.default for field in fields(self)}
        for option in OF_PICTURES if self.preset.musical else OF_MUSIC:
            if option in defaults and getattr(self, option) != defaults[option]:
                raise ConfigError(wrong_kind(option, self.preset))
        for file in files:
            kind = kind_of(file)
            if kind and (kind == "music") != self.preset.musical:
                raise ConfigError(
                    f"{file} is {_KINDS[kind]}, and {self.preset.name} is not a model of {kind}: {_advice(kind)}"
                )

    def songs(self, files: Sequence[Path]) -> list[Song | Path]:
        """The songs of files, before the model is loaded: one that cannot be read is refused at once.

        Of many files they are the paths, but for the standard input, which cannot be read again.
        """
        from musicae.music.song import Song

        held = len(files) <= HELD
        return [song if held or str(file) == STDIN else file for file in files for song in [Song.read(file)]]


@dataclass(frozen=True, kw_only=True)
class DecodingOptions(ModelOptions):
    """Options of commands that decode."""

    temperature: float = 0.0
    """0 takes the most probable value each time (greedy), 1 samples from the model's probabilities, more is wilder"""
    top_p: float = 1.0
    """sample only from the most probable values that together reach this probability"""
    tempo: Annotated[float | None, arg(metavar="BPM", help_behavior_hint="(default: the song's own, or 120)")] = None
    """tempo of the result, in quarter notes a minute; where beats are found in the notes (--beats), about this many a
    minute are looked for"""
    label: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: none)")] = None
    """for a model of pictures that is conditioned on classes: the class to make, from 0"""

    @property
    def decoding(self) -> dict[str, Any]:
        """The arguments of the same names of a music model's verbs.

        Raises:
            ConfigError: one is out of range.
        """
        options = vars(Decoding(self.temperature, self.top_p, self.seed))
        return options | ({} if self.tempo is None else {"tempo": self.tempo})


@dataclass(frozen=True, kw_only=True)
class ConditioningOptions(DecodingOptions):
    """Options of commands whose model may be conditioned on more than its latent vectors."""

    chords: Annotated[str | None, arg(metavar="SYMBOLS", help_behavior_hint="(default: the song's own, or none)")] = (
        None
    )
    """for a model that follows chords: one a bar, repeated to the end, e.g. "Dm F Am G"; N.C. is no chord"""
    key: Annotated[str | None, arg(metavar="KEY", help_behavior_hint="(default: the song's own, or none)")] = None
    """for a model that follows a key, e.g. Am"""
    hits: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: the song's own, or none)")] = None
    """for a model that plays given drum hits: a song whose hits are to be played, in its tempo and metre"""

    @cached_property
    def conditions(self) -> dict[str, Any]:
        """The arguments of the same names of a music model's verbs."""
        return {"chords": self.chords, "key": self.key, "hits": self.songs([self.hits])[0] if self.hits else None}

    def check_for(self, files: Iterable[Path]) -> None:
        """See `ModelOptions.check_for`.

        Raises:
            ConfigError: also if the model is not conditioned on something that is given.
        """
        super().check_for(files)
        if self.preset.musical:
            requested = {"chords": self.chords, "key": self.key, "hits": self.hits}
            requested_conditions(self.preset.name, self.preset.conditioning.names, requested, "--")


@dataclass(frozen=True, kw_only=True)
class SelectionOptions(DecodingOptions):
    """Options of commands that take songs."""

    track: Annotated[str | None, arg(metavar="TRACK", help_behavior_hint="(default: the melody)")] = None
    """track to take: its number in the file, from 1, or part of its name"""
    bars: Annotated[str | None, arg(metavar="FIRST-LAST", help_behavior_hint="(default: all)")] = None
    """bars to take, e.g. 5-12"""
    beats: bool = False
    """find the beats and bars in the notes; done by default where these do not keep to the beat of the file, as in a
    recording without a click"""
    no_beats: bool = False
    """keep the beats and bars of the file in any case"""

    @property
    def selection(self) -> dict[str, Any]:
        """`track`, `bars` and `beats` as a music model's verbs take them.

        Raises:
            ConfigError: bars that are not two numbers; both --beats and --no-beats.
        """
        if self.beats and self.no_beats:
            raise ConfigError("--beats and --no-beats exclude each other: leave one out")
        beats = True if self.beats else False if self.no_beats else None
        return {"track": self.track, "bars": self._bars, "beats": beats}

    @property
    def _bars(self) -> tuple[int, int] | None:
        if self.bars is None:
            return None
        numbers = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", self.bars)
        if not numbers:
            raise ConfigError(f"--bars {self.bars}: give first and last bar, e.g. 5-12")
        first = int(numbers[1])
        return first, int(numbers[2] or first)


OF_MUSIC = (
    *("temperature", "top_p", "tempo", "bars", "track", "beats", "no_beats", "chords", "key", "hits", "more", "less"),
    *("keys", "split", "wav", "html"),
)
OF_PICTURES = ("label",)
_KINDS = {"music": "a MIDI file", "pictures": "a picture"}
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def kind_of(file: Path) -> str | None:
    """What a file is by its first bytes: music, pictures, or None for what is neither MIDI nor a usual picture."""
    if str(file) == STDIN:
        start = sys.stdin.buffer.peek(32) if hasattr(sys.stdin.buffer, "peek") else b""
    else:
        try:
            with open_file(file) as opened:
                start = opened.read(32)
        except (FileError, OSError):  # whoever reads it says so
            return None
    if start[:4] == b"MThd" or start[8:12] == b"RMID":
        return "music"
    return "pictures" if start.startswith(_PICTURES) or start[8:12] == b"WEBP" else None


def wrong_kind(option: str, preset: Preset) -> str:
    """The error for an option that is for models of the other kind."""
    own, other = ("music", "pictures") if preset.musical else ("pictures", "music")
    name = option.replace("_", "-")
    return f"--{name} is for {other}, and {preset.name} is a model of {own}: leave it out"


def _advice(kind: str) -> str:
    """How to get at a model of music or of pictures."""
    from musicae.loading import presets_here
    from musicae.presets import PRESETS

    musical = kind == "music"
    names = [name for name, preset in presets_here().items() if preset.musical == musical]
    if names:
        return f"choose {' or '.join(names)} with --model"
    able = [preset.name for preset in PRESETS.values() if preset.musical == musical and preset.data]
    return f"train one first, e.g. with python -m musicae.train {able[0]}"
