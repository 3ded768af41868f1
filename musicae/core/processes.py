"""The processes that train together, as `torchrun` starts them: which one is first, who waits, who asks to stop."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from musicae.errors import ConfigError, Error

if TYPE_CHECKING:
    from torch import distributed

WITHOUT_LIMIT = timedelta(days=365)  # the first process may have to cut a large corpus
DONE, FAILED = "done", "failed"
_waits = count()
_stores: list[distributed.Store] = []  # one that the first process serves must live until the last has read it


def rank() -> int:
    """The number of this process, 0 for the first: the one that prints and writes."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the only process, or the first of several."""
    return rank() == 0


@contextmanager
def first_process_first() -> Iterator[None]:
    """The first process does the work alone; the others do theirs when it has ended.

    They wait without a limit and without a process group, in which nobody may be silent for longer than some minutes.

    Raises:
        Error: the first process failed.
    """
    if world_size() == 1:
        yield
        return
    from torch.distributed import PrefixStore, rendezvous

    store, number, _ = next(rendezvous("env://"))
    store.set_timeout(WITHOUT_LIMIT)
    _stores.append(store)
    store, key = PrefixStore("musicae", store), f"wait {next(_waits)}"
    if number and not _done(store, key):
        raise Error("the first process has ended with an error")
    said = FAILED
    try:
        yield
        said = DONE
    finally:
        if not number:
            store.set(key, said)


def _done(store: distributed.Store, key: str) -> bool:
    """Whether the first process has done its work; waits until that is known."""
    try:
        return store.get(key).decode() == DONE
    except RuntimeError:  # it served the store, and is gone
        return False


def check_group(processes: int) -> None:
    """Find out whether the processes that were started train together, before they overwrite each other's files.

    Args:
        processes: of the group that this one is in.

    Raises:
        ConfigError: they do not.
    """
    if processes < world_size():
        raise ConfigError(
            f"{world_size()} processes were started and {processes} would train together: start them with torchrun"
            " --nproc_per_node N, and on a device that several processes can share give --device cpu"
        )


def check_gpus(gpus: int) -> None:
    """Find out whether each process of this machine has a GPU of its own.

    Args:
        gpus: how many there are.

    Raises:
        ConfigError: there are too few.
    """
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if here > gpus:
        raise ConfigError(f"{here} processes for {gpus} GPU{'s' * (gpus > 1)}: give torchrun --nproc_per_node {gpus}")


def end_group() -> None:
    """Leave the group of processes, if there is one: nobody waits for anybody any more."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def lonely() -> str | None:
    """A sentence where `accelerate launch` was asked for several processes and has started one; else None.

    Without several GPUs it does so and says nothing.
    """
    launched = {"ACCELERATE_MIXED_PRECISION", "MASTER_ADDR"} <= os.environ.keys()  # the second only for several
    if not launched or "WORLD_SIZE" in os.environ:
        return None
    command = f"torchrun --nproc_per_node {_asked_for()} -m musicae.train {shlex.join(sys.argv[1:])}"
    return f"accelerate launch has started one process, not several; what starts several here: {command}"


def _asked_for() -> str:
    """How many processes the parent of this one was asked for, where that can be seen."""
    import psutil

    with suppress(psutil.Error):
        found = re.search(r"--num[_-]processes[= ](\d+)", " ".join(psutil.Process().parent().cmdline()))
        return found[1] if found else "N"
    return "N"


class Interruption:
    """Ctrl-C between two steps: the step under way is finished, so what is saved is whole. A second one is final."""

    def __init__(self):
        self.requested = False

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._before)

    def _request(self, *_: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class Agreement:
    """Whether any process was asked to stop: all stop after the same step, or some would wait for ever.

    The processes ask each other on the CPU while the next step is computed, so nobody waits for an answer.

    Args:
        processes: how many there are.
    """

    def __init__(self, processes: int):
        import torch

        self._processes, self._group, self._asked = processes, None, None
        self._answer = torch.zeros(1)
        if processes > 1 and torch.distributed.get_backend() != "gloo":
            self._group = torch.distributed.new_group(backend="gloo")

    def stop(self, requested: bool) -> bool:
        """Whether to stop now: as this process is asked to if it is alone, or as any was at the step before.

        Args:
            requested: whether this one is asked to.
        """
        if self._processes == 1:
            return requested
        import torch

        stop = self.last()
        self._answer = torch.tensor([float(requested)])
        self._asked = torch.distributed.all_reduce(self._answer, group=self._group, async_op=True)
        return stop

    def last(self) -> bool:
        """The answer to the last question."""
        if self._asked is not None:
            self._asked.wait()
        return bool(self._answer)
