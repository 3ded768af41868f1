"""Piano rolls as PNG by matplotlib, for documents."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np

from musicae.files import write_atomically
from musicae.music.render.layout import COLOURS, Roll, Rows, printable
from musicae.music.score.score import Score

_PALE, _FAINT, _PAPER = "#6b717c", "#e4e6ea", "#ffffff"
_MOST_PANELS = 24


def save_piano_roll(
    songs: Score | Sequence[Score], path: str | Path, force: bool = False, titles: Sequence[str] | None = None
) -> Path:
    """A PNG with the piano roll of each song, one under the other; of 24 at most, which is said in it.

    All that have drums have the same rows for them.

    Args:
        songs: one song or several.
        path: the file.
        force: replace an existing file.
        titles: one for each song; without them their names.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    songs = [songs] if isinstance(songs, Score) else list(songs)
    titles = [song.name for song in songs] if titles is None else titles
    shown = list(zip(songs, titles, strict=True))[:_MOST_PANELS]
    drums = Rows.of(song for song, _ in shown).drums
    every_rows = [rows.with_drums(drums) for rows in (Rows.of([song]) for song, _ in shown)]
    heights = [min(max(rows.count * 0.075, 1.3), max(4.0, 0.12 * len(rows.drums))) for rows in every_rows]
    figure = _figure(12, sum(heights) + 0.75 * len(heights))
    panels = figure.subplots(len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axes, rows, (song, title) in zip(panels, every_rows, shown, strict=True):
        roll = Roll.of(song)
        _draw(axes, roll, rows, COLOURS)
        _label(axes, roll, rows)
        axes.set_title(_plain(" — ".join(filter(None, [title, roll.left_out]))), loc="left", fontsize=10)
    if len(shown) < len(songs):
        _say(figure, f"The first {len(shown)} of {len(songs)} songs.")
    return write_atomically(path, _png(figure), force)


def save_interpolation(
    steps: Sequence[Score],
    path: str | Path,
    originals: tuple[Score, Score] | None = None,
    force: bool = False,
    names: tuple[str, str] | None = None,
) -> Path:
    """A PNG of the way from one song to another: a panel for each step on common axes, from blue to red.

    The panels stand one under the other; short ones, of two bars at most, beside each other. Of more than 24
    steps 24 are shown, of long songs the first 32 bars, which is said in the picture.

    Args:
        steps: the songs, both ends included.
        path: the file.
        originals: the songs that were given, shown in grey before and after their reconstructions.
        force: replace an existing file.
        names: of the two ends; without them the names of the originals, or of the first and last step.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    ends = originals or (steps[0], steps[-1])
    names = names or tuple(song.name or letter for song, letter in zip(ends, "AB", strict=True))
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _MOST_PANELS)).round().astype(int)).tolist()
    panels = [(steps[i], _step_title(i, len(steps), names), _between(i, len(steps))) for i in chosen]
    if originals:
        first, last = ((song, f"{name}\noriginal", "#8b919b") for song, name in zip(originals, names, strict=True))
        panels = [first, *panels, last]
    return write_atomically(path, _png(_interpolation(panels)), force)


def _step_title(step: int, steps: int, names: tuple[str, str]) -> str:
    if step in (0, steps - 1):
        return names[step > 0]
    return f"{step / (steps - 1):.0%}"


def _between(step: int, steps: int) -> str:
    """The colour of a step: blue, violet, red."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    way = LinearSegmentedColormap.from_list("way", ["#2f6fde", "#8a4fd0", "#d8417f", "#f0602f"])
    return to_hex(way(step / max(steps - 1, 1)))


def _interpolation(panels: list[tuple[Score, str, str]]):
    """The figure with a panel for each (song, title, colour)."""
    songs = [song for song, _, _ in panels]
    rows, rolls = Rows.of(songs, spare=1), [Roll.of(song, most_bars=32) for song in songs]
    longest = max(rolls, key=lambda roll: roll.quarters)
    beside = len(longest.bars) - 1 <= 2
    figure, grid = _panels(len(panels), rows, beside)
    for axes, roll, (_, title, colour) in zip(grid, rolls, panels, strict=True):
        _draw(axes, roll, rows, [colour], swell=0.15)
        _label(axes, longest, rows, pitches=axes is grid[0] or not beside, bars=axes is grid[-1] or beside)
        _entitle(axes, title, colour, beside)
        axes.set_xlim(0, longest.quarters)
        axes.spines[:].set_visible(False)
    if longest.left_out:
        _say(figure, f"The first {len(longest.bars) - 1} bars.")
    return figure


def _panels(count: int, rows: Rows, beside: bool):
    """A figure with panels in a row or a column."""
    tall = min(max(rows.count * 0.047, 0.75), 1.6)
    figure = _figure(max(1.75 * count, 6), 2.6) if beside else _figure(12, tall * count + 0.4)
    shape = (1, count) if beside else (count, 1)
    grid = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False).ravel()
    figure.get_layout_engine().set(hspace=0.0, h_pad=0.06, wspace=0.0, w_pad=0.05)
    return figure, grid


def _entitle(axes, title: str, colour: str, beside: bool) -> None:
    """A title above a panel that stands beside others, or on the left of one that stands under others."""
    style = {"fontsize": 11, "color": colour, "fontweight": "bold", "linespacing": 1.25}
    if beside:
        axes.set_title(_wrapped(title), **style)
    else:
        axes.set_ylabel(_wrapped(title), rotation=0, ha="right", va="center", labelpad=8, **style)


def _wrapped(title: str) -> str:
    """At most three short lines of a title, and what stands after a line break."""
    name, *rest = _plain(title).split("\n")
    return "\n".join([*wrap(name, 18, max_lines=3, placeholder="…"), *rest])


def _plain(text: str, longest: int = 120) -> str:
    """Lines that matplotlib can write: no formulas, none too long."""
    lines = [printable(line) for line in text.split("\n")]
    return "\n".join(line if len(line) <= longest else line[: longest - 1] + "…" for line in lines).replace("$", r"\$")


def _say(figure, text: str) -> None:
    """Writes under the whole picture what it leaves out."""
    figure.supxlabel(text, fontsize=9, color=_PALE)


def _figure(width: float, height: float):
    """An empty figure; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor=_PAPER)


def _draw(axes, roll: Roll, rows: Rows, colours: Sequence[str], swell: float = 0.0) -> None:
    """Black keys, bar lines and notes, which reach over their rows by `swell` on both sides."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgb

    for row in rows.dark:
        axes.axhspan(row, row + 1, color="#f5f6f8", lw=0, zorder=0)
    axes.vlines(roll.bars, 0, rows.count, color=_FAINT, lw=0.8, zorder=1)
    for i, (starts, ends, row, velocity) in enumerate(roll.boxes(rows)):
        left, right, top, bottom = (
            starts,
            ends - np.minimum((ends - starts) / 5, 0.07),
            row - swell,
            row + 1 + swell,
        )
        corners = np.stack([left, top, right, top, right, bottom, left, bottom], 1).reshape(-1, 4, 2)
        rgb = np.broadcast_to(to_rgb(colours[i % len(colours)]), (len(row), 3))
        faces = np.column_stack([rgb, 0.55 + 0.45 * velocity])
        axes.add_collection(PolyCollection(corners, facecolors=faces, linewidths=0, zorder=2), autolim=False)
    axes.set_xlim(0, roll.quarters)
    axes.set_ylim(rows.count, 0)


def _label(axes, roll: Roll, rows: Rows, pitches: bool = True, bars: bool = True) -> None:
    """Names of pitches and drums on the left, numbers of bars below."""
    numbered, named = roll.numbered_bars(24), rows.labels
    axes.set_xticks([place for _, place in numbered], [str(bar) for bar, _ in numbered], ha="left")
    axes.set_yticks([row + 0.5 for row, _ in named], [name for _, name in named])
    axes.tick_params(length=0, labelsize=8, labelcolor=_PALE, labelleft=pitches, labelbottom=bars)
    axes.spines[:].set_color(_FAINT)


def _png(figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names in letters that matplotlib's font lacks
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
