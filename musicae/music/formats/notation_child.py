"""The process that parses notation of others with music21: a text comes in, notes go out, no file is opened.

It is started by `notation`, and limits itself: memory, time of the processor, and what it may do at all.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from musicae.music.formats import music21_
from musicae.music.formats.draft import Draft

MOST_MEGABYTES = 400  # of memory, beyond what music21 itself takes
FORBIDDEN = ("socket.", "subprocess.", "shutil.", "ctypes.", "urllib.", "ftplib.", "http.", "smtplib.", "webbrowser.")
CHANGES = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "os.putenv", "os.kill")
CHANGES_OF_FILES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
)


def serve() -> None:
    """Answers requests until the standard input ends."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    warnings.simplefilter("ignore")
    _warm_up()
    _limit()
    for request in _messages(requests):
        answer = _answer(request)
        send(answers, answer)
        if "out of memory" in answer:
            return


def _warm_up() -> None:
    """Parses a small score, so that all modules are imported before imports are the only files that can be opened."""
    for text, format_name in ((_MUSICXML, "musicxml"), (_KERN, "humdrum")):
        music21_.from_notation(text, format_name)


def _limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        memory = _memory() + MOST_MEGABYTES * 2**20
        for limit, most in (("FSIZE", 0), ("CORE", 0), ("AS", memory)):
            resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (most, most))
    sys.addaudithook(_refuse)


def _memory() -> int:
    """Bytes of address space that this process has."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 2**30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _refuse(action: str, arguments: tuple) -> None:
    """Stops whatever reaches out of this process; modules may still be imported."""
    is_module = action == "open" and str(arguments[0]).endswith((".py", ".pyc")) and arguments[1] in ("r", "rb")
    if (action == "open" and not is_module) or action.startswith((*FORBIDDEN, *CHANGES, *CHANGES_OF_FILES)):
        raise PermissionError(f"it would have done {action}")


def _answer(request: dict) -> dict:
    _give_time(request["seconds"])
    try:
        return to_plain(music21_.from_notation(request["text"], request["format"]))
    except MemoryError:
        return {"out of memory": True}
    except RecursionError:
        return {"problem": "is nested too deeply"}
    except Exception as error:
        return {"problem": " ".join(str(error).split())[:500] or type(error).__name__}


def _give_time(seconds: int) -> None:
    """Allows so many seconds of the processor from now on, after which the system ends this process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        most = math.ceil(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def to_plain(draft: Draft) -> dict:
    """The records of a draft in lists of numbers and text."""
    tracks = [(track.program, track.is_drum, track.name) for track in draft.tracks]
    names = ("ticks_per_quarter", "bounds", "tempos", "time_signatures", "key_signatures", "changes")
    return {name: getattr(draft, name) for name in names} | {"notes": draft.notes.tolist(), "tracks": tracks}


def send(file: BinaryIO, message: dict) -> None:
    """Writes a message: its length in eight bytes, then JSON."""
    data = json.dumps(message).encode()
    file.write(len(data).to_bytes(8, "big") + data)
    file.flush()


def _messages(file: BinaryIO) -> Iterator[dict]:
    while len(length := file.read(8)) == 8:
        yield json.loads(file.read(int.from_bytes(length, "big")))


_KERN = "**kern\n*M4/4\n4c\n=\n2.cc\n*-\n"
_MUSICXML = """<?xml version="1.0"?><score-partwise><part-list><score-part id="P1"><part-name>A</part-name></score-part>
</part-list><part id="P1"><measure number="1"><attributes><divisions>2</divisions><key><fifths>1</fifths></key>
<time><beats>4</beats><beat-type>4</beat-type></time></attributes><direction><direction-type><dynamics><f/></dynamics>
</direction-type><sound tempo="90"/></direction>
<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony><note><pitch><step>G</step><octave>4</octave></pitch><duration>8</duration></note></measure></part></score-partwise>"""
