"""Data by name or path as the examples of a preset: songs cut into windows, or pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from musicae.core.data import Examples
from musicae.errors import ConfigError, DataError
from musicae.presets import Preset
from musicae.registry import read_settings
from musicae.skipped import SKIPPED, keep, reasons, write_skipped

if TYPE_CHECKING:
    from musicae.music.data.corpus import Corpus

CORPUS = "corpus"  # the folder of a run in which its corpus is
INDEX = "index.json"  # of a corpus
ALL_TEST = (0.0, 0.0, 1.0)


class Splits(NamedTuple):
    """The parts of a data set.

    Args:
        train: examples to learn from.
        validation: to choose the best weights by.
        test: to measure on.
        report: a sentence on where they come from.
        classes: of pictures, the names of the classes by label.
        skipped: the table of the files that could not be read, with the reasons; None if there are none.
    """

    train: Examples
    validation: Examples
    test: Examples
    report: str
    classes: tuple[str, ...] = ()
    skipped: Path | None = None


class Counted(NamedTuple):
    """How many examples there are for a preset in some data.

    Args:
        report: a paragraph.
        reasons: why files were skipped, and how many each time, a line each.
        train: examples to learn from.
        validation: examples to choose the best weights by.
        test: examples to measure on.
    """

    report: str
    reasons: list[str]
    train: int
    validation: int
    test: int


def count(preset: Preset, data: Sequence[str | Path] = (), *, quiet: bool = False) -> Counted:
    """How many examples a preset would be trained on. Nothing is trained, and nothing written but a table of the files
    that were skipped, if there are any: the report says where it is.

    Args:
        preset: its representation cuts songs into windows, or scales pictures.
        data: as for `musicae.fitting.fit`.
        quiet: show no progress.

    Raises:
        DataError: there is nothing.
    """
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / CORPUS
        splits = open_data(preset, data, folder, quiet=quiet)
        found = [f"{number:,} {reason}" for reason, number in reasons(splits.skipped)]
        parts = (splits.train, splits.validation, splits.test)
        return Counted(" ".join([splits.report, *keep(splits.skipped)]), found, *map(len, parts))


def open_data(
    preset: Preset, data: Sequence[str | Path], folder: Path, *, quiet: bool = False, held_out: bool = False
) -> Splits:
    """The examples of a preset.

    Args:
        preset: its representation cuts songs into windows, or scales pictures.
        data: sources; a folder that holds a corpus is taken as it is; none for the preset's own.
        folder: where a corpus of music is written, or taken up if it is there.
        quiet: show no progress.
        held_out: the model was trained on none of the data: all of it is test, unless it comes already split or is
            the preset's own, on a part of which the model was trained.

    Raises:
        DataError: there are no examples.
    """
    if not data and preset.data is None:
        raise DataError(f"{preset.name} needs data: {_data_needed(preset)}")
    sources = [str(source) for source in data] or [preset.data]
    held_out = held_out and sources != [preset.data]
    return (_music if preset.musical else _pictures)(preset, sources, folder, quiet, held_out)


def _music(preset: Preset, sources: list[str], folder: Path, quiet: bool, held_out: bool) -> Splits:
    from musicae.music.data.corpus import build
    from musicae.music.data.windows import Windows

    corpus = _existing_corpus(preset, sources, folder)
    if corpus is None:
        fractions = ALL_TEST if held_out else (0.9, 0.05, 0.05)
        corpus = build(sources, preset.representation, folder, track=preset.track, fractions=fractions, quiet=quiet)
    augmented = {"train": {"transpose": preset.transpose, "augmentations": preset.augmentations}}
    parts = (
        Windows(windows, preset.representation, songs=corpus.songs[split], **augmented.get(split, {}))
        for split, windows in corpus.windows.items()
    )
    skipped = corpus.folder / SKIPPED if corpus.index["skipped"] and (corpus.folder / SKIPPED).exists() else None
    return Splits(*parts, corpus.report(), skipped=skipped)


def _existing_corpus(preset: Preset, sources: list[str], folder: Path) -> Corpus | None:
    """The corpus among the sources, or else the one in the folder; None where there is none.

    Raises:
        DataError: it is given together with other data, or was cut for another kind of model.
    """
    from musicae.music.data.corpus import Corpus

    existing = [path for path in (*map(Path, sources), folder) if (path / INDEX).exists()]
    if not existing:
        return None
    if len(sources) > 1 and existing != [folder]:
        raise DataError(f"{existing[0]} is a corpus with parts of its own: give it alone, without other data")
    corpus = Corpus.open(existing[0])
    try:
        cut_for = read_settings(corpus.index.get("representation"))  # settings that are not in it had their defaults
    except ConfigError:
        cut_for = None
    if cut_for != preset.representation:
        raise DataError(
            f"{corpus.folder} is a corpus cut for another kind of model than {preset.name}: give the music itself"
        )
    corpus.check(preset.representation)
    return corpus


def _pictures(preset: Preset, sources: list[str], folder: Path, quiet: bool, held_out: bool) -> Splits:
    from musicae.images.datasets import open_pictures

    if len(sources) > 1:
        raise DataError(f"{len(sources)} sources of pictures: give a single folder, archive or file")
    fractions = ALL_TEST if held_out else (0.8, 0.1, 0.1)
    splits = open_pictures(sources[0], preset.representation, seed=preset.training.seed, fractions=fractions)
    if preset.label_classes:
        splits = splits.with_label_conditions(preset.label_classes)
    rows = [(Path(sources[0]).name, *row) for row in splits.skipped]
    skipped = write_skipped(folder, rows) if rows else None
    return Splits(splits.train, splits.validation, splits.test, splits.report(), splits.classes, skipped)


def _data_needed(preset: Preset) -> str:
    if preset.musical:
        return "--data FOLDER with MIDI files, or an archive of them, or music21"
    from musicae.images.datasets import EXPECTED

    return EXPECTED
