"""What works that are timed from outside share: no more than Python has, so that any environment can run it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

HALFWAY = 6908  # the step at which scheduled sampling has probability 1/2


def for_each_line(work: Callable[[], Any]) -> None:
    """Do a work as often as lines are read; after each print the seconds of the processor that it took."""
    for _ in sys.stdin:
        start = time.process_time()
        work()
        print(time.process_time() - start, flush=True)
