"""Ctrl-C and the like: a word instead of a traceback, from the first import on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
USUAL = (signal.SIG_DFL, signal.default_int_handler)


class Stopped(KeyboardInterrupt):
    """The user, or the system, stopped the program."""


class Stops:
    """Whether the program was stopped.

    Attributes:
        number: of the signal; None while there was none.
    """

    def __init__(self):
        self.number: int | None = None
        self._process = os.getpid()

    @property
    def status(self) -> int:
        """What the program ends with, as shells have it."""
        return 128 + (self.number or signal.SIGINT)

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal.

        Raises:
            Stopped: always, so that what is half done is tidied away; a process that this one begot just ends.
        """
        if os.getpid() != self._process:
            os._exit(128 + number)
        self.number = number
        raise Stopped


def end_at_once() -> None:
    """Let Ctrl-C end the program quietly while nothing is to be tidied away: before a command runs, and after it.

    Nothing changes where this package is a library in the program of somebody else.
    """
    if _is_program() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


@contextmanager
def stoppable() -> Iterator[Stops]:
    """Signals that stop a program raise `Stopped` inside, unless somebody else handles or ignores them."""
    stops, before = Stops(), {}
    for number in SIGNALS:
        if signal.getsignal(number) in (*USUAL, _end):
            before[number] = signal.signal(number, stops.stop)
    try:
        yield stops
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(128 + number)


def _is_program() -> bool:
    """Whether Python was started as `musicae`, or as `python -m musicae.NAME`, whose first import finds "-m" alone."""
    begun = Path(sys.argv[0]) if sys.argv else Path()
    if str(begun) == "-m":
        return any(argument.partition(".")[0] == "musicae" for argument in sys.orig_argv)
    return "musicae" in (begun.stem, begun.parent.name)
