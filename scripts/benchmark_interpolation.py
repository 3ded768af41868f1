"""What lies between two songs: as `interpolate` finds it, and on plain paths, measured beside the songs themselves.

    python scripts/benchmark_interpolation.py --songs FOLDERS --pairs 40
    python scripts/benchmark_interpolation.py --songs FOLDERS --part all --model MODEL --save FOLDER --json FILE

Pairs are drawn in four groups: near or far in register (10 semitones and more between the mean pitches), in the same
key or not (the major scale that most notes lie in). Each song is cut to its first 32 bars that sound, and is in
two pairs at most. Songs are those of the test part, as training splits them by a hash of their notes; with --part
all, every song (of a style that no model has learnt from, or where the test part is too small: then say so).

The path is `load(MODEL).interpolate(a, b, steps=5)` of whole songs, and `steps=1`, one pass, as the command does it.
Beside it: equal steps on a straight line, and on a great circle (nothing moved into a key); the tokens of both, each
step taken from B with probability t; and with --corpus for each window the training window whose latent vector is
nearest to the line. The measures are those of `musicae.music.analysis.coherence`; moreover, of all pairs:

* `notes by line`: notes a bar by what lies on the straight line between the two ends;
* `outside`: the share of the notes that are lower than all notes of both ends, or higher;
* `silent`: the share of the windows where no note begins although one does in both ends;
* `nearer`: the share of the steps that lead nearer to B (share of the steps of music that differ); `uneven`: the
  largest change from step to step by the mean change, the mean over pairs;
* `distinguished`: the accuracy of gradient boosting on statistics of windows (`coherence.window_statistics`), middles
  against the songs, cross-validated such that no song is in two folds; `floor`: of one half of the songs against the
  other.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from classifier_test import accuracy, floor
from song_pairs import GROUPS, Pair, drawn, pool

from musicae.core.geometry import lerp, slerp
from musicae.datasets import open_data
from musicae.errors import ConfigError
from musicae.loading import load
from musicae.music.analysis.coherence import NoteSequence, array_of, measures, silent, window_statistics
from musicae.music.model import MusicModel
from musicae.music.render.png import save_interpolation
from musicae.music.representations.base import Representation
from musicae.music.representations.excerpt import Windowed
from musicae.music.representations.windowing import aligned_pair
from musicae.music.score.grid import Grid

PLACES = np.linspace(0, 1, 5, dtype=np.float32)
NAMES = ("A", "1/4", "1/2", "3/4", "B")
MIDDLE = slice(1, 4)
KNOWN = 20_000  # training windows among which the nearest is looked for
SAVED = 20  # pairs
OURS, ONE_PASS = "interpolate", "one pass"


@dataclass(frozen=True, eq=False)
class Decodes:
    """What lies between two songs, on one path.

    Args:
        arrays: of the representation, one a place.
        sequences: their notes.
        windows: statistics of the windows of each place (`window_statistics`), `[windows, statistics]`.
    """

    arrays: list[np.ndarray]
    sequences: list[NoteSequence]
    windows: list[np.ndarray]

    @classmethod
    def of(cls, kind: Representation, arrays: list[np.ndarray], grid: Grid) -> Decodes:
        """Decodes as arrays of a representation on the bars of a grid."""
        cut = [kind.cut(array, grid.windows(kind.steps))[0] for array in arrays]
        statistics = [np.stack(list(window_statistics(kind, windows).values()), 1) for windows in cut]
        return cls(arrays, [NoteSequence.of(kind, array, grid) for array in arrays], statistics)


# The paths --------------------------------------------------------------------------------------


def baselines(model: MusicModel, known: np.ndarray | None, seed: int) -> dict[str, Callable]:
    """Functions of two songs' windows, aligned, that return the windows at each place, by name."""
    found = {"line": partial(along, model, lerp), "circle": partial(along, model, slerp), "mixed": partial(mixed, seed)}
    if known is not None:
        found["nearest"] = partial(nearest, model, known, model.encode_windows(known))
    return found


def _codes(model: MusicModel, pair: tuple[Windowed, Windowed]) -> list[torch.Tensor]:
    return [torch.from_numpy(model.encode_windows(one.windows)) for one in pair]


def along(model: MusicModel, curve: Callable, pair: tuple[Windowed, Windowed]) -> list[np.ndarray]:
    """Decodes at even places of a line or a circle."""
    conditions = [model.condition(pair[int(place > 0.5)]) for place in PLACES]
    codes = curve(*_codes(model, pair), torch.from_numpy(PLACES)).numpy()
    return [model.decode_windows(z, condition) for z, condition in zip(codes, conditions, strict=True)]


def mixed(seed: int, pair: tuple[Windowed, Windowed]) -> list[np.ndarray]:
    """Each step of the windows taken from the second with probability t, without a model."""
    first, second = (one.windows for one in pair)
    chance = np.random.default_rng(seed).random((len(first), first.shape[-1]))
    chance = chance.reshape(len(first), *[1] * (first.ndim - 2), -1)
    return [np.where(chance < place, second, first) for place in PLACES]


def nearest(model: MusicModel, known: np.ndarray, codes: np.ndarray, pair: tuple[Windowed, Windowed]):
    """The known windows with the nearest latent vectors to even places of a line; the ends as they are."""
    line = lerp(*_codes(model, pair), torch.from_numpy(PLACES))
    found = [known[torch.cdist(z, torch.from_numpy(codes)).argmin(1).numpy()] for z in line[MIDDLE]]
    return [pair[0].windows, *found, pair[1].windows]


def interpolated(model: MusicModel, pair: Pair, save: Path | None, plain: dict[str, Callable]) -> dict[str, Decodes]:
    """All paths between two songs, and the two songs themselves, as the representation holds them."""
    kind = model.representation
    ends, _ = aligned_pair(kind, *(model.extract(one.song) for one in pair.songs))
    steps = model.interpolate(*(one.song for one in pair.songs), steps=len(PLACES))
    if save:
        name = f"{pair.group} {pair.songs[0].name} to {pair.songs[1].name}"
        steps.save(save / f"{name}.mid", force=True)
        names = tuple(one.name for one in pair.songs)
        save_interpolation(steps.songs, save / f"{name}.png", steps.originals, True, names)
    arrays = {
        "songs": [kind.join(one.windows, ends[0].lengths) for one in ends],
        OURS: [array_of(kind, song, steps.ticks)[0] for song in steps.songs],
    }
    for name, baseline in plain.items():
        arrays[name] = [kind.join(windows, ends[0].lengths) for windows in baseline(ends)]
    found = {name: Decodes.of(kind, some, ends[0].excerpt.grid) for name, some in arrays.items()}
    try:
        once = model.interpolate(*(one.song for one in pair.songs), steps=1)
    except ConfigError:  # too short for it
        return found
    array, grid = array_of(kind, once.song, once.ticks)
    return found | {ONE_PASS: Decodes.of(kind, [array], grid)}


# Figures ----------------------------------------------------------------------------------------


def figures(model: MusicModel, decodes: Decodes) -> dict[str, Any]:
    """The figures of one pair: lists of one a place, and of the whole path."""
    rows = [measures(sequence) for sequence in decodes.sequences]
    found = {name: [row[name] for row in rows] for name in rows[0]}
    notes, last = found["notes_a_bar"], len(rows) - 1
    shares = np.linspace(0, 1, len(rows))
    found["notes_on_line"] = ((1 - shares) * notes[0] + shares * notes[-1]).tolist()
    none = [silent(sequence) for sequence in decodes.sequences]
    both = ~none[0] & ~none[-1]
    found["silent"] = [float(one[both].mean()) if both.any() else 0.0 for one in none]
    found["outside"] = _outside([one.pitch[one.pitched] for one in decodes.sequences])
    found["changes"] = [_differ(model, *decodes.arrays[i : i + 2]) for i in range(last)]
    found["to_b"] = [_differ(model, array, decodes.arrays[-1]) for array in decodes.arrays]
    return found


def _outside(pitches: list[np.ndarray]) -> list[float]:
    """The share of the notes of each place that lie below all notes of both ends, or above."""
    ends = np.concatenate([pitches[0], pitches[-1]])
    if not len(ends):
        return [np.nan] * len(pitches)
    return [float(((one < ends.min()) | (one > ends.max())).mean()) if len(one) else 0.0 for one in pitches]


def _differ(model: MusicModel, a: np.ndarray, b: np.ndarray) -> float:
    steps = min(a.shape[-1], b.shape[-1])
    return 1 - float(model.representation.step_matches(a[None, ..., :steps], b[None, ..., :steps]).mean())


def summary(rows: list[dict]) -> dict[str, Any]:
    """Means over pairs, for each place, and of the whole path."""
    found = {name: np.nanmean([row[name] for row in rows], 0).tolist() for name in rows[0]}
    notes, line = (np.sum([row[name] for row in rows], 0) for name in ("notes_a_bar", "notes_on_line"))
    found["notes_by_line"] = (notes / line).tolist()
    to_b = np.array([row["to_b"] for row in rows])
    found["nearer"] = float(((np.diff(to_b) < 0) | (to_b[:, 1:] == 0)).mean())
    changes = np.array([row["changes"] for row in rows])
    moving = changes.sum(1) > 0
    found["uneven"] = float((changes.max(1)[moving] / changes.mean(1)[moving]).mean()) if moving.any() else 1.0
    return found


def distinguished(pairs: list[Pair], all_decodes: list[dict[str, Decodes]], seed: int) -> dict[str, Any]:
    """The accuracies of the classifier: `floor`, and by way one for each of the places between."""
    songs = [one.number for pair in pairs for one in pair.songs]
    joined = np.array([[one.number for one in pair.songs] for pair in pairs])
    real = [array for each in all_decodes for array in each["songs"].windows]
    found = {"floor": floor(real, songs, joined, seed)}
    for name in {name for each in all_decodes for name in each} - {"songs"}:
        own = [i for i, each in enumerate(all_decodes) if name in each]
        windows = [all_decodes[i][name].windows for i in own]
        places = zip(*(one[MIDDLE] or one for one in windows), strict=True)
        first = joined[own, 0].tolist()
        found[name] = [accuracy(real, songs, list(place), first, joined, seed) for place in places]
    return found


# Tables -----------------------------------------------------------------------------------------

ROWS = {
    "leaps": "leaps over 7",
    "leaps_octave": "leaps over 12",
    "interval": "mean interval",
    "repeated_notes": "repeated notes",
    "range": "range a window",
    "outside": "notes outside the range of both",
    "notes_by_line": "notes by line",
    "silent": "silent windows",
    "scale_window": "scale, a window",
    "scale_16": "scale, 16 bars",
    "rhythms_16": "repeated rhythms, 16 bars",
    "bars_16": "repeated bars, 16 bars",
    "leaps_seams": "leaps over 7 at seams",
    "leaps_inside": "leaps over 7 inside",
}


def table(name: str, found: dict, accuracies: list[float] | None) -> list[str]:
    """The figures of one path, a row for each measure."""
    lines = [f"\n| {name} | {' | '.join(NAMES)} |", "|---|" + "---|" * len(NAMES)]
    for key, title in ROWS.items():
        if np.isfinite(found[key]).any():
            lines.append(f"| {title} | {' | '.join(f'{value:.3f}' for value in found[key])} |")
    if accuracies:
        lines.append(f"| distinguished from songs | | {' | '.join(f'{value:.3f}' for value in accuracies)} | |")
    return [*lines, f"nearer to B {found['nearer']:.3f}, uneven {found['uneven']:.2f}"]


def pass_table(rows: list[dict[str, float]], found: dict, distinguished: float) -> list[str]:
    """The means over one pass from A to B, beside those of the ends."""
    lines = ["\n| one pass | the ends | the pass |", "|---|---|---|"]
    for key, title in ROWS.items():
        values = [row[key] for row in rows if np.isfinite(row.get(key, np.nan))]
        if values:
            lines.append(f"| {title} | {np.mean([found[key][0], found[key][-1]]):.3f} | {np.mean(values):.3f} |")
    return [*lines, f"| distinguished from songs | | {distinguished:.3f} |"]


def groups_table(by_group: dict[str, dict]) -> list[str]:
    """The middle of the path group by group, with the mean of the ends in brackets."""
    lines = [f"\n| at 1/2 (ends) | {' | '.join(by_group)} |", "|---|" + "---|" * len(by_group)]
    for key, title in ROWS.items():
        values = [found[key] for found in by_group.values()]
        cells = [f"{one[2]:.3f} ({np.mean([one[0], one[-1]]):.3f})" for one in values]
        if np.isfinite(values).any():
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def must(found: dict, accuracies: list[float], least: float, identical: float, ends: float) -> list[str]:
    """What must be reached: at 1/2, at the worst of the three places, and whether that is reached."""
    end = {key: (found[key][0] + found[key][-1]) / 2 for key in ROWS}
    minus, by = (
        (lambda key: [v - end[key] for v in found[key][MIDDLE]]),
        (lambda key: [v / end[key] if end[key] else np.nan for v in found[key][MIDDLE]]),
    )
    rows = [
        ("leaps over an octave, middle minus ends", minus("leaps_octave"), "<=", 0.01),
        ("mean interval, middle by ends", by("interval"), "<=", 1.2),
        ("scale over sixteen bars, middle minus ends", minus("scale_16"), ">=", -0.01),
        ("repeated notes, middle minus ends", minus("repeated_notes"), "<=", 0.03),
        ("repeated rhythms over sixteen bars, middle by ends", by("rhythms_16"), ">=", 0.8),
        ("notes a bar by the line, least", found["notes_by_line"][MIDDLE], ">=", 0.85),
        ("notes a bar by the line, most", found["notes_by_line"][MIDDLE], "<=", 1.2),
        ("silent windows where both ends sound", found["silent"][MIDDLE], "<=", 0.0),
        (f"distinguished from songs (floor {least:.3f})", accuracies, "<=", least + 0.08),
        ("steps that lead nearer to B", [found["nearer"]] * 3, ">=", 0.97),
        ("largest change by mean change", [found["uneven"]] * 3, "<=", 1.6),
        ("ends are reconstructions, share of pairs", [ends] * 3, ">=", 1.0),
        ("identical songs: steps that are the song", [identical] * 3, ">=", 1.0),
    ]
    lines = ["\n| must reach | at 1/2 | worst place | must | reached |", "|---|---|---|---|---|"]
    for title, values, sign, bound in rows:
        if np.isfinite(values).all():
            worst = max(values) if sign == "<=" else min(values)
            good = worst <= bound + 1e-9 if sign == "<=" else worst >= bound - 1e-9
            lines.append(
                f"| {title} | {values[1]:.3f} | {worst:.3f} | {sign} {bound:.2f} | {'yes' if good else 'no'} |"
            )
    return lines


# The command ------------------------------------------------------------------------------------


def of_identical(model: MusicModel, pairs: list[Pair]) -> float:
    """Between a song and itself: the share of the steps that are the song's reconstruction, to the note."""
    same = []
    for pair in pairs:
        song = pair.songs[0].song
        once = model.reconstruct(song).song
        steps = model.interpolate(song, song, steps=len(PLACES)).songs
        notes = [[track.notes.tolist() for track in one.tracks] for one in (once, *steps)]
        same += [one == notes[0] for one in notes[1:]]
    return float(np.mean(same))


def ends_are_reconstructions(all_decodes: list[dict[str, Decodes]]) -> float:
    """The share of the first and last steps that have the notes of plain decodes of the posterior means."""
    ends = [[each[name].sequences[i] for name in (OURS, "line")] for each in all_decodes for i in (0, -1)]
    notes = [[{*zip(one.start, one.part, one.pitch, strict=True)} for one in both] for both in ends]
    return float(np.mean([one == other for one, other in notes]))


def options_of(description: str) -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", nargs="+", required=True, type=Path, help="folders of songs")
    parser.add_argument("--model", default="melody-2bar", help="a model that ships, or a folder that training wrote")
    parser.add_argument(
        "--part", choices=("validation", "test", "all"), default="test", help="of the songs (default: test)"
    )
    parser.add_argument("--pairs", type=int, default=40, help="in all groups together (default: 40)")
    parser.add_argument("--group", choices=GROUPS, help="of pairs; all four if none is named")
    parser.add_argument("--seed", type=int, default=0, help="of the pairs")
    parser.add_argument("--corpus", help="that the model was trained on: for the nearest real windows")
    parser.add_argument("--fast", action="store_true", help="no baseline but the line")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--save", type=Path, help=f"folder for MIDI files and pictures of up to {SAVED} pairs")
    return parser


def main() -> None:
    """Draw pairs, go all paths, measure, print."""
    options = options_of(__doc__).parse_args()
    torch.set_num_threads(1)
    model = load(options.model)
    songs = pool(model, options.songs, options.part, 4 * options.pairs, options.seed)
    pairs = drawn(songs, options.pairs, options.seed, options.group)
    print(f"{len(songs)} songs; pairs: " + ", ".join(f"{sum(p.group == g for p in pairs)} {g}" for g in GROUPS))
    known = None
    if options.corpus:
        train = open_data(model.preset, [options.corpus], Path()).train.array
        known = np.asarray(train[np.sort(np.random.default_rng(0).permutation(len(train))[:KNOWN])])
    plain = baselines(model, known, options.seed)
    plain = {"line": plain["line"]} if options.fast else plain
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
    turn = max(len(pairs) // SAVED, 1)
    folders = [None if i % turn else options.save for i in range(len(pairs))]
    all_decodes = [interpolated(model, *each, plain) for each in zip(pairs, folders, strict=True)]
    names = all_decodes[0].keys() - {ONE_PASS}
    rows = {name: [figures(model, each[name]) for each in all_decodes] for name in names}
    tell = distinguished(pairs, all_decodes, options.seed)
    found = {name: summary(some) for name, some in rows.items()}
    for name in plain:
        print("\n".join(table(name, found[name], tell[name])))
    print("\n".join(table(OURS, found[OURS], tell[OURS])))
    passes = [measures(each[ONE_PASS].sequences[0]) for each in all_decodes if ONE_PASS in each]
    if passes:
        print("\n".join(pass_table(passes, found[OURS], tell[ONE_PASS][0])))
    which = {g: [row for row, pair in zip(rows[OURS], pairs, strict=True) if pair.group == g] for g in GROUPS}
    print("\n".join(groups_table({g: summary(some) for g, some in which.items() if some})))
    checks = of_identical(model, pairs[:: max(len(pairs) // 4, 1)]), ends_are_reconstructions(all_decodes)
    print("\n".join(must(found[OURS], tell[OURS], tell["floor"], *checks)))
    if options.json:
        names = [[pair.group, *(one.path for one in pair.songs)] for pair in pairs]
        text = {"pairs": names, "rows": rows, "distinguished": tell, "figures": found, "one_pass": passes}
        options.json.write_text(json.dumps(text), encoding="utf-8")


if __name__ == "__main__":
    main()
