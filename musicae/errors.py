"""What can go wrong in a way that the user can act on."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Error(Exception):
    """Base of every error that musicae raises on purpose: one line that says what, where and what to try."""

    def __str__(self) -> str:
        return super().__str__().replace("\r", "\\r").replace("\n", "\\n")  # of names of files, which may have some


def in_one_line(error: BaseException) -> str:
    """What an error of a library or of the system says, in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:200] or type(error).__name__


class FileError(Error):
    """A file cannot be read.

    Args:
        path: the file, or a word for what it was (`"<bytes>"`).
        reason: what is wrong with it, and what to try.
    """

    def __init__(self, path: object, reason: str):
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class MidiError(FileError):
    """A file cannot be read as music."""


class NoWindows(Error):
    """The data hold nothing of the kind that the model takes: what was looked for, what was found, and what to try."""


class DataError(Error):
    """A data set is missing or not of the expected form."""


class CheckpointError(Error):
    """A model folder or checkpoint is missing, damaged, or of another kind."""


class ConfigError(Error):
    """A setting or name is not known, or has a value that cannot work."""

    @classmethod
    def unknown(cls, kind: str, name: str, known: Iterable[str]) -> ConfigError:
        """The error for an unknown `name` of some `kind`, with the nearest valid one."""
        known = sorted(known)
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
        return cls(f"unknown {kind} {name!r}: {hint}")
