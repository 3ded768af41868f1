from __future__ import annotations

import queue
import threading

import pytest

from musicae.core.prefetch import prefetched


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("ahead", [0, 1, 3, 100])
def test_the_answers_come_in_the_order_of_the_steps(ahead):
    with prefetched(lambda step: step * step, range(3, 40), ahead) as answers:
        assert list(answers) == [step * step for step in range(3, 40)]
    assert "prefetch" not in names()


def test_no_more_is_prepared_than_was_asked_for():
    prepared, fourth = [], queue.Queue()

    def prepare(step: int) -> int:
        prepared.append(step)
        if step == 4:
            fourth.put(None)
        return step

    with prefetched(prepare, range(100), 2) as answers:
        assert [next(answers), next(answers)] == [0, 1]
        fourth.get(timeout=60)
    assert max(prepared) <= 2 + 2  # taken, in the queue, and one in the hands of the thread


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_exception_comes_where_the_answer_would_have_come(ahead):
    def prepare(step: int) -> float:
        return 1 / (step - 3)

    with prefetched(prepare, range(10), ahead) as answers:
        assert [next(answers) for _ in range(3)] == [-1 / 3, -1 / 2, -1]
        with pytest.raises(ZeroDivisionError):
            next(answers)
    assert "prefetch" not in names()


def test_the_thread_ends_when_nobody_wants_its_answers():
    def work() -> None:
        with prefetched(abs, range(1000), 2) as answers:
            next(answers)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert "prefetch" not in names()
