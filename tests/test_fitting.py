"""Training by name, on models so small that a run takes a moment."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

from musicae.core import checkpoints
from musicae.core.objectives import Reconstruction
from musicae.core.reports import TERMS
from musicae.core.schedules import Constant, Decay, Linear, Saturating, WarmupCosine
from musicae.core.training import Trainer
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.fitting import changed, count, figures, fit, open_data
from musicae.loading import load
from musicae.music.corpus import Corpus
from musicae.presets import PRESETS


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of ten tunes."""
    folder = tmp_path_factory.mktemp("music")
    for i, metre in enumerate(["4/4", "3/4", "6/8", "5/4", "2/4"] * 2):
        tiny.midi(folder / f"{i}.mid", 4 + i, metre, stride=i + 1)
    return folder


@pytest.fixture(scope="module")
def run(music, tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    fit(tiny.MELODY, [music], folder, device="cpu", say=None)
    return folder


def train(preset, data, folder, **options):
    said = []
    model = fit(preset, data, folder, device="cpu", say=said.append, **options)
    return model, said


def test_a_run_is_a_model_with_figures(run, music):
    model = load(run)
    assert model.preset == tiny.MELODY
    assert model.metrics["held_out"]["examples"] > 0
    assert model.metrics["trained"]["steps"] == 4
    assert "10 songs" in model.metrics["data"]
    assert json.loads((run / "sources.json").read_text()) == {"sources": [str(music)]}
    assert same_figures(model, run)


def same_figures(model, run) -> bool:
    """Whether the figures in the folder are those of the model in the folder."""
    return figures(model, open_data(model.preset, [run / "corpus"], run))["held_out"] == model.metrics["held_out"]


@pytest.mark.parametrize("preset", [tiny.RECURRENT, tiny.PIANOROLL, tiny.PICTURES], ids=lambda preset: preset.name)
def test_every_kind_of_model_trains(music, tmp_path, preset):
    model, _ = train(preset, [music] if preset.musical else (), tmp_path / "run")
    assert load(tmp_path / "run").metrics == model.metrics
    assert model.metrics["held_out"]["examples"] > 0


def test_a_run_is_not_written_over(run, music):
    before = (run / "model.safetensors").read_bytes()
    with pytest.raises(Error, match=r"holds a run: go on with --resume, start anew with --force, or name another"):
        train(tiny.MELODY, [music], run)
    assert (run / "model.safetensors").read_bytes() == before


def test_nor_is_a_model_or_a_file(music, tmp_path):
    folder = tiny.folder(tiny.MELODY, tmp_path / "model")
    with pytest.raises(Error, match="holds a model"):
        train(tiny.MELODY, [music], folder)
    file = tiny.midi(tmp_path / "a.mid")
    with pytest.raises(Error, match="is a file"):
        train(tiny.MELODY, [music], file)


def test_a_new_start_leaves_nothing_of_the_old_one(music, tmp_path):
    train(tiny.MELODY, [music], tmp_path / "run")
    tiny.midi(tmp_path / "one.mid", 8)
    with pytest.raises(DataError, match="more than one song"):
        train(tiny.MELODY, [tmp_path / "one.mid"], tmp_path / "run", force=True)
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert not (tmp_path / "run" / "state.pt").exists()
    sources = sorted(music.glob("[0-4].mid"))
    model, said = train(tiny.MELODY, sources, tmp_path / "run", force=True)
    assert "5 songs" in said[0]
    assert "measuring" in said[-1], "the bar of training is full, and minutes may still go by"
    assert "5 songs" in model.metrics["data"]


def test_a_corpus_survives_a_new_start_that_reads_it(music, tmp_path):
    train(tiny.MELODY, [music], tmp_path / "run")
    _, said = train(tiny.MELODY, [tmp_path / "run" / "corpus"], tmp_path / "run", force=True)
    assert "10 songs" in said[0]


def test_fine_tuning_begins_with_the_weights_of_a_model(run, music, tmp_path, monkeypatch):
    """And leaves that model as it is."""
    begun = []
    monkeypatch.setattr(Trainer, "run", lambda self, resume: begun.append(self.state.task.model.state_dict()) or stop())
    with pytest.raises(KeyboardInterrupt):
        train(tiny.MELODY, [music], tmp_path / "tuned", init=run)
    weights = load(run).network.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], begun[0][name])] == []
    assert json.loads((tmp_path / "tuned" / "sources.json").read_text())["init"] == str(run)


def stop():
    raise KeyboardInterrupt


def test_fine_tuning_a_model_of_other_sizes_names_the_tensor(run, music, tmp_path):
    with pytest.raises(CheckpointError, match=r"tensor|has shape"):
        train(tiny.RECURRENT, [music], tmp_path / "tuned", init=run)


def test_a_dry_run_counts_what_training_would_read(run, music, tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    counted = count(tiny.MELODY, [music, tmp_path], quiet=True)
    trained = Corpus.open(run / "corpus")
    assert counted[2:] == (len(trained.train), len(trained.validation), len(trained.test))
    assert len(counted.reasons) == 1
    assert counted.reasons[0].startswith("1 ")
    assert sum(count(tiny.PICTURES, quiet=True)[2:]) == 1797  # all digits of scikit-learn
    again = count(tiny.MELODY, [run / "corpus"], quiet=True)
    assert again[2:] == counted[2:]


def test_resuming_takes_the_settings_and_the_data_of_the_run(music, tmp_path):
    longer = replace(tiny.PICTURES, training=replace(tiny.PICTURES.training, steps=6))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(20):
        tiny.picture(pictures / f"{i}.png", 10 * i)
    train(longer, [pictures], tmp_path / "run")
    model, said = train(replace(tiny.PICTURES, latent=9), (), tmp_path / "run", resume=True)
    assert model.preset == longer
    assert str(pictures) in said[0]


def test_resuming_what_cannot_be(run, tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume there"):
        train(tiny.MELODY, (), tmp_path / "run", resume=True)
    with pytest.raises(CheckpointError, match="holds a run of tiny-melody, not of tiny-pianoroll"):
        train(tiny.PIANOROLL, (), run, resume=True)


def test_a_finished_run_resumes_to_what_it_is(run):
    before = (run / "model.safetensors").read_bytes()
    train(tiny.MELODY, (), run, resume=True)
    assert (run / "model.safetensors").read_bytes() == before


def test_an_interruption_says_that_nothing_is_lost(music, tmp_path, monkeypatch):
    def interrupted(self, resume):
        raise KeyboardInterrupt

    monkeypatch.setattr("musicae.core.training.Trainer.run", interrupted)
    said = []
    with pytest.raises(KeyboardInterrupt):
        fit(tiny.MELODY, [music], tmp_path / "run", device="cpu", say=said.append)
    assert said[-1] == "stopped; the state is saved: go on with --resume"


# Data ---------------------------------------------------------------------------------------------


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


def test_a_corpus_of_another_kind_is_refused(run, tmp_path):
    with pytest.raises(DataError, match="cut for another kind of model than tiny-pianoroll"):
        open_data(tiny.PIANOROLL, [run / "corpus"], tmp_path)


def test_a_corpus_of_an_earlier_version_is_taken_up(run, tmp_path):
    """Settings that came later had their defaults when it was cut."""
    shutil.copytree(run / "corpus", tmp_path / "corpus")
    index = json.loads((tmp_path / "corpus" / "index.json").read_text())
    del index["representation"]["chords"]
    (tmp_path / "corpus" / "index.json").write_text(json.dumps(index))
    assert len(open_data(tiny.MELODY, [tmp_path / "corpus"], tmp_path / "none").train)
    index["representation"]["kind"] = "Nonsense"
    (tmp_path / "corpus" / "index.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match="another kind of model"):
        open_data(tiny.MELODY, [tmp_path / "corpus"], tmp_path / "none")


def test_a_corpus_has_nothing_beside_it(run, music, tmp_path):
    for data in ([run / "corpus", music], [music, run / "corpus"]):
        with pytest.raises(DataError, match="give no other data beside it"):
            open_data(tiny.MELODY, data, tmp_path)


def test_what_a_model_has_not_seen_is_all_measured(music, run, tmp_path):
    unseen = open_data(tiny.MELODY, [music], tmp_path, quiet=True, held_out=True)
    assert [len(part) for part in unseen[:2]] == [0, 0]
    assert len(unseen.test) > 0
    split = open_data(tiny.MELODY, [run / "corpus"], tmp_path / "other", held_out=True)
    assert all(len(part) for part in split[:3])


def test_of_a_models_own_data_only_the_held_out_part_is_measured(tmp_path):
    own = open_data(tiny.PICTURES, ["digits"], tmp_path, held_out=True)
    assert len(own.train) > 1000
    trained = open_data(tiny.PICTURES, (), tmp_path)
    assert np.array_equal(own.test.levels, trained.test.levels)


def test_pictures_are_measured_by_the_neighbours_that_training_has(tmp_path):
    model, _ = train(tiny.PICTURES, (), tmp_path / "run")
    again = figures(model, open_data(tiny.PICTURES, ["digits"], tmp_path, held_out=True))
    assert again["held_out"] == model.metrics["held_out"]


# Settings -----------------------------------------------------------------------------------------


def with_rate(schedule):
    return replace(tiny.MELODY, training=replace(tiny.MELODY.training, learning_rate=schedule))


def with_beta(schedule):
    return replace(tiny.MELODY, objective=replace(tiny.MELODY.objective, beta=schedule))


def test_nothing_given_changes_nothing():
    for preset in PRESETS.values():
        assert changed(preset) == preset
        assert changed(preset, steps=None, beta=None) == preset


def test_the_learning_rate_follows_the_number_of_steps():
    settings = changed(PRESETS["melody-2bar"], steps=500).training
    assert settings.learning_rate == WarmupCosine(1e-3, 1e-5, 50, 500)
    peaked = changed(PRESETS["melody-2bar"], steps=500, learning_rate=0.5).training
    assert peaked.learning_rate == WarmupCosine(0.5, 0.005, 50, 500)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Constant(1e-3), Constant(0.5)),
        (Decay(1e-3, 1e-5, 0.9), Decay(0.5, 0.005, 0.9)),
        (Linear(1e-3, 1e-5, 0, 9), Linear(0.5, 1e-5, 0, 9)),
        (WarmupCosine(1e-3, 1e-5, 0, 4), WarmupCosine(0.5, 0.005, 0, 4)),
    ],
)
def test_the_peak_of_any_schedule(before, after):
    assert changed(with_rate(before), learning_rate=0.5).training.learning_rate == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Constant(1.0), Constant(0.5)),
        (Linear(0.0, 0.1, 200, 2000), Linear(0.0, 0.5, 200, 2000)),
        (Saturating(0.2, 0.99), Saturating(0.5, 0.99)),
    ],
)
def test_the_final_weight_of_the_rate(before, after):
    assert changed(with_beta(before), beta=0.5).objective.beta == after
    assert changed(with_beta(before), beta=0.0).objective.beta(10**6) == 0


def test_the_rest_is_set_as_it_is():
    settings = changed(tiny.MELODY, batch_size=7, seed=5, precision="float32", validate_every=3).training
    assert (settings.batch_size, settings.seed, settings.precision, settings.validate_every) == (7, 5, "float32", 3)


def test_a_warm_up_of_beta_keeps_its_share_of_the_steps():
    preset = with_beta(Linear(0.0, 0.1, 10, 50))
    steps = preset.training.steps
    assert changed(preset, steps=2 * steps).objective.beta == Linear(0.0, 0.1, 20, 100)
    assert changed(preset, beta=0.2).objective.beta == Linear(0.0, 0.2, 10, 50)


@pytest.mark.parametrize("name", ["steps", "batch_size", "validate_every", "seed", "learning_rate", "beta"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_impossible_values(name, value):
    with pytest.raises(ConfigError, match=f"{name} .*: it must lie between"):
        changed(tiny.MELODY, **{name: value})


def test_a_model_without_a_rate_has_no_weight_of_it():
    with pytest.raises(ConfigError, match="has no rate to weigh"):
        changed(replace(tiny.MELODY, objective=Reconstruction()), beta=1.0)


def test_a_diverged_run_says_so(music, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "measure", lambda *_: dict.fromkeys(TERMS, math.inf))
    with pytest.raises(ConfigError, match="smaller learning rate"):
        train(tiny.MELODY, [music], tmp_path / "run")
    assert not (tmp_path / "run" / checkpoints.WEIGHTS).exists()
