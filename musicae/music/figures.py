"""Pictures of songs: piano rolls as SVG for pages and notebooks, as PNG by matplotlib for documents.

Every picture is laid out the same way: a row for each semitone, under them rows for the drums; time in
quarter notes, with the bar lines of the song.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

import numpy as np

from musicae.files import write_atomically
from musicae.music.grid import Grid
from musicae.music.song import NOTE, Song, Track

# Tableau-like hues that are told apart on white and on black, also by most colour-blind eyes.
COLOURS = "#4269d0", "#ff725c", "#3ca951", "#efb118", "#a463f2", "#6cc5b0", "#ff8ab7", "#9c6b4e"
MOST_NOTES = 4000  # in one picture
MOST_BARS = 256
_NAMES = "C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"
_BLACK = 1, 3, 6, 8, 10
_DRUMS = {
    35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "clap", 40: "snare", 41: "low tom", 42: "hi-hat",
    43: "low tom", 44: "pedal hat", 45: "mid tom", 46: "open hat", 47: "mid tom", 48: "high tom", 49: "crash",
    50: "high tom", 51: "ride", 52: "china", 53: "ride bell", 54: "tambourine", 55: "splash", 56: "cowbell",
    57: "crash", 59: "ride",
}  # fmt: skip


def pitch_name(pitch: int) -> str:
    """The name of a MIDI pitch; 60 is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


# Layout -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """The rows of a picture from the top: semitones from `high` to `low`, a gap, two for each of `drums`."""

    low: int
    high: int
    drums: tuple[int, ...]

    @classmethod
    def of(cls, songs: Iterable[Song], spare: int = 2) -> _Rows:
        """Rows for all notes of all songs, with `spare` semitones on both sides and an octave at least."""
        tracks = [track for song in songs for track in song.tracks]
        drums = np.unique(_pitches(track for track in tracks if track.is_drum)).tolist()
        pitches = _pitches(track for track in tracks if not track.is_drum)
        if not len(pitches) and drums:
            return cls(0, -1, tuple(drums))
        low, high = (int(pitches.min()), int(pitches.max())) if len(pitches) else (60, 71)
        spare = max((12 - high + low) // 2, spare)
        return cls(max(low - spare, 0), min(high + spare, 127), tuple(drums))

    @property
    def semitones(self) -> int:
        return self.high - self.low + 1

    @property
    def count(self) -> int:
        """All rows with the gap."""
        gap = bool(self.semitones and self.drums)
        return self.semitones + gap + 2 * len(self.drums)

    def of_notes(self, pitches: np.ndarray, is_drum: bool) -> np.ndarray:
        """The row of each pitch of a track, counted from the top; drums stand in the middle of their two."""
        if not is_drum:
            return self.high - pitches.astype(float)
        return self.count - 1.5 - 2 * np.searchsorted(self.drums, pitches)

    @property
    def labels(self) -> list[tuple[float, str]]:
        """(top of the row, name) of every drum and every C; of every G too where there are few."""
        labelled = (0,) if self.semitones > 24 else (0, 7)
        named = [pitch for pitch in range(self.low, self.high + 1) if pitch % 12 in labelled]
        drums = np.array(self.drums, int)
        rows = zip(self.of_notes(drums, True).tolist(), self.drums, strict=True)
        return [(self.high - pitch, pitch_name(pitch)) for pitch in named] + [
            (row, _DRUMS.get(drum, f"drum {drum}")) for row, drum in rows
        ]

    @property
    def dark(self) -> list[int]:
        """The rows of the black keys."""
        return [self.high - pitch for pitch in range(self.low, self.high + 1) if pitch % 12 in _BLACK]


def _pitches(tracks: Iterable[Track]) -> np.ndarray:
    return np.concatenate([np.zeros(0, "u1"), *(track.notes["pitch"] for track in tracks)])


@dataclass(frozen=True, eq=False)
class _Roll:
    """What is drawn of a song.

    Attributes:
        bars: the bar lines in quarter notes, the last ends the picture.
        tracks: those with notes.
        notes: of each of them the NOTE array that is drawn, in ticks.
        ticks: ticks a quarter.
        left_out: what is not drawn, in words; empty if all is.
    """

    bars: np.ndarray
    tracks: list[Track]
    notes: list[np.ndarray]
    ticks: int
    left_out: str

    @classmethod
    def of(cls, song: Song, most_notes: int = MOST_NOTES, most_bars: int = MOST_BARS) -> _Roll:
        """The song as far as `most_notes` notes and `most_bars` bars go."""
        tracks = [track for track in song.tracks if len(track.notes)]
        lines = Grid.of(song).bar_ticks
        everything = np.concatenate([np.zeros(0, NOTE), *(track.notes for track in tracks)])
        drawn = lines[: most_bars + 1]
        order = np.argsort(everything["start"], kind="stable")
        order = order[everything["start"][order] < drawn[-1]][:most_notes]
        last = everything["start"][order[-1]] if len(order) < len(everything) and len(order) else drawn[-1] - 1
        drawn = drawn[: np.searchsorted(drawn, last, "right") + 1]
        which = np.repeat(np.arange(len(tracks)), [len(track.notes) for track in tracks])[order]
        notes = [_cut(everything[order[which == i]], drawn[-1]) for i in range(len(tracks))]
        said = _left_out(len(order), len(everything), len(drawn) - 1, len(lines) - 1)
        return cls(drawn / song.ticks_per_quarter, tracks, notes, song.ticks_per_quarter, said)

    @property
    def quarters(self) -> float:
        return float(self.bars[-1])

    def boxes(self, rows: _Rows) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Of each track (start, end, row, velocity) of its notes, the times in quarter notes."""
        for track, notes in zip(self.tracks, self.notes, strict=True):
            row = rows.of_notes(notes["pitch"], track.is_drum)
            yield notes["start"] / self.ticks, notes["end"] / self.ticks, row, notes["velocity"] / 127

    def numbered_bars(self, most: int) -> list[tuple[int, float]]:
        """(number, place in quarter notes) of at most `most` bars, evenly chosen from the first on."""
        stride = next(2**k for k in range(30) if 2**k * most >= len(self.bars) - 1)
        return [(bar + 1, float(self.bars[bar])) for bar in range(0, len(self.bars) - 1, stride)]


def _cut(notes: np.ndarray, end: int) -> np.ndarray:
    notes["end"] = np.minimum(notes["end"], end)
    return notes


def _left_out(notes: int, all_notes: int, bars: int, all_bars: int) -> str:
    """What of a song is not drawn."""
    if notes == all_notes:
        return ""
    return f"The picture shows {notes} of {all_notes} notes, in bars 1 to {bars} of {all_bars}."


def printable(text: str) -> str:
    """`text` in one line, without what XML and UTF-8 cannot hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# SVG ----------------------------------------------------------------------------------------------

_LEFT, _TOP, _BOTTOM = 58, 16, 6  # room for the labels


def piano_roll_svg(song: Song, most_notes: int = MOST_NOTES) -> str:
    """A piano roll as an SVG element that needs nothing else, in a page or in a file of its own.

    Tracks are told apart by colour, louder notes are stronger; lines and labels take the text colour around
    them, so that it is legible on light and on dark. It scales with what it stands in.

    Args:
        song: the song.
        most_notes: notes that are drawn; what is left out is said in the picture.
    """
    roll, rows = _Roll.of(song, most_notes), _Rows.of([song])
    across = min(max(16.0, 420 / roll.quarters), 6000 / roll.quarters)  # pixels per quarter note
    down = min(max(250 / rows.count, 6.0), 11.0)
    width, height = _LEFT + across * roll.quarters + 4, _TOP + down * rows.count + _BOTTOM
    below = 18 * bool(roll.left_out) + 18 * (len(roll.tracks) > 1)
    parts = [
        _svg_head(song, roll, width, height + below),
        _svg_ground(roll, rows, across, down, width, height),
        *_svg_tracks(roll, rows, across, down),
        _svg_foot(roll, height),
        "</svg>",
    ]
    return "".join(parts)


def _svg_head(song: Song, roll: _Roll, width: float, height: float) -> str:
    notes = sum(len(track.notes) for track in song.tracks)
    said = f"Piano roll of {printable(song.name) or 'a song'}: {notes} notes in {len(roll.tracks)} tracks."
    said = escape(" ".join([said, roll.left_out]).strip())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.4g} {height:.4g}" role="img" '
        f'aria-label="{said}" width="100%" style="min-width:{min(width, 320 + width / 2):.0f}px;'
        f'max-width:{1.5 * width:.0f}px;display:block" font-family="system-ui,sans-serif" font-size="10" '
        f'fill="currentColor"><title>{said}</title>'
    )


def _svg_ground(roll: _Roll, rows: _Rows, across: float, down: float, width: float, height: float) -> str:
    """Black keys, bar lines and labels."""
    long = across * roll.quarters
    keys = "".join(f"M{_LEFT} {_TOP + down * row:.2f}h{long:.2f}v{down:.2f}h-{long:.2f}z" for row in rows.dark)
    tall = down * rows.count
    bars = "".join(f"M{_LEFT + across * bar:.2f} {_TOP}v{tall:.2f}" for bar in roll.bars.tolist())
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


def _svg_tracks(roll: _Roll, rows: _Rows, across: float, down: float) -> Iterator[str]:
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


def _svg_foot(roll: _Roll, height: float) -> str:
    """Which colour is which track, and what is left out."""
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


# PNG ----------------------------------------------------------------------------------------------

_PALE, _FAINT, _PAPER = "#6b717c", "#e4e6ea", "#ffffff"
_MOST_PANELS = 24


def save_piano_roll(
    songs: Song | Sequence[Song], path: str | Path, force: bool = False, titles: Sequence[str] | None = None
) -> Path:
    """A PNG with the piano roll of each song, one under the other; of 24 at most, which is said in it.

    Args:
        songs: one song or several.
        path: the file.
        force: replace an existing file.
        titles: one for each song; without them their names.

    Raises:
        Error: the file exists and `force` is off, or it cannot be written.
    """
    songs = [songs] if isinstance(songs, Song) else list(songs)
    titles = [song.name for song in songs] if titles is None else titles
    shown = list(zip(songs, titles, strict=True))[:_MOST_PANELS]
    heights = [min(max(_Rows.of([song]).count * 0.075, 1.3), 4.0) for song, _ in shown]
    figure = _figure(12, sum(heights) + 0.75 * len(heights))
    panels = figure.subplots(len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axes, (song, title) in zip(panels, shown, strict=True):
        rows, roll = _Rows.of([song]), _Roll.of(song)
        _draw(axes, roll, rows, COLOURS)
        _label(axes, roll, rows)
        axes.set_title(_plain(" — ".join(filter(None, [title, roll.left_out]))), loc="left", fontsize=10)
    if len(shown) < len(songs):
        _say(figure, f"The first {len(shown)} of {len(songs)} songs.")
    return write_atomically(path, _png(figure), force)


def save_interpolation(
    steps: Sequence[Song],
    path: str | Path,
    originals: tuple[Song, Song] | None = None,
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


def _interpolation(panels: list[tuple[Song, str, str]]):
    """The figure with a panel for each (song, title, colour)."""
    songs = [song for song, _, _ in panels]
    rows, rolls = _Rows.of(songs, spare=1), [_Roll.of(song, most_bars=32) for song in songs]
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


def _panels(count: int, rows: _Rows, beside: bool):
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


def _draw(axes, roll: _Roll, rows: _Rows, colours: Sequence[str], swell: float = 0.0) -> None:
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


def _label(axes, roll: _Roll, rows: _Rows, pitches: bool = True, bars: bool = True) -> None:
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
