"""Broken files of every kind, as many as one has time for: `python scripts/fuzz.py --minutes 10`.

Each is read in a process of its own kind. Only two things may happen: it is read, or a `musicae.Error` in one line
refuses it, within five seconds of CPU and 500 MB. What else happens is listed, and the files are kept.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz.harness import Outcome, run, write_case
from fuzz.targets import TARGETS

BATCH = 5.0  # seconds that the cases of one kind take at a time


@dataclass(frozen=True)
class Options:
    """Try broken files."""

    minutes: float = 1.0
    """how long"""
    seed: int = 1
    """of the first cases; later ones have the following seeds"""
    only: tuple[str, ...] = tuple(TARGETS)
    """kinds of files"""
    workers: int = 2
    """processes at a time"""
    keep: Path = Path("fuzzed")
    """folder in which files are kept that were neither read nor refused"""


def main(options: Options) -> int:
    """Try, print a table, and return how many cases went wrong."""
    until = time.monotonic() + 60 * options.minutes
    found = {name: Outcome() for name in options.only}
    seed = options.seed
    with ThreadPoolExecutor(options.workers) as pool:
        while time.monotonic() < until:
            jobs = {name: pool.submit(run, name, seed, range(_batch(name))) for name in options.only}
            for name, job in jobs.items():
                _add(found[name], job.result(), _keeper(name, seed, options.keep))
            seed += 1
            print(f"{sum(one.cases for one in found.values()):,} cases", file=sys.stderr)
    print(f"{'kind':10}{'cases':>9}{'read':>9}{'refused':>9}{'wrong':>7}   most frequent reason")
    for name, one in [*found.items(), ("all", _total(found.values()))]:
        reason = f"{one.refused.most_common(1)[0][0]}" if one.refused else ""
        print(f"{name:10}{one.cases:9,}{one.read:9,}{one.refused.total():9,}{len(one.findings):7,}   {reason}")
    return sum(len(one.findings) for one in found.values())


def _batch(name: str) -> int:
    return round(1000 * BATCH / TARGETS[name].cost)


def _keeper(name: str, seed: int, folder: Path) -> Callable[[int, str], None]:
    """What keeps the files of a case of a kind, and says what happened."""

    def keep(number: int, what: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = write_case(TARGETS[name], seed, number, folder / f"{name}-{seed}-{number}")
        print(f"{path}: {what}", file=sys.stderr)

    return keep


def _add(outcome: Outcome, more: Outcome, keep: Callable[[int, str], None]) -> None:
    for number, what in more.findings.items():
        keep(number, what)
        outcome.findings[len(outcome.findings)] = what
    outcome.read += more.read
    outcome.refused += more.refused


def _total(outcomes) -> Outcome:
    total = Outcome()
    for one in outcomes:
        _add(total, one, lambda number, what: None)
    return total


if __name__ == "__main__":
    sys.exit(min(main(tyro.cli(Options)), 1))
