"""How commands name files, and write all of them or none."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from musicae.cli.options import Command
from musicae.errors import ConfigError, Error
from musicae.files import check_target, identities, refuse_input, together, write_atomically

if TYPE_CHECKING:
    from PIL.Image import Image

    from musicae.music.model import MusicModel
    from musicae.music.song import Song

LONG = 600.0  # seconds of music in one file: more is worth a word
SOUND_IN_PAGE = 300.0  # seconds in one page, shared by its parts: 13 MB
FORMAT = re.compile(r"\.(?!v\d)[a-z][a-z0-9]{1,4}|\.musicxml")  # what a suffix looks like, unlike .v2 and .3
LONGEST_NAME = 220  # bytes; file systems have 255, and parts get numbers


@dataclass(frozen=True, kw_only=True)
class OutputOptions(Command):
    """Options of commands that write files."""

    out: Annotated[str | None, arg(metavar="PATH", help_behavior_hint="(default: named after the input)")] = None
    """file to write, or folder to write it to"""
    force: bool = False
    """overwrite existing files"""

    @property
    def companions(self) -> tuple[str, ...]:
        """Suffixes of `--out` that ask for a file of another kind beside the first."""
        return ()

    def target(self, name: str, suffix: str) -> Path:
        """`--out`, or NAME with a suffix in the folder that `--out` is, or here; a name without the suffix gets it.

        Raises:
            ConfigError: `--out` is a device, or asks for a format that is not written.
        """
        path = Path(self.out or "")
        if path.is_dir() or str(self.out).endswith(("/", os.sep)):
            return path / file_name(name, suffix)
        found = path.suffix.lower()
        if found in ((".mid", ".midi") if suffix == ".mid" else (suffix,)):
            return path
        _refuse_device(path)
        if found in self.companions and suffix == ".mid":
            return path.with_suffix(suffix)
        if FORMAT.fullmatch(found):
            kinds = f"{suffix}, or {', '.join(self.companions)} beside it" if suffix == ".mid" else suffix
            raise ConfigError(f"--out {self.out}: {found} is not written; what is written is {kinds}")
        return path.with_name(f"{path.name}{suffix}")

    def check_outputs(self, paths: Iterable[Path]) -> None:
        """Find out before the work that a file could not be written.

        Raises:
            Error: one exists and --force is off; one is an input; or see `musicae.files.check_target`.
        """
        inputs = identities(self.inputs)
        for path in paths:
            if os.path.lexists(path) and not self.force:
                raise Error(f"{path} exists: choose another name with --out, or overwrite it with --force")
            check_target(path, self.force)
            refuse_input(path, inputs)


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

    @property
    def companions(self) -> tuple[str, ...]:
        """See `OutputOptions.companions`."""
        return (".wav", ".png", ".html")

    def targets(self, names: Sequence[str], suffix: str) -> list[Path]:
        """As `target` for several files, which `--out` can only be the folder of; all different.

        Raises:
            ConfigError: two would be one, or `--out` is a file.
        """
        if len(names) == 1:
            return [self.target(names[0], suffix)]
        folder = Path(self.out or "")
        refuse_file(folder)
        paths: dict[Path, None] = {}
        for path in (folder / file_name(name, suffix) for name in names):
            if path in paths:
                raise ConfigError(
                    f"{path} cannot hold the results of two files of one name: do one after the other, with --out"
                )
            paths[path] = None
        return list(paths)

    def plan(self, path: Path, parts: int) -> dict[str, list[Path]]:
        """The files that will be written, by kind."""
        plan = {"midi": [path]}
        if self.split:
            plan["parts"] = [path.with_stem(f"{path.stem}_{i}of{parts}") for i in range(1, parts + 1)]
        for kind in ("wav", "png", "html"):
            if getattr(self, kind) or (self.out or "").lower().endswith(f".{kind}"):
                plan[kind] = [path.with_suffix(f".{kind}")]
        return plan

    def check_plans(self, plans: Iterable[dict[str, list[Path]]]) -> None:
        """As `check_outputs`, of all that several plans have."""
        self.check_outputs(path for plan in plans for paths in plan.values() for path in paths)

    def write_songs(
        self,
        model: MusicModel,
        path: Path,
        whole: Song,
        parts: list[Song],
        sections: list[tuple],
        picture: Callable,
    ) -> dict[str, list[Path]]:
        """Write the files that the options ask for, all or none, and say so if songs are silent, or very long together.

        Args:
            model: what they come from.
            path: the MIDI file.
            whole: its content.
            parts: the steps or clips.
            sections: of the page: see `html.page`.
            picture: called with a path and `force` to write the PNG.

        Returns:
            The paths, by kind.
        """
        plan = self.plan(path, len(parts))
        self._say_if_silent(model, path, parts)
        self._say_if_long(path, whole, len(parts))
        with together():
            whole.save(path, force=self.force)
            for part, target in zip(parts, plan.get("parts", ()), strict=False):
                part.save(target, force=self.force)
            if "wav" in plan:
                self._write_wav(plan["wav"][0], whole)
            if "png" in plan:
                picture(plan["png"][0], self.force)
            if "html" in plan:
                from musicae.music.render.html import save_page

                save_page(plan["html"][0], path.stem, sections, self.force, longest=SOUND_IN_PAGE / len(sections))
        return plan

    def _say_if_long(self, path: Path, whole: Song, parts: int) -> None:
        """A sentence on how long several parts are together, where nobody would expect it."""
        from musicae.music.render.audio import clock

        if parts > 1 and whole.seconds > LONG:
            self.say(f"{path.name} lasts {clock(whole.seconds)}: {parts} parts of about {clock(whole.seconds / parts)}")

    def _write_wav(self, path: Path, song: Song) -> None:
        """Write the sound of a song, and say where it stops if the song is too long."""
        from musicae.music.render.audio import LONGEST, left_out, render

        write_atomically(path, render(song, seconds=LONGEST), self.force)
        if missing := left_out(song, LONGEST):
            self.say(f"{path.name}: {missing}")

    def _say_if_silent(self, model: MusicModel, path: Path, parts: list[Song]) -> None:
        """A sentence on how much is silence, and why it probably is."""
        silent = sum(not any(len(track.notes) for track in part.tracks) for part in parts)
        if not silent:
            return
        what = f"{silent} of {len(parts)} parts are silent" if silent < len(parts) else "silence, no note in it"
        why = model.little_training
        trained = f"{model.name} is probably trained too little ({why}): train it longer, or try" if why else "try"
        self.say(f"{path.name}: {what}; {trained} --temperature 1 or another --seed")


def file_name(name: str, suffix: str) -> str:
    """A name with a suffix, without its middle if file systems would not take it."""
    short, kept = name, LONGEST_NAME // 2
    while len(os.fsencode(short)) > LONGEST_NAME:
        kept -= 1
        short = f"{name[:kept]}...{name[-kept:]}"
    return short + suffix


def refuse_file(folder: Path) -> None:
    """Refuse what is no folder, or is called like a file.

    Raises:
        ConfigError: it is such.
    """
    if not folder.is_dir():
        _refuse_device(folder)
        if folder.exists() or FORMAT.fullmatch(folder.suffix.lower()):
            raise ConfigError(f"--out {folder}: name the folder to write to")


def _refuse_device(path: Path) -> None:
    """Refuse what is neither a file nor a folder, and names among the devices.

    Raises:
        ConfigError: it is such.
    """
    is_device = path.exists() and not path.is_dir() and not path.is_file()
    if is_device or path.absolute().parent == Path("/dev"):
        raise ConfigError(f"--out {path}: is a device or a pipe; name a file or a folder")


def save_picture(image: Image, path: Path, force: bool) -> Path:
    """Write a picture as PNG."""
    from musicae.images.figures import save

    return save(image, path, force)


def saved(plan: dict[str, list[Path]]) -> list[str]:
    """A line for each file that was written; many parts in one."""
    lines = [f"saved {path}" for kind, paths in plan.items() if kind != "parts" for path in paths]
    parts = plan.get("parts", [])
    return lines + ([f"saved {parts[0]} to {parts[-1].name}"] if parts else [])
