"""The comparison of our models with the recurrent ones: `scripts/benchmark_models.py`."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny

from musicae.core import checkpoints
from musicae.core.configuration import to_data
from musicae.core.networks import Recurrent
from musicae.datasets import INDEX, open_data
from musicae.fitting import fit
from musicae.loading import load, parameters, read_preset
from musicae.music.representations import Drums
from musicae.music.score.score import Track
from musicae.presets import PRESETS

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture
def scripts(monkeypatch):
    """The modules baselines, benchmark_models and pages."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return {name: importlib.import_module(name) for name in ("baselines", "benchmark_models", "pages")}


@pytest.fixture
def songs(tmp_path):
    """A folder of beats, no two alike."""
    folder, random = tmp_path / "songs", np.random.default_rng(0)
    folder.mkdir()
    for i in range(24):
        song = tiny.song(4)
        notes = song.tracks[0].notes.copy()
        notes["pitch"] = random.choice([36, 38, 42, 46], len(notes))
        replace(song, tracks=(Track(notes, is_drum=True),)).save(folder / f"{i}.mid")
    return folder


@pytest.fixture
def pair(scripts, monkeypatch):
    """A tiny pair of drums: ours reads each drum, the recurrent one their combinations."""
    network = Recurrent(encoder_units=(8,), decoder_units=(8,))
    one = scripts["baselines"].Pair("tiny-beat", "cat-drums_2bar_small", "Beats.", network, (("labels", True),), "0.9")
    monkeypatch.setattr(scripts["baselines"], "affordable", lambda *_: 3)
    monkeypatch.setattr(scripts["benchmark_models"], "PAIRS", (one,))
    monkeypatch.setattr(scripts["benchmark_models"], "PAIR", {one.ours: one})
    return one


BEAT = replace(tiny.MELODY, name="tiny-beat", representation=Drums(steps=32), transpose=(0, 0), track=None)


def test_a_baseline_differs_from_ours_only_in_network_objective_and_training(scripts):
    baselines = scripts["baselines"]
    for pair in baselines.PAIRS:
        if pair.ours not in PRESETS:
            continue
        ours, theirs = PRESETS[pair.ours], baselines.recurrent(pair, PRESETS[pair.ours], 1000)
        assert isinstance(theirs.network, Recurrent)
        assert parameters(theirs) > 1e6
        assert theirs.training.batch_size == ours.training.batch_size
        assert (theirs.transpose, theirs.track, theirs.corruption) == (ours.transpose, ours.track, ours.corruption)
        assert theirs.representation.shape == ours.representation.shape
        assert theirs.training.learning_rate(1000) < 1e-4 < theirs.training.learning_rate(500)


@pytest.mark.parametrize("name", ["cat-mel_2bar_small", "cat-drums_2bar_small", "hierdec-mel_16bar"])
@pytest.mark.parametrize("steps", [10, 4000, 50_000])
def test_compressed_schedules_end_as_the_originals_do_after_their_steps(scripts, name, steps):
    original = PRESETS[name].objective
    objective = scripts["baselines"].compressed(original, steps)
    for share in (0.1, 0.5, 1.0):
        at, there = round(share * steps), round(share * 50_000)
        assert objective.beta(at) == pytest.approx(original.beta(there))
    if original.scheduled_sampling:
        assert objective.scheduled_sampling(0) == pytest.approx(original.scheduled_sampling(0), abs=0.01)
        assert objective.scheduled_sampling(steps // 2) == pytest.approx(original.scheduled_sampling(25_000), abs=0.01)


def test_both_are_trained_on_the_same_windows_and_a_finished_run_is_kept(scripts, pair, songs, tmp_path):
    train, runs = scripts["baselines"].train, tmp_path / "runs"
    ours = fit(BEAT, [songs], runs / BEAT.name, say=None)
    folder = train(pair, BEAT, runs / BEAT.name / "corpus", runs, 1.0)
    assert folder == runs / "tiny-beat-recurrent"
    theirs = load(folder)
    assert theirs.metrics["trained"]["steps"] == 3
    assert theirs.representation == replace(BEAT.representation, labels=True)
    both = [open_data(preset, [f / "corpus"], f) for preset, f in ((ours.preset, ours.folder), (theirs.preset, folder))]
    assert np.array_equal(both[0].train.array, both[1].train.array)
    assert theirs.metrics["held_out"]["examples"] == ours.metrics["held_out"]["examples"]
    before = (folder / checkpoints.METRICS).stat().st_mtime_ns
    assert train(pair, BEAT, songs, runs, 1.0) == folder
    assert (folder / checkpoints.METRICS).stat().st_mtime_ns == before


def test_an_interrupted_run_is_resumed_with_its_own_steps(scripts, pair, songs, tmp_path, monkeypatch):
    baselines, runs = scripts["baselines"], tmp_path / "runs"
    open_data(BEAT, [songs], tmp_path / "corpus", quiet=True)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("musicae.core.training.Trainer._validate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            baselines.train(pair, BEAT, tmp_path / "corpus", runs, 1.0)
    monkeypatch.setattr(baselines, "affordable", lambda *_: pytest.fail("it has its steps"))
    folder = baselines.train(pair, BEAT, tmp_path / "corpus", runs, 1.0)
    assert read_preset(folder).training.steps == load(folder).metrics["trained"]["steps"] == 3


def test_a_corpus_of_the_same_kind_is_taken_as_it_is(scripts, songs, tmp_path):
    corpus = tmp_path / "corpus"
    open_data(BEAT, [songs], corpus, quiet=True)
    index = json.loads((corpus / INDEX).read_text())
    assert index["representation"] == to_data(BEAT.representation)
    assert scripts["baselines"].encoded_for(BEAT, corpus, tmp_path / "other") == corpus
    assert not (tmp_path / "other").exists()


def test_the_table_has_both_models_and_the_better_one_in_bold(scripts, pair, songs, tmp_path, monkeypatch):
    script, runs = scripts["benchmark_models"], tmp_path / "runs"
    fit(BEAT, [songs], runs / BEAT.name, say=None)
    scripts["baselines"].train(pair, BEAT, runs / BEAT.name / "corpus", runs, 1.0)
    page = tmp_path / "models.md"
    page.write_text("before\n" + "\n".join(script.MARKS) + "\nafter\n")
    monkeypatch.setitem(script.PAGES, "models", page)
    monkeypatch.setattr(script, "DECODED", (1, 4))
    monkeypatch.setattr("sys.argv", ["benchmark_models", "table", "--write", "--runs", str(runs)])
    script.main()
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    table = {cells[0].strip(): [c.strip() for c in cells[1:]] for cells in rows_of(text)}
    assert table[""] == ["`tiny-beat`", "recurrent"]
    assert table["windows held out"][0] == table["windows held out"][1]
    assert any(value.startswith("**") for value in table["windows a second, decoding, 4 at a time"])
    assert len([name for name in table if name.startswith("steps right")]) == 4


def rows_of(page: str) -> list[list[str]]:
    """The cells of the tables of a page."""
    return [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|") and "---" not in line]


def test_the_best_of_some_values_is_bold_as_it_is_written(scripts):
    row = scripts["benchmark_models"].Row
    assert str(row("a", [0.9951, 0.9949], better=max)) == "| a | **0.995** | **0.995** |"
    assert str(row("a", [3, 2], "{:d}", min)) == "| a | 3 | **2** |"
    assert str(row("a", [3, None], "{:d}", min)) == "| a | 3 | - |"
    assert str(row("a", [3, 2], "{:d}")) == "| a | 3 | 2 |"


def test_a_page_without_its_marks_is_left_alone(scripts, tmp_path):
    fill, marks, page = scripts["pages"].fill, ("<a>", "<b>"), tmp_path / "page.md"
    for text in ("", "<a>", "<a> <b> <a>"):
        page.write_text(text)
        with pytest.raises(ValueError, match="put <a> and <b> in it, once each"):
            fill(page, marks, "new")
        assert page.read_text() == text
    page.write_text("x <a> old <b> y")
    fill(page, marks, "new")
    fill(page, marks, "new")
    assert page.read_text() == "x <a>\n\nnew\n\n<b> y"


def test_the_readme_lists_what_ships(scripts, tmp_path):
    from musicae.loading import PRETRAINED

    listed = [cells[0].strip(" `") for cells in rows_of(scripts["benchmark_models"].readme(tmp_path))][1:]
    assert listed == sorted(path.parent.name for path in PRETRAINED.glob("*/metrics.json"))
