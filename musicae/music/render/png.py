"""Piano rolls as PNG images by matplotlib, for documents."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np

from musicae.files import write_atomically
from musicae.music.render.layout import COLOURS, MOST_BARS, Roll, Rows, printable
from musicae.music.score.score import Score

_PALE, _FAINT, _PAPER = "#6b717c", "#e4e6ea", "#ffffff"
_GREY = "#8b919b"
_WAY = "#2f6fde", "#8a4fd0", "#d8417f", "#f0602f"  # from one song to another: blue, violet, red
_MOST_PANELS = 24
_SHARES = 0.0, 0.25, 0.5, 0.75, 1.0  # that are marked in one pass


def save_piano_roll(
    songs: Score | Sequence[Score], path: str | Path, force: bool = False, titles: Sequence[str] | None = None
) -> Path:
    """A PNG with the piano roll of each song, in a column; of more than 24 songs the first 24, as its caption says.

    All songs with drums have the same rows for them.

    Args:
        songs: one song or several.
        path: the file.
        force: replace an existing file.
        titles: one for each song; None for their names.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    songs = [songs] if isinstance(songs, Score) else list(songs)
    titles = [song.name for song in songs] if titles is None else titles
    shown = list(zip(songs, titles, strict=True))[:_MOST_PANELS]
    drums = Rows.of(song for song, _ in shown).drums
    layouts = [rows.with_drums(drums) for rows in (Rows.of([song]) for song, _ in shown)]
    heights = [min(max(rows.count * 0.075, 1.3), max(4.0, 0.12 * len(rows.drums))) for rows in layouts]
    figure = _figure(12, sum(heights) + 0.75 * len(heights))
    panels = figure.subplots(len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axes, rows, (song, title) in zip(panels, layouts, shown, strict=True):
        roll = Roll.of(song)
        _draw(axes, roll, rows, COLOURS)
        _label(axes, roll, rows)
        axes.set_title(_plain(" — ".join(filter(None, [title, roll.left_out]))), loc="left", fontsize=10)
    if len(shown) < len(songs):
        _caption(figure, f"The first {len(shown)} of {len(songs)} songs.")
    return write_atomically(path, _png(figure), force)


def save_interpolation(
    steps: Sequence[Score],
    path: str | Path,
    originals: tuple[Score, Score] | None = None,
    force: bool = False,
    names: tuple[str, str] | None = None,
) -> Path:
    """A PNG of an interpolation: a panel for each step from one song to another, on common axes, from blue to red.

    The panels are in a column; short ones, of two bars at most, in a row. Of more than 24
    steps 24 are shown, of long songs the first 32 bars, as the caption says.

    Args:
        steps: the songs, both ends included.
        path: the file.
        originals: the two songs themselves, shown in grey before and after their reconstructions.
        force: replace an existing file.
        names: of the two ends; None for the names of the originals, or of the first and last step.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    ends = originals or (steps[0], steps[-1])
    names = names or tuple(song.name or letter for song, letter in zip(ends, "AB", strict=True))
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _MOST_PANELS)).round().astype(int)).tolist()
    panels = [(steps[i], _step_title(i, len(steps), names), _step_colour(i, len(steps))) for i in chosen]
    if originals:
        first, last = ((song, f"{name}\noriginal", _GREY) for song, name in zip(originals, names, strict=True))
        panels = [first, *panels, last]
    return write_atomically(path, _png(_interpolation(panels)[0]), force)


def save_one_pass(
    song: Score,
    shares: np.ndarray,
    path: str | Path,
    originals: tuple[Score, Score],
    names: tuple[str, str],
    force: bool = False,
) -> Path:
    """A PNG of one pass from a song to another, from blue to red, with the two songs in grey above and below it, on
    common axes; of long songs the first 256 bars, as the caption says.

    Args:
        song: the pass.
        shares: how much of the second song is in each bar `[bars]`; marked where it reaches each quarter.
        path: the file.
        originals: the two songs.
        names: of the two.
        force: replace an existing file.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    from matplotlib.colors import to_hex

    colours = [to_hex(_way()(share)) for share in shares]
    first, last = ((one, f"{name}\noriginal", _GREY) for one, name in zip(originals, names, strict=True))
    figure, panels, lines = _interpolation([first, (song, "in one pass", colours), last], MOST_BARS, 3.2)
    for share in _SHARES:
        bar = int(np.searchsorted(shares, share))
        if bar < len(lines) - 1:
            panels[1].text(lines[bar], 0, f"{share:.0%}", color=to_hex(_way()(share)), fontsize=8, va="top")
    return write_atomically(path, _png(figure), force)


def _step_title(step: int, steps: int, names: tuple[str, str]) -> str:
    if step in (0, steps - 1):
        return names[step > 0]
    return f"{step / (steps - 1):.0%}"


def _step_colour(step: int, steps: int) -> str:
    """The colour of a step."""
    from matplotlib.colors import to_hex

    return to_hex(_way()(step / max(steps - 1, 1)))


def _way():
    """The colours from one song (0) to another (1)."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("way", _WAY)


def _interpolation(panels: list[tuple[Score, str, str | list[str]]], most_bars: int = 32, most_height: float = 1.6):
    """The figure with a panel for each (song, title, colour or colour of each bar); the panels, and their bar lines."""
    songs = [song for song, _, _ in panels]
    rows, rolls = Rows.of(songs, spare=1), [Roll.of(song, most_bars=most_bars) for song in songs]
    longest = max(rolls, key=lambda roll: roll.quarters)
    in_row = len(longest.bars) - 1 <= 2
    figure, grid = _panels(len(panels), rows, in_row, most_height)
    for axes, roll, (_, title, colour) in zip(grid, rolls, panels, strict=True):
        _draw(axes, roll, rows, [colour], overlap=0.15)
        _label(axes, longest, rows, pitches=axes is grid[0] or not in_row, bars=axes is grid[-1] or in_row)
        _entitle(axes, title, colour if isinstance(colour, str) else colour[len(colour) // 2], in_row)
        axes.set_xlim(0, longest.quarters)
        axes.spines[:].set_visible(False)
    if longest.left_out:
        _caption(figure, f"The first {len(longest.bars) - 1} bars.")
    return figure, grid, longest.bars


def _panels(count: int, rows: Rows, in_row: bool, most_height: float):
    """A figure with panels in a row or a column, so many inches high at most."""
    height = min(max(rows.count * 0.047, 0.75), most_height)
    figure = _figure(max(1.75 * count, 6), 2.6) if in_row else _figure(12, height * count + 0.4)
    shape = (1, count) if in_row else (count, 1)
    grid = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False).ravel()
    figure.get_layout_engine().set(hspace=0.0, h_pad=0.06, wspace=0.0, w_pad=0.05)
    return figure, grid


def _entitle(axes, title: str, colour: str, in_row: bool) -> None:
    """A title above a panel in a row, or on the left of one in a column."""
    style = {"fontsize": 11, "color": colour, "fontweight": "bold", "linespacing": 1.25}
    if in_row:
        axes.set_title(_wrapped(title), **style)
    else:
        axes.set_ylabel(_wrapped(title), rotation=0, ha="right", va="center", labelpad=8, **style)


def _wrapped(title: str) -> str:
    """A title broken into at most three short lines, and what follows its first line break."""
    name, *rest = _plain(title).split("\n")
    return "\n".join([*wrap(name, 18, max_lines=3, placeholder="…"), *rest])


def _plain(text: str, longest: int = 120) -> str:
    """Text that matplotlib writes as it is: no formulas, no line too long."""
    lines = [printable(line) for line in text.split("\n")]
    return "\n".join(line if len(line) <= longest else line[: longest - 1] + "…" for line in lines).replace("$", r"\$")


def _caption(figure, text: str) -> None:
    """Writes below the whole picture what it leaves out."""
    figure.supxlabel(text, fontsize=9, color=_PALE)


def _figure(width: float, height: float):
    """An empty figure; sizes in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor=_PAPER)


def _draw(axes, roll: Roll, rows: Rows, colours: Sequence[str | list[str]], overlap: float = 0.0) -> None:
    """Black keys, bar lines and notes, which extend beyond their rows by `overlap` on both sides; each track in one
    colour, or in that of each bar."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgb

    for row in rows.dark:
        axes.axhspan(row, row + 1, color="#f5f6f8", lw=0, zorder=0)
    axes.vlines(roll.bars, 0, rows.count, color=_FAINT, lw=0.8, zorder=1)
    for i, (starts, ends, row, velocity) in enumerate(roll.boxes(rows)):
        left, right, top, bottom = (
            starts,
            ends - np.minimum((ends - starts) / 5, 0.07),
            row - overlap,
            row + 1 + overlap,
        )
        corners = np.stack([left, top, right, top, right, bottom, left, bottom], 1).reshape(-1, 4, 2)
        colour = colours[i % len(colours)]
        of_bars = np.array([to_rgb(one) for one in ([colour] if isinstance(colour, str) else colour)])
        bar = np.minimum(roll.bars[1:-1].searchsorted(starts, "right"), len(of_bars) - 1)
        rgb = of_bars[bar]
        faces = np.column_stack([rgb, 0.55 + 0.45 * velocity])
        axes.add_collection(PolyCollection(corners, facecolors=faces, linewidths=0, zorder=2), autolim=False)
    axes.set_xlim(0, roll.quarters)
    axes.set_ylim(rows.count, 0)


def _label(axes, roll: Roll, rows: Rows, pitches: bool = True, bars: bool = True) -> None:
    """Names of pitches and drums on the left, numbers of bars below."""
    numbered, named = roll.numbered_bars(24), rows.labels
    axes.set_xticks([start for _, start in numbered], [str(bar) for bar, _ in numbered], ha="left")
    axes.set_yticks([row + 0.5 for row, _ in named], [name for _, name in named])
    axes.tick_params(length=0, labelsize=8, labelcolor=_PALE, labelleft=pitches, labelbottom=bars)
    axes.spines[:].set_color(_FAINT)


def _png(figure) -> bytes:
    """The figure as a PNG file; equal figures give equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names in letters that matplotlib's font lacks
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
