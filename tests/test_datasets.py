"""Data by name or path, as training and evaluation read them."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from musicae.datasets import count, open_data
from musicae.errors import DataError
from musicae.music.data.corpus import Corpus


@pytest.mark.parametrize(
    ("preset", "data", "message"),
    [
        (tiny.MELODY, [], r"tiny-melody needs data: --data FOLDER with MIDI files"),
        (replace(tiny.PICTURES, data=None), [], r"tiny-pictures needs data: --data FOLDER with MNIST"),
        (tiny.MELODY, ["nowhere"], "nowhere does not exist"),
        (tiny.MELODY, ["empty"], "there are no files of music"),
        (tiny.MELODY, ["broken"], "1 files: is not music that can be read"),
        (tiny.PICTURES, ["digits", "empty"], "2 sources of pictures"),
        (tiny.PICTURES, ["empty"], "no set of pictures"),
    ],
)
def test_data_that_hold_nothing(tmp_path, monkeypatch, preset, data, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.mid").write_bytes(b"no music")
    with pytest.raises(DataError, match=message) as caught:
        open_data(preset, data, tmp_path / "corpus", quiet=True)
    assert "\n" not in str(caught.value)


def test_a_corpus_of_another_kind_is_refused(finished, tmp_path):
    with pytest.raises(DataError, match="cut for another kind of model than tiny-pianoroll"):
        open_data(tiny.PIANOROLL, [finished / "corpus"], tmp_path)


def test_a_corpus_of_an_earlier_version_is_taken_up(finished, tmp_path):
    """Settings that came later had their defaults when it was cut."""
    shutil.copytree(finished / "corpus", tmp_path / "corpus")
    index = json.loads((tmp_path / "corpus" / "index.json").read_text())
    del index["representation"]["chords"]
    (tmp_path / "corpus" / "index.json").write_text(json.dumps(index))
    assert len(open_data(tiny.MELODY, [tmp_path / "corpus"], tmp_path / "none").train)
    index["representation"]["kind"] = "Nonsense"
    (tmp_path / "corpus" / "index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="another kind of model"):
        open_data(tiny.MELODY, [tmp_path / "corpus"], tmp_path / "none")


@pytest.mark.parametrize(
    ("preset", "new", "old"),
    [(tiny.TRIO, "multi_hot_drums", "switches"), (tiny.GROOVE, "condition_on_hits", "hits_told")],
)
def test_a_corpus_of_format_1_has_other_names_for_settings(tmp_path, preset, new, old):
    (tmp_path / "bands").mkdir()
    for i in range(10):
        tiny.band(8, pitch=60 + i // 8, stride=1 + i % 8).save(tmp_path / "bands" / f"{i}.mid")
    corpus = tmp_path / "corpus"
    cut = open_data(preset, [tmp_path / "bands"], corpus, quiet=True)
    index = json.loads((corpus / "index.json").read_text())
    index["representation"][old] = index["representation"].pop(new)
    (corpus / "index.json").write_text(json.dumps(index))
    assert len(open_data(preset, [corpus], tmp_path / "none").train) == len(cut.train) > 0


def test_a_corpus_is_given_alone(finished, tunes, tmp_path):
    for data in ([finished / "corpus", tunes], [tunes, finished / "corpus"]):
        with pytest.raises(DataError, match="give it alone, without other data"):
            open_data(tiny.MELODY, data, tmp_path)


def test_data_that_a_model_was_not_trained_on_are_all_measured(tunes, finished, tmp_path):
    unseen = open_data(tiny.MELODY, [tunes], tmp_path, quiet=True, held_out=True)
    assert [len(part) for part in unseen[:2]] == [0, 0]
    assert len(unseen.test) > 0
    split = open_data(tiny.MELODY, [finished / "corpus"], tmp_path / "other", held_out=True)
    assert all(len(part) for part in split[:3])


def test_of_a_models_own_data_only_the_held_out_part_is_measured(tmp_path):
    own = open_data(tiny.PICTURES, ["digits"], tmp_path, held_out=True)
    assert len(own.train) > 1000
    trained = open_data(tiny.PICTURES, (), tmp_path)
    assert np.array_equal(own.test.levels, trained.test.levels)


def test_a_dry_run_counts_what_training_would_read(finished, tunes, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    counted = count(tiny.MELODY, [tunes, tmp_path], quiet=True)
    trained = Corpus.open(finished / "corpus")
    assert counted[2:] == (len(trained.train), len(trained.validation), len(trained.test))
    assert len(counted.reasons) == 1
    assert counted.reasons[0].startswith("1 ")
    assert sum(count(tiny.PICTURES, quiet=True)[2:]) == 1797  # all digits of scikit-learn
    again = count(tiny.MELODY, [finished / "corpus"], quiet=True)
    assert again[2:] == counted[2:]


def test_a_dry_run_keeps_the_table_of_what_was_skipped(tunes, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shutil.copytree(tunes, tmp_path / "data")
    (tmp_path / "data" / "broken.mid").write_bytes(b"MThd")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(4):
        Image.new("L", (8, 8), i).save(pictures / f"{i}.png")
    (pictures / "broken.png").write_bytes(b"no picture")
    for preset, data, name in ((tiny.MELODY, "data", "broken.mid"), (tiny.PICTURES, "pictures", "broken.png")):
        counted = count(preset, [tmp_path / data], quiet=True)
        table = Path(counted.report.rpartition("with the reason: ")[2])
        with table.open() as file:
            (row,) = csv.DictReader(file)
        assert (row["source"], row["file"]) == (data, name)
        assert counted.reasons == [f"1 {row['reason']}"]
        assert name in counted.report
    assert {path.name for path in tmp_path.iterdir()} >= {"data", "pictures"}
    assert len(list(tmp_path.glob("musicae-*-skipped.csv"))) == 2


def test_what_was_skipped_is_beside_the_corpus(tunes, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    splits = open_data(tiny.MELODY, [tunes, tmp_path], tmp_path / "corpus", quiet=True)
    assert splits.skipped == tmp_path / "corpus" / "skipped.csv"
    assert open_data(tiny.MELODY, [tunes], tmp_path / "other", quiet=True).skipped is None
