"""The private words that the code once had, and that are not to come back: the field's standard terms are in their
place. Each list maps a regular expression to the standard term.

* NAMES are looked for among all identifiers.
* DEFINED have an everyday meaning too, and are looked for where a name is given: of functions, classes, parameters,
  attributes.
* PHRASES are looked for in strings (docstrings, help texts and messages among them), comments and the names of tests.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AREA = ("musicae/**/*.py", "tests/**/*.py", "scripts/*.py")

NAMES = {
    "(.*_)?(re)?told(_.*)?|Told|Telling": "conditions, with_condition, ConditioningOptions",
    "(.*_)?obeyed(_.*)?": "enforce_condition",
    "(.*_)?stepwise(_.*)?": "per_step_condition",
    "Hearing|hearing|hears?|Passage|passages?": "Excerpt, Windowed, excerpt, extract",
    "Voice|Stack|Cells": "StepDecoder, LSTMStack, FastLSTM",
    "Feedback|feedback": "ScheduledSampling, scheduled_sampling",
    "goes_on": "feed_after_end",
    "coast(ing)?": "momentum_on_skip",
    "switches|multi_?switch(es)?": "binary units, multi_hot_drums",
    "Combined|combinations_of": "BitmaskBernoulli, bitmask_streams",
    "Marked|Unplayed|AnyOf": "HitsVelocityOffset, GrooveCorruption, OneOf",
    "put_back": "restore_known",
    "Absolute|Square|Discrepancy|Adversary": "L1, L2, MMD, AdversarialPenalty",
    "Exchange|Silence|Splice": "SwapParts, DropParts, SpliceInTime",
    "Choice|CHOOSING": "Reranker",
    "even_places|in_key": "equal_change_positions, in_scale",
    "wish(ed|es)?": "requested_amounts",
    "lessons|exams?": "train, test",
    "verdicts?": "report, predictions",
    "struck|steps_right|lanes|mended|mending": "has_onset, step_matches, part_view, repaired, repair",
    "Placing|Listening|Writing|WithModel": "OutputOptions, SelectionOptions, SongOutputOptions, ModelOptions",
}
DEFINED = {
    "given|Given|beside": "conditioned_on, teacher_forced, concatenated",
    "asked": "requested_conditions, requested",
    "heard|said": "inputs, outputs",
    "apart": "separate_decoders",
    "fine": "full_resolution",
    "Event|event": "ExampleSpec, example_spec",
    "Reader|Played": "InputEncoder, HVOLaplace",
    "combinations": "bitmask streams",
    "remains|certain": "partial inputs, deterministic",
    "learner": "discriminator",
    "choice": "reranker",
    "between|way": "interpolation, path",
    "repeats|averages": "first_occurrence_ids, means",
    "made": "generated",
    "doubt|coverage": "conditional entropy, marginal entropy",
    "spread|particular|each": "rejoin, extra_metrics, training_tracks",
    "rolls|exchange": "layout, formats",
    "damaged|clean": "corrupted, target",
}
PHRASES = {
    r"\bhears\b": "takes, reads",
    r"\b(is|are|be|was|were|been|not) told\b": "conditioned on",
    r"\btold (beside|chords|key|the hits)\b": "conditioned on",
    r"\b(model|network|encoder|decoder|core|it|classifier|judge) sees\b": "takes, reads",
    r"\b(comes?|came) back\b": "reconstructed, kept",
    r"\bgives? back\b": "reconstructs",
    r"\bretold\b|\bobeyed\b|\bunplayed\b": "with_condition, enforce_condition, corrupted",
    r"\bquarters a minute\b": "BPM",
    r"\bleft aside\b": "ignored",
    r"\b(verdicts?|lessons|exam)\b": "predictions, train, test",
    r"\bcoast(s|ing)?\b": "momentum on a skipped step",
}
ALLOWED = {  # (file, word): reason
    ("musicae/migration.py", "coast"): "a name of format 1",
    ("musicae/images/builtin.py", "choice"): "numpy's",
    ("musicae/images/metrics.py", "averages"): "of ratios over batches",
    ("musicae/music/evaluation/two_sample.py", "choice"): "numpy's",
    ("scripts/check_magenta_js.py", "choice"): "numpy's",
    ("tests/music/analysis/test_similarity.py", "choice"): "numpy's",
    ("tests/music/formats/test_reading.py", "choice"): "Python's",
    ("tests/music/representations/test_all.py", "choice"): "numpy's",
    ("tests/signatures.py", "each"): "a mark of pytest: run for each preset",
    ("tests/test_benchmark_models.py", "choice"): "numpy's",
}


def files() -> list[Path]:
    return sorted({path for pattern in AREA for path in ROOT.glob(pattern)} - {Path(__file__)})


@cache
def tokens(path: Path) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline))


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """All names but those of tests, with their lines."""
    for token in tokens(path):
        if token.type == tokenize.NAME and not token.string.startswith("test_"):
            yield token.start[0], token.string


def defined(path: Path) -> Iterator[tuple[int, str]]:
    """Names of functions, classes, parameters and attributes, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.lineno, node.arg
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Strings, comments and the names of tests, with their lines."""
    for token in tokens(path):
        if token.type == tokenize.NAME and token.string.startswith("test_"):
            yield token.start[0], token.string.replace("_", " ")
        elif token.type in (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)):
            yield token.start[0], " ".join(token.string.split())


SEARCHES = ((identifiers, NAMES, re.fullmatch), (defined, DEFINED, re.fullmatch), (texts, PHRASES, re.search))


@cache
def old_words_in(text: str, search: int) -> list[tuple[str, str]]:
    """The old words in a text, by one of the searches, and their standard terms: most names occur in many files."""
    _, words, find = SEARCHES[search]
    return [(match[0], standard) for old, standard in words.items() if (match := find(old, text))]


def old_words(path: Path) -> Iterator[tuple[int, str, str]]:
    """The old words in a file: line, word, standard term."""
    for i, (source, *_) in enumerate(SEARCHES):
        for line, text in source(path):
            yield from ((line, word, standard) for word, standard in old_words_in(text, i))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_words_are_those_of_the_field(path):
    name = path.relative_to(ROOT).as_posix()
    wrong = [one for one in old_words(path) if (name, one[1]) not in ALLOWED]
    assert [f"{name}:{line}: {word!r}; the standard term: {standard}" for line, word, standard in wrong] == []


@pytest.mark.parametrize(("name", "word"), ALLOWED)
def test_every_exception_is_needed(name, word):
    assert word in {found for _, found, _ in old_words(ROOT / name)}
