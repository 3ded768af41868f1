"""What a track plays besides notes: volume, pan, pedal, bends and changes of program, as one array of moments."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CONTROL = np.dtype([("tick", "i8"), ("number", "i2"), ("value", "i2")])
BANK, VOLUME, PAN, EXPRESSION, FINE_BANK, PEDAL = 0, 7, 10, 11, 32, 64  # controllers of MIDI, 0 to 127
BEND, PROGRAM, PRESSURE = 128, 129, 130  # a bend is -8192 to 8191, the others 0 to 127
PEDAL_DOWN = 64  # from this value on
_REST = {VOLUME: 100, 8: 64, PAN: 64, EXPRESSION: 127, **dict.fromkeys(range(70, 80), 64)}  # of others 0
_PARAMETERS = (6, 38, *range(96, 102))  # make sense in their order only
_TICK_BITS = 40  # more than any tick has
_MODES = range(120, 128)  # something that happens once, and not a state


def no_controls() -> np.ndarray:
    """None at all."""
    return np.zeros(0, CONTROL)


def checked(tick: np.ndarray, number: np.ndarray, value: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CONTROL records by part and tick, those with a number and a tick that exist, their values in range; and the part
    of each."""
    bad = (number < 0) | (number > PRESSURE) | (tick < 0)
    if bad.any():
        tick, number, value, part = (column[~bad] for column in (tick, number, value, part))
    place = (part << _TICK_BITS) + tick
    if (place[1:] < place[:-1]).any():
        order = np.argsort(place, kind="stable")
        tick, number, value, part = (column.take(order) for column in (tick, number, value, part))
    if value.min(initial=0) < 0 or value.max(initial=0) > 127:  # as bends are
        bend = number == BEND
        value = np.clip(value, np.where(bend, -8192, 0), np.where(bend, 8191, 127))
    controls = np.empty(len(tick), CONTROL)
    controls["tick"], controls["number"], controls["value"] = tick, number, value
    return controls, part


def cut(controls: np.ndarray, start: int, end: int) -> np.ndarray:
    """The controls from one tick up to another; first, at the tick `start`, what holds there."""
    before, after = np.searchsorted(controls["tick"], (start + 1, max(end, start + 1)))
    held = controls[:before]
    latest = {number: i for i, number in enumerate(held["number"].tolist()) if number not in _MODES}
    kept = sorted({*latest.values(), *np.flatnonzero(np.isin(held["number"], _PARAMETERS)).tolist()})
    found = np.concatenate([held[kept], controls[before:after]])
    found["tick"] = np.maximum(found["tick"], start)
    return found


def settled(program: int, controls: list[tuple[int, int, int]], first: int) -> tuple[int, list[tuple[int, int, int]]]:
    """The program of a track at tick `first`, and the controls without changes of program that change nothing.

    A change of program after a change of bank does something even where the program is the same.

    Args:
        program: before any change.
        controls: (tick, number, value), by tick.
        first: a tick.
    """
    if not any(number == PROGRAM for _, number, _ in controls):
        return program, controls
    changes = {tick: i for i, (tick, number, _) in enumerate(controls) if number == PROGRAM}  # the last at a tick
    program = [program, *(controls[i][2] for tick, i in changes.items() if tick <= first)][-1]
    kept, current, bank, begun = [], program, False, False
    for i, (tick, number, value) in enumerate(controls):
        if number == PROGRAM:
            says_nothing = value == current or (tick <= first and not begun)
            if changes[tick] != i or (says_nothing and not bank):
                continue
            current, bank, begun = value, False, True
        bank = bank or number in (BANK, FINE_BANK)
        kept.append(controls[i])
    return program, kept


def joined(parts: Iterable[tuple[int, int, np.ndarray]]) -> np.ndarray:
    """The controls of tracks that follow each other as one: where a part begins, what the last one left is undone.

    Args:
        parts: the tick at which each begins, its program, and its controls.
    """
    found: list[np.ndarray] = []
    state: dict[int, int] = {}
    for start, program, controls in parts:
        rest = {number: program if number == PROGRAM else _REST.get(number, 0) for number in state}
        own = set(controls["number"][controls["tick"] <= start].tolist())
        undone = [(start, n, rest[n]) for n in sorted(state) if state[n] != rest[n] and n not in own]
        found += [np.array(undone, CONTROL), controls]
        state |= rest | {PROGRAM: program}
        state |= {n: v for _, n, v in controls.tolist() if n not in _MODES and n not in _PARAMETERS}
    return np.concatenate(found) if found else no_controls()
