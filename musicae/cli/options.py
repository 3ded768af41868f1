"""Options that commands share, how they report what was done, and how files are named and written."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from musicae.errors import ConfigError, Error
from musicae.loading import DEFAULT
from musicae.music.options import requested_conditions

if TYPE_CHECKING:
    from PIL.Image import Image
    from tqdm import tqdm

    from musicae.images.model import ImageModel
    from musicae.music.model import MusicModel
    from musicae.music.song import Song

SOUND_IN_PAGE = 300.0  # seconds in one page, shared by its parts: 13 MB
MOST_SENTENCES = 8  # about one file
MOST = 10_000  # steps or clips
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

    def say(self, text: str) -> None:
        """A sentence on what was done to the user's files, on stderr."""
        if not self.quiet and is_first_process():
            print(" ".join(text.split()), file=sys.stderr)

    def progress(self, total: int, doing: str, unit: str) -> tqdm:
        """A bar on stderr, of a terminal only, where something takes longer than a moment."""
        from tqdm import tqdm

        hidden = self.quiet or not sys.stderr.isatty()
        return tqdm(total=total, desc=doing, unit=f" {unit}", disable=hidden, delay=SHOWN_AFTER, leave=False)

    def report(self, file: Path, sentences: Sequence[str]) -> None:
        """One line on what was taken from a file, and what was done to it."""
        more = len(sentences) - MOST_SENTENCES
        shown = [*sentences[:MOST_SENTENCES], *([f"and {more} more (--json has them all)"] if more > 0 else [])]
        if shown:
            self.say(f"{file.name}: {'; '.join(shown)}")

    def result(self, content: dict[str, Any], lines: Iterable[str]) -> None:
        """What came out, on stdout: `content` with --json, `lines` otherwise."""
        if not is_first_process():
            return
        if self.json:
            print(json.dumps(content, indent=2, ensure_ascii=False, default=str))
        elif not self.quiet:
            print("\n".join(lines))


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Command):
    """Options of commands that use a trained model."""

    model: str = DEFAULT
    """name of a model that ships, or a folder that training wrote"""
    device: str = "cpu"
    """where the model runs: cpu, cuda, mps"""
    seed: int = 0
    """seed of all random numbers; the same seed gives the same file"""

    def load(self) -> MusicModel | ImageModel:
        """The model."""
        from musicae.loading import load

        return load(self.model, self.device)

    def load_for(self, files: Iterable[Path]) -> MusicModel | ImageModel:
        """The model, if it is one for these files and for the options given.

        Raises:
            ConfigError: a picture for a model of music, or the reverse; says which model would do.
        """
        model = self.load()
        for file in files:
            kind = kind_of(file)
            if kind and (kind == "music") != model.preset.musical:
                raise ConfigError(
                    f"{file} is {_KINDS[kind]}, and {model.name} is not a model of {kind}: {_advice(kind)}"
                )
        self._refuse(model, OF_PICTURES if model.preset.musical else OF_MUSIC)
        return model

    def _refuse(self, model: MusicModel | ImageModel, options: Iterable[str]) -> None:
        """Refuse options for models of the other kind that were given, and not as their defaults."""
        defaults = {field.name: field.default for field in fields(self)}
        for option in options:
            if option in defaults and getattr(self, option) != defaults[option]:
                raise ConfigError(wrong_kind(option, model))


@dataclass(frozen=True, kw_only=True)
class DecodingOptions(ModelOptions):
    """Options of commands that decode."""

    temperature: float = 0.0
    """0 takes the most probable value each time (greedy), 1 samples from the model's probabilities, more is wilder"""
    top_p: float = 1.0
    """sample only from the most probable values that together reach this probability"""
    label: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: none)")] = None
    """for a model of pictures that is conditioned on classes: the class to make, from 0"""

    @property
    def decoding(self) -> dict[str, Any]:
        """The arguments of the same names of a music model's verbs."""
        return {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}


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

    @property
    def conditions(self) -> dict[str, Any]:
        """The arguments of the same names of a music model's verbs."""
        return {"chords": self.chords, "key": self.key, "hits": self.hits}

    def load_for(self, files: Iterable[Path]) -> MusicModel | ImageModel:
        """See `ModelOptions.load_for`.

        Raises:
            ConfigError: also if the model is not conditioned on something that is given.
        """
        model = super().load_for(files)
        if model.preset.musical:
            requested_conditions(model.name, model.representation.conditioning.names, self.conditions, "--")
        return model


@dataclass(frozen=True, kw_only=True)
class SelectionOptions(DecodingOptions):
    """Options of commands that take songs."""

    track: Annotated[str | None, arg(metavar="TRACK", help_behavior_hint="(default: the melody)")] = None
    """track to take: its number in the file, from 1, or part of its name"""
    bars: Annotated[str | None, arg(metavar="FIRST-LAST", help_behavior_hint="(default: all)")] = None
    """bars to take, e.g. 5-12"""

    @property
    def selection(self) -> dict[str, Any]:
        """`track` and `bars` as a music model's verbs take them.

        Raises:
            ConfigError: bars that are not two numbers.
        """
        if self.bars is None:
            return {"track": self.track, "bars": None}
        numbers = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", self.bars)
        if not numbers:
            raise ConfigError(f"--bars {self.bars}: give first and last bar, e.g. 5-12")
        first = int(numbers[1])
        return {"track": self.track, "bars": (first, int(numbers[2] or first))}


@dataclass(frozen=True, kw_only=True)
class OutputOptions(Command):
    """Options of commands that write files."""

    out: Annotated[str | None, arg(metavar="PATH", help_behavior_hint="(default: named after the input)")] = None
    """file to write, or folder to write it to"""
    force: bool = False
    """overwrite existing files"""

    def target(self, name: str, suffix: str) -> Path:
        """`--out`, or NAME with a suffix in the folder that `--out` is, or here; a name without the suffix gets it."""
        path = Path(self.out or "")
        if path.is_dir() or str(self.out).endswith(("/", os.sep)):
            return path / f"{name}{suffix}"
        return path if path.suffix.lower() in (suffix, f"{suffix}i") else path.with_name(f"{path.name}{suffix}")

    def refuse_existing(self, paths: Iterable[Path]) -> None:
        """Find out before the work that a file would be overwritten.

        Raises:
            Error: one exists and --force is off.
        """
        for path in paths:
            if path.exists() and not self.force:
                raise Error(f"{path} exists: choose another name with --out, or overwrite it with --force")


@dataclass(frozen=True, kw_only=True)
class SongOutputOptions(OutputOptions):
    """Options of commands that write music."""

    split: bool = False
    """write each step or clip as a file of its own as well"""
    wav: bool = False
    """write the sound as well"""
    png: bool = False
    """write a picture of the piano roll as well"""
    html: bool = False
    """write a page to see and hear as well"""

    def targets(self, names: Sequence[str], suffix: str) -> list[Path]:
        """As `target` for several files, which `--out` can only be the folder of; all different.

        Raises:
            ConfigError: two would be one.
        """
        if len(names) == 1:
            return [self.target(names[0], suffix)]
        paths = [Path(self.out or "", f"{name}{suffix}") for name in names]
        for path in paths:
            if paths.count(path) > 1:
                raise ConfigError(
                    f"{path} cannot hold the results of two files of one name: do one after the other, with --out"
                )
        return paths

    def planned(self, path: Path, parts: int) -> dict[str, list[Path]]:
        """The files that will be written, by kind; refused if one of them exists."""
        plan = {"midi": [path]}
        if self.split:
            plan["parts"] = [path.with_stem(f"{path.stem}_{i}of{parts}") for i in range(1, parts + 1)]
        for kind in ("wav", "png", "html"):
            if getattr(self, kind):
                plan[kind] = [path.with_suffix(f".{kind}")]
        self.refuse_existing(p for paths in plan.values() for p in paths)
        return plan

    def write_songs(
        self, path: Path, whole: Song, parts: list[Song], sections: list[tuple[str, str, Song]], picture: Callable
    ) -> dict[str, list[Path]]:
        """Write the files that the options ask for, and say so if the song is silent.

        Args:
            path: the MIDI file.
            whole: its content.
            parts: the steps or clips.
            sections: of the page: heading, note, song.
            picture: called with a path and `force` to write the PNG.

        Returns:
            The paths, by kind.
        """
        plan = self.planned(path, len(parts))
        whole.save(path, force=self.force)
        if not any(len(track.notes) for track in whole.tracks):
            self.say(f"{path.name}: silence, no note in it; draw at --temperature 1, or train the model longer")
        for part, target in zip(parts, plan.get("parts", ()), strict=False):
            part.save(target, force=self.force)
        if self.wav:
            from musicae.files import write_atomically
            from musicae.music.render.audio import render

            write_atomically(plan["wav"][0], render(whole), self.force)
        if self.png:
            picture(plan["png"][0], self.force)
        if self.html:
            from musicae.music.render.html import save_page

            save_page(plan["html"][0], path.stem, sections, self.force, longest=SOUND_IN_PAGE / len(sections))
        return plan


OF_MUSIC = ("temperature", "top_p", "bars", "track", "chords", "key", "hits", "more", "less", "split", "wav", "html")
OF_PICTURES = ("label",)
_KINDS = {"music": "a MIDI file", "pictures": "a picture"}
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")


def kind_of(file: Path) -> str | None:
    """What a file is by its first bytes: music, pictures, or None for what is neither MIDI nor a usual picture."""
    try:
        with file.open("rb") as opened:
            start = opened.read(32)
    except (OSError, ValueError):
        return None
    if start[:4] == b"MThd" or start[8:12] == b"RMID":
        return "music"
    return "pictures" if start.startswith(_PICTURES) or start[8:12] == b"WEBP" else None


def wrong_kind(option: str, model: MusicModel | ImageModel) -> str:
    """The error for an option that is for models of the other kind."""
    own, other = ("music", "pictures") if model.preset.musical else ("pictures", "music")
    name = option.replace("_", "-")
    return f"--{name} is for {other}, and {model.name} is a model of {own}: leave it out"


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


def is_first_process() -> bool:
    """Whether this is the only process, or the one of several that prints (`torchrun`, `accelerate launch`)."""
    return os.environ.get("RANK", "0") == "0"


def save_picture(image: Image, path: Path, force: bool) -> Path:
    """Write a picture as PNG."""
    from musicae.images.figures import save

    return save(image, path, force)


def saved(plan: dict[str, list[Path]]) -> list[str]:
    """A line for each file that was written; many parts in one."""
    lines = [f"saved {path}" for kind, paths in plan.items() if kind != "parts" for path in paths]
    parts = plan.get("parts", [])
    return lines + ([f"saved {parts[0]} to {parts[-1].name}"] if parts else [])
