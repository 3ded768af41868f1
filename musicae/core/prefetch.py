"""Work for the next steps, done by a thread while a step is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 0.1  # seconds after which a thread that cannot go on looks whether it is still wanted


@contextmanager
def prefetched(prepare: Callable[[int], T], steps: range, ahead: int) -> Iterator[Iterator[T]]:
    """What `prepare` answers for each of `steps`, in their order; at the end of the `with` the thread has ended.

    An exception of `prepare` is raised where its answer would have come.

    Args:
        prepare: called with one step after another.
        steps: their numbers.
        ahead: at most so many answers wait to be taken; 0 for no thread.
    """
    if not ahead:
        yield map(prepare, steps)
        return
    with closing(_Thread(prepare, steps, ahead)) as thread:
        yield iter(thread)


class _Thread:
    """The thread and its queue of answers; the last thing in it is the exception that ended it."""

    def __init__(self, prepare: Callable[[int], T], steps: range, ahead: int):
        self._prepare, self._steps = prepare, steps
        self._answers: queue.Queue = queue.Queue(ahead)
        self._wanted = True
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        for _ in self._steps:
            answer, error = self._answers.get()
            if error is not None:
                raise error
            yield answer

    def close(self) -> None:
        """End the thread."""
        self._wanted = False
        self._thread.join()

    def _work(self) -> None:
        try:
            for step in self._steps:
                self._put(self._prepare(step), None)
                if not self._wanted:
                    return
        except BaseException as error:  # for whoever takes the answers
            self._put(None, error)

    def _put(self, answer: T | None, error: BaseException | None) -> None:
        waiting = True
        while waiting and self._wanted:
            with suppress(queue.Full):
                self._answers.put((answer, error), timeout=PATIENCE)
                waiting = False
