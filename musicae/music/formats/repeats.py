"""Which bar follows which when repeats, their endings, and jumps (D.C., D.S., to the coda) are played."""

from __future__ import annotations

from collections.abc import Sequence

from musicae.music.formats.bars import CODA, DA_CAPO, DAL_SEGNO, FINE, SEGNO, TO_CODA, Bar

MOST_BARS = 20_000  # that are played
PLAYED = "its repeats are played"


def played_order(bars: Sequence[Bar]) -> list[int]:
    """The indices of bars as they are played.

    Raises:
        ValueError: absurdly many are played.
    """
    order = _repeated(bars)
    jumps = [at for at, i in enumerate(order) if bars[i].marks & {DA_CAPO, DAL_SEGNO}]
    if not jumps:
        return order
    jump = bars[order[jumps[-1]]]
    start = _first(bars, SEGNO) if DAL_SEGNO in jump.marks else 0
    return order[: jumps[-1] + 1] + _after_jump(bars, start or 0)


def _first(bars: Sequence[Bar], mark: str) -> int | None:
    return next((i for i, bar in enumerate(bars) if mark in bar.marks), None)


def _after_jump(bars: Sequence[Bar], i: int) -> list[int]:
    """What is played from bar `i` after a jump: no repeats, of their endings the last, up to the mark for the end."""
    order, coda = [], _first(bars, CODA)
    while i < len(bars):
        endings, (after, ends_repeat) = bars[i].endings, _after_ending(bars, i)
        if endings and after < len(bars) and (bars[after].endings or (ends_repeat and 1 in endings)):
            i = after
            continue
        order.append(i)
        if FINE in bars[i].marks:
            break
        if TO_CODA in bars[i].marks and coda is not None and coda > i:
            i = coda
        else:
            i += 1
    return order


def _repeated(bars: Sequence[Bar]) -> list[int]:
    """The indices of bars with each repeat and its endings played out."""
    order: list[int] = []
    first, i, number = 0, 0, 1  # of the repeat, of the bar, of the round
    rounds = 1  # the last that an ending of the repeat is for
    marked = in_ending = False  # whether a sign begins the repeat
    while i < len(bars):
        bar = bars[i]
        if bar.begins_repeat and i != first:
            first, number, rounds, in_ending = i, 1, 1, False
        marked = bar.begins_repeat or (marked and i != first)
        rounds = max(rounds, *bar.endings, 1)
        if bar.endings and number not in bar.endings:
            i, ends_repeat = _after_ending(bars, i)
            if ends_repeat and not (i < len(bars) and bars[i].endings):
                first, number, rounds, in_ending = i, 1, 1, False
            continue
        in_ending |= bool(bar.endings)
        order.append(i)
        if len(order) > MOST_BARS:
            raise ValueError(f"has more than {MOST_BARS:,} bars when its repeats are played")
        i += 1
        if bar.plays > 1 and (number < max(bar.plays, rounds) or (i < len(bars) and number + 1 in bars[i].endings)):
            i, number, in_ending = first, number + 1, False
        elif bar.plays > 1 or (bar.ends_section and (in_ending or not marked)):
            first, number, rounds, in_ending = i, 1, 1, False
    return order


def _after_ending(bars: Sequence[Bar], i: int) -> tuple[int, bool]:
    """The bar after the ending that begins with bar `i`, and whether a repeat ends there."""
    while i < len(bars):
        bar, i = bars[i], i + 1
        if bar.plays > 1 or bar.ends_section or (i < len(bars) and (bars[i].endings or bars[i].begins_repeat)):
            return i, bar.plays > 1
    return i, False
