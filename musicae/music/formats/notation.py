"""MusicXML and kern of others: a check of the text, then music21 in processes of their own with limits.

A process takes a second to start and then reads one text after another, at music21's pace. It is ended when it takes
too long, is interrupted, or has read many.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

import musicae
from musicae.music.formats.draft import Draft, check_changes, check_note_count, note_array
from musicae.music.formats.notation_child import MOST_MEGABYTES, send
from musicae.music.score.score import Track

SECONDS = 3  # of the processor for any text, ...
SECONDS_PER_MEGABYTE = 4  # ... and more for a long one
START_SECONDS = 60  # to import music21, on the slowest of machines
MOST_DEPTH = 64
MOST_ELEMENTS = 500_000
MOST_SPINES = 256  # of kern
MOST_CHARACTERS = 8 * 2**20
MOST_ANSWER = 64 * 2**20  # bytes
MOST_TEXTS = 200  # that a process reads: music21 keeps a little of each
MOST_IDLE = 4  # processes that wait
_CODE = """import json, sys
sys.path[:] = json.loads(sys.argv[1])
from musicae.music.formats.notation_child import serve
serve()"""
_KEPT = ("SYSTEMROOT", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL")  # of the environment
_HAS_LIMITS = find_spec("resource") is not None


def from_notation(text: str, format_name: str) -> Draft:
    """A score in MusicXML (`musicxml`) or kern (`humdrum`), with its repeats played.

    Raises:
        ValueError: it is no score, is absurd, or takes too much time or memory.
    """
    check(text, format_name)
    request = {"text": text, "format": format_name, "seconds": SECONDS + SECONDS_PER_MEGABYTE * len(text) // 2**20}
    process = _waiting() or _Process()
    answer = process.ask(request)
    if process.texts < MOST_TEXTS and len(_idle) < MOST_IDLE:
        _idle.append(process)
    else:
        process.end()
    try:
        return _draft(answer)
    except (KeyError, TypeError, OverflowError):
        raise ValueError("cannot be read: what music21 found makes no sense") from None


def _draft(answer: dict[str, Any]) -> Draft:
    """The records that a process found, none of which is believed."""
    if problem := answer.get("problem"):
        raise ValueError(str(problem)[:500])
    check_note_count(len(answer["notes"]))
    check_changes(sum(len(answer[name]) for name in ("tempos", "time_signatures", "key_signatures")))
    columns = np.array(answer["notes"], np.int64).reshape(-1, 4).T
    tracks = [Track(program=int(p) & 127, is_drum=bool(d), name=str(name)[:1000]) for p, d, name in answer["tracks"]]
    bounds = [int(bound) for bound in answer["bounds"]]
    if bounds != sorted(bounds) or len(bounds) != len(tracks) + 1 or (bounds[0], bounds[-1]) != (0, len(columns[0])):
        raise TypeError("tracks do not fit the notes")
    return Draft(
        int(answer["ticks_per_quarter"]),
        note_array(*columns),
        bounds,
        tracks,
        [(int(tick), float(rate)) for tick, rate in answer["tempos"]],
        [(int(tick), int(above), int(below)) for tick, above, below in answer["time_signatures"]],
        [(int(tick), int(sharps), bool(minor)) for tick, sharps, minor in answer["key_signatures"]],
        [str(change)[:500] for change in answer["changes"]],
    )


# Checks -----------------------------------------------------------------------------------------


def check(text: str, format_name: str) -> None:
    """Refuses text whose size or nesting is absurd, before music21 sees it.

    Raises:
        ValueError: so it is, or it is no XML.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"has {len(text):,} characters of notation; the limit is {MOST_CHARACTERS:,}: export it as MIDI"
        )
    if format_name == "musicxml":
        _check_xml(text)
    elif (spines := max(line.count("\t") for line in text.split("\n"))) > MOST_SPINES:
        raise ValueError(f"has {spines:,} spines; the limit is {MOST_SPINES}")


def _check_xml(text: str) -> None:
    """Counts elements and their nesting; entities, which could grow without end, are refused."""
    depth = elements = 0

    def begin(*_):
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MOST_DEPTH or elements > MOST_ELEMENTS:
            what = f"nested more than {MOST_DEPTH} deep" if depth > MOST_DEPTH else f"of more than {MOST_ELEMENTS:,}"
            raise ValueError(f"has XML elements {what}; export it as MIDI")

    def end(*_):
        nonlocal depth
        depth -= 1

    def refuse(*_):
        raise ValueError("defines XML entities, which no score needs; export it again")

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(f"is damaged XML: {error}") from None


# Processes --------------------------------------------------------------------------------------


class _Process:
    """A process that parses, one text at a time.

    Attributes:
        texts: how many it was given.
    """

    def __init__(self):
        paths = [str(Path(path).resolve()) for path in sys.path if path]
        paths.append(str(Path(musicae.__file__).resolve().parents[1]))
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HOME": os.devnull}
        self.texts = 0
        self._was_slow = False
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", _CODE, json.dumps(paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # so a Ctrl-C is for this process alone, which then ends that one
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            ValueError: there is none, and the process is ended.
        """
        patience = request["seconds"] * (10 if _HAS_LIMITS else 2) + (0 if self.texts else START_SECONDS)
        timer = threading.Timer(patience, self._stop)
        timer.daemon = True
        self.texts += 1
        try:
            timer.start()
            answer = self._answer(request)
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()
        if answer is None or "out of memory" in answer:
            self.end()
            raise ValueError(self._reason(answer, request["seconds"]))
        return answer

    def _answer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a request; None if the process ended before it was whole."""
        try:
            send(self.process.stdin, request)
        except OSError:
            return None
        length = int.from_bytes(self.process.stdout.read(8), "big")
        if length > MOST_ANSWER:
            raise ValueError("has more notes than can be read; export it as MIDI")
        data = self.process.stdout.read(length)
        return json.loads(data) if length and len(data) == length else None

    def _reason(self, answer: dict[str, Any] | None, seconds: int) -> str:
        """Why there was no answer, of a process that has ended."""
        if answer:
            return f"takes more than {MOST_MEGABYTES} MB of memory to read; export it as MIDI"
        if self._was_slow or self.process.returncode == -getattr(signal, "SIGXCPU", 0):
            return f"takes more than {seconds} seconds to read; export it as MIDI"
        return "cannot be read: music21 ended without a word (is it installed?)"

    def _stop(self) -> None:
        self._was_slow = True
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL) if hasattr(os, "killpg") else self.process.kill()

    def end(self) -> None:
        """Ends the process and all that it may have started, at once; once more does nothing."""
        if self.process.poll() is None:
            self._kill()
        self.process.wait()
        self.forget()

    def forget(self) -> None:
        """Lets go of the process without ending it."""
        self.process.returncode = self.process.returncode or 0
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


_idle: list[_Process] = []  # those that wait; taken and given back by one thread at a time each


def _waiting() -> _Process | None:
    """A process that waits, if there is one that is alive."""
    while True:
        try:
            process = _idle.pop()
        except IndexError:
            return None
        if process.process.poll() is None:
            return process
        process.end()


def end_all() -> None:
    """Ends all processes that wait."""
    while process := _waiting():
        process.end()


def _forget_all() -> None:
    """After a fork: those that wait belong to the parent."""
    while _idle:
        _idle.pop().forget()


atexit.register(end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
