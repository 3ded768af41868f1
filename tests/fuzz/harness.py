"""Broken files read one after another in a process of their own, and what was wrong with it."""

from __future__ import annotations

import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz.targets import TARGETS, Target
from musicae.errors import Error

LONGEST = 5.0  # seconds of CPU for a case, of this process and those that it started
MOST = 500 * 2**20  # bytes by which reading a case may make the process larger
PATIENCE = 60.0  # seconds after which a process that says nothing is ended


@dataclass
class Outcome:
    """How some cases of a target ended.

    Args:
        read: how many were read.
        refused: how many were refused by a `musicae.Error`, and how often by each reason's first words.
        findings: the number of each case in which anything else happened, and what.
    """

    read: int = 0
    refused: Counter = field(default_factory=Counter)
    findings: dict[int, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many there were."""
        return self.read + self.refused.total() + len(self.findings)


class Hang(BaseException):
    """A case took too long. Not an `Exception`: readers turn those into errors of their own."""


def write_case(target: Target, seed: int, number: int, folder: Path) -> Path:
    """The files of a case, always the same, in a folder: the path to be read."""
    files = target.make(random.Random(f"{target.name} {seed} {number}"))
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder if len(files) > 1 else folder / next(iter(files))


def attempt(target: Target, path: Path) -> tuple[str, str]:
    """("read", ""), ("refused", why) or ("finding", what): how reading a case ends."""
    before, size = time.process_time() + _children(), _peak()
    try:
        signal.setitimer(signal.ITIMER_PROF, 2 * LONGEST)
        target.read(path)
        ended = "read", ""
    except Error as error:
        one_line = "\n" not in str(error)  # commands escape all other signs that do not show
        ended = ("refused", _words(error)) if one_line else ("finding", f"not one line: {str(error)!r}")
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        ended = "finding", f"{type(error).__name__}: {str(error)[:200]!r} at {place}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if (took := time.process_time() + _children() - before) > LONGEST:
        ended = "finding", f"{took:.1f} s of CPU"
    elif _peak() - size > MOST:
        ended = "finding", f"{(_peak() - size) / 2**20:.0f} MB"
    return ended


def run(name: str, seed: int, numbers: range) -> Outcome:
    """Cases of a target, in a process that may be killed by one: then the others follow in another."""
    context, outcome = get_context("spawn"), Outcome()
    while numbers:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(name, seed, numbers, theirs, list(sys.path)), daemon=False)
        process.start()
        theirs.close()
        done = 0
        while done < len(numbers):
            try:
                kind, words = ours.recv() if ours.poll(PATIENCE) else ("finding", "no end")
            except EOFError:
                process.join()
                kind, words = "finding", f"the process ended with status {process.exitcode}"
            _count(outcome, numbers[done], kind, words)
            done += 1
            if words.startswith(("no end", "the process ended")):
                break
        process.kill()
        process.join()
        numbers = numbers[done:]
    return outcome


def _count(outcome: Outcome, number: int, kind: str, words: str) -> None:
    if kind == "read":
        outcome.read += 1
    elif kind == "refused":
        outcome.refused[words] += 1
    else:
        outcome.findings[number] = words


def _work(name: str, seed: int, numbers: range, pipe, path: list[str]) -> None:
    """The process: reads cases and says how each ends."""
    sys.path[:] = path
    signal.signal(signal.SIGPROF, _hang)
    for number in numbers:
        with TemporaryDirectory() as folder:
            pipe.send(attempt(TARGETS[name], write_case(TARGETS[name], seed, number, Path(folder, "case"))))


def _hang(*_) -> None:
    raise Hang


def _words(error: Error) -> str:
    """The last words of an error, without its numbers: what is alike is counted together."""
    return "".join("#" if one.isdigit() else one for one in str(error).rpartition(": ")[2])[:60]


def _children() -> float:
    """Seconds of CPU of processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
