"""Piano rolls as SVG, for pages and notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from musicae.music.render.layout import COLOURS, MOST_NOTES, Roll, Rows, printable
from musicae.music.score.score import Score, Track

_LEFT, _TOP, _BOTTOM = 64, 16, 6  # room for the labels


def piano_roll_svg(song: Score, most_notes: int = MOST_NOTES) -> str:
    """A piano roll as a self-contained SVG element, for a page or a file of its own.

    Tracks differ by colour, louder notes are more opaque; lines and labels have the text colour of the page, so that
    they are legible on light and dark. The element scales with its container.

    Args:
        song: the song.
        most_notes: notes that are drawn at most; the picture says what it leaves out.
    """
    roll, rows = Roll.of(song, most_notes), Rows.of([song])
    across = min(max(16.0, 420 / roll.quarters), 6000 / roll.quarters)  # pixels per quarter note
    down = min(max(250 / rows.count, 6.0), 11.0)
    width, height = _LEFT + across * roll.quarters + 4, _TOP + down * rows.count + _BOTTOM
    foot = 18 * bool(roll.left_out) + 18 * (len(roll.tracks) > 1)
    parts = [
        _svg_head(song, roll, width, height + foot),
        _svg_background(roll, rows, across, down, width, height),
        *_svg_tracks(roll, rows, across, down),
        _svg_legend(roll, height),
        "</svg>",
    ]
    return "".join(parts)


def _svg_head(song: Score, roll: Roll, width: float, height: float) -> str:
    notes = sum(len(track.notes) for track in song.tracks)
    title = f"Piano roll of {printable(song.name) or 'a song'}: {notes} notes in {len(roll.tracks)} tracks."
    title = escape(" ".join([title, roll.left_out]).strip())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.4g} {height:.4g}" role="img" '
        f'aria-label="{title}" width="100%" style="min-width:{min(width, 320 + width / 2):.0f}px;'
        f'max-width:{1.5 * width:.0f}px;display:block" font-family="system-ui,sans-serif" font-size="10" '
        f'fill="currentColor"><title>{title}</title>'
    )


def _svg_background(roll: Roll, rows: Rows, across: float, down: float, width: float, height: float) -> str:
    """Black keys, bar lines and labels."""
    length = across * roll.quarters
    keys = "".join(f"M{_LEFT} {_TOP + down * row:.2f}h{length:.2f}v{down:.2f}h-{length:.2f}z" for row in rows.dark)
    depth = down * rows.count
    bars = "".join(f"M{_LEFT + across * bar:.2f} {_TOP}v{depth:.2f}" for bar in roll.bars.tolist())
    names = "".join(
        f'<text x="{_LEFT - 5}" y="{_TOP + down * (row + 0.5) + 3.5:.2f}" text-anchor="end">{name}</text>'
        for row, name in rows.labels
    )
    numbers = "".join(
        f'<text x="{_LEFT + across * quarter + 2:.2f}" y="{_TOP - 5}">{bar}</text>'
        for bar, quarter in roll.numbered_bars(int(width // 28))
    )
    return (
        f'<path d="{keys}" opacity=".06"/><path d="{bars}" stroke="currentColor" opacity=".22"/>'
        f'<g opacity=".7">{names}{numbers}</g>'
    )


def _svg_tracks(roll: Roll, rows: Rows, across: float, down: float) -> Iterator[str]:
    for i, (starts, ends, row, velocity) in enumerate(roll.boxes(rows)):
        lefts, tops = _LEFT + across * starts, _TOP + down * row + 0.3
        widths = np.maximum(across * (ends - starts) - 0.8, 2.0)
        columns = (lefts.tolist(), tops.tolist(), widths.tolist(), (0.4 + 0.6 * velocity).tolist())
        boxes = "".join(
            f'<rect x="{x:.2f}" y="{y:.2f}" width="{w:.2f}" height="{down - 0.6:.2f}" rx="1.5" opacity="{o:.2f}"/>'
            for x, y, w, o in zip(*columns, strict=True)
        )
        yield f'<g fill="{_colour(i)}"><title>{_track_name(roll.tracks[i], i)}</title>{boxes}</g>'


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _track_name(track: Track, index: int) -> str:
    return escape(printable(track.name)[:60] or ("Drums" if track.is_drum else f"Track {index + 1}"))


def _svg_legend(roll: Roll, height: float) -> str:
    """The tracks by colour, and what is left out."""
    y, parts = height + 8, []
    if len(roll.tracks) > 1:
        names = "".join(
            f'<tspan fill="{_colour(i)}" dx="{10 * (i > 0)}">■ </tspan>{_track_name(track, i)}'
            for i, track in enumerate(roll.tracks[:16])
        )
        parts.append(f'<text x="{_LEFT}" y="{y}">{names}</text>')
        y += 18
    if roll.left_out:
        parts.append(f'<text x="{_LEFT}" y="{y}">{escape(roll.left_out)}</text>')
    return "".join(parts)
