"""Training by name, on models so small that a run takes a moment."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import pytest
import tiny
import torch

from musicae.after_training import figures
from musicae.core import checkpoints
from musicae.core.priors import Mixture
from musicae.core.reports import TERMS
from musicae.core.run_state import locked
from musicae.core.training import Trainer
from musicae.datasets import open_data
from musicae.errors import CheckpointError, ConfigError, DataError, Error
from musicae.fitting import fit, resume
from musicae.loading import load


def train(preset, data, folder, **options):
    said = []
    model = fit(preset, data, folder, device="cpu", say=said.append, **options)
    return model, said


def resumed(preset, folder):
    said = []
    return resume(preset, folder, device="cpu", say=said.append), said


def test_a_run_is_a_model_with_figures(finished, tunes):
    model = load(finished)
    assert model.preset == tiny.MELODY
    assert model.metrics["held_out"]["examples"] > 0
    assert model.metrics["trained"]["steps"] == 4
    assert "10 songs" in model.metrics["data"]
    assert json.loads((finished / "sources.json").read_text()) == {"sources": [str(tunes)]}
    assert same_figures(model, finished)


def same_figures(model, folder) -> bool:
    """Whether the figures in a folder are those of the model in the folder."""
    return figures(model, open_data(model.preset, [folder / "corpus"], folder))["held_out"] == model.metrics["held_out"]


@pytest.mark.parametrize("preset", [tiny.RECURRENT, tiny.PIANOROLL, tiny.PICTURES], ids=lambda preset: preset.name)
def test_every_kind_of_model_trains(tunes, tmp_path, preset):
    model, _ = train(preset, [tunes] if preset.musical else (), tmp_path / "run")
    assert load(tmp_path / "run").metrics == model.metrics
    assert model.metrics["held_out"]["examples"] > 0


def test_a_run_is_not_written_over(finished, tunes):
    before = (finished / "model.safetensors").read_bytes()
    with pytest.raises(Error, match=r"holds a run: go on with --resume, start anew with --force, or name another"):
        train(tiny.MELODY, [tunes], finished)
    assert (finished / "model.safetensors").read_bytes() == before


def test_a_model_or_a_file_is_not_written_over(tunes, tmp_path):
    folder = tiny.folder(tiny.MELODY, tmp_path / "model")
    with pytest.raises(Error, match="holds a model"):
        train(tiny.MELODY, [tunes], folder)
    file = tiny.midi(tmp_path / "a.mid")
    with pytest.raises(Error, match="is a file"):
        train(tiny.MELODY, [tunes], file)


def test_a_new_start_leaves_nothing_of_the_old_one(tunes, tmp_path):
    train(tiny.MELODY, [tunes], tmp_path / "run")
    tiny.midi(tmp_path / "one.mid", 8)
    with pytest.raises(DataError, match="more than one song"):
        train(tiny.MELODY, [tmp_path / "one.mid"], tmp_path / "run", force=True)
    assert not (tmp_path / "run" / "model.safetensors").exists()
    assert not (tmp_path / "run" / "state.pt").exists()
    sources = sorted(tunes.glob("[0-4].mid"))
    model, said = train(tiny.MELODY, sources, tmp_path / "run", force=True)
    assert "5 songs" in said[0]
    assert "measuring" in said[-1], "the bar of training is full, and minutes may still go by"
    assert "5 songs" in model.metrics["data"]


def test_a_corpus_survives_a_new_start_that_reads_it(tunes, tmp_path):
    train(tiny.MELODY, [tunes], tmp_path / "run")
    _, said = train(tiny.MELODY, [tmp_path / "run" / "corpus"], tmp_path / "run", force=True)
    assert "10 songs" in said[0]


def test_fine_tuning_begins_with_the_weights_of_a_model(finished, tunes, tmp_path, monkeypatch):
    """And leaves that model as it is."""
    begun = []
    monkeypatch.setattr(Trainer, "run", lambda self, resume: begun.append(self.state.task.model.state_dict()) or stop())
    with pytest.raises(KeyboardInterrupt):
        train(tiny.MELODY, [tunes], tmp_path / "tuned", init=finished)
    weights = load(finished).network.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], begun[0][name])] == []
    assert json.loads((tmp_path / "tuned" / "sources.json").read_text())["init"] == str(finished)


def stop():
    raise KeyboardInterrupt


def test_fine_tuning_a_model_of_other_sizes_names_the_tensor(finished, tunes, tmp_path):
    with pytest.raises(CheckpointError, match=r"tensor|has shape"):
        train(tiny.RECURRENT, [tunes], tmp_path / "tuned", init=finished)
    with pytest.raises(CheckpointError, match="unknown model"):
        train(tiny.MELODY, [tunes], tmp_path / "tuned", init="nowhere")
    assert not (tmp_path / "tuned").exists(), "it is found out before the work"


def test_resuming_takes_the_settings_and_the_data_of_the_run(tunes, tmp_path):
    longer = replace(tiny.PICTURES, training=replace(tiny.PICTURES.training, steps=6))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(20):
        tiny.picture(pictures / f"{i}.png", 10 * i)
    train(longer, [pictures], tmp_path / "run")
    model, said = resumed(replace(tiny.PICTURES, latent=9), tmp_path / "run")
    assert model.preset == longer
    assert str(pictures) in said[0]


def test_resuming_what_cannot_be(finished, tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume there"):
        resumed(tiny.MELODY, tmp_path / "run")
    with pytest.raises(CheckpointError, match="holds a run of tiny-melody, not of tiny-pianoroll"):
        resumed(tiny.PIANOROLL, finished)


def test_a_finished_run_resumes_to_what_it_is(finished):
    before = (finished / "model.safetensors").read_bytes()
    resumed(tiny.MELODY, finished)
    assert (finished / "model.safetensors").read_bytes() == before


def test_an_interruption_says_that_nothing_is_lost(tunes, tmp_path, monkeypatch):
    def interrupted(self, resume):
        raise KeyboardInterrupt

    monkeypatch.setattr("musicae.core.training.Trainer.run", interrupted)
    said = []
    with pytest.raises(KeyboardInterrupt):
        fit(tiny.MELODY, [tunes], tmp_path / "run", device="cpu", say=said.append)
    assert said[-1] == "stopped; the state is saved: go on with --resume"


def test_pictures_are_measured_by_the_neighbours_that_training_has(tmp_path):
    model, _ = train(tiny.PICTURES, (), tmp_path / "run")
    again = figures(model, open_data(tiny.PICTURES, ["digits"], tmp_path, held_out=True))
    assert again["held_out"] == model.metrics["held_out"]


def test_a_diverged_run_says_so(tunes, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "measure", lambda *_: dict.fromkeys(TERMS, math.inf))
    with pytest.raises(ConfigError, match="smaller learning rate"):
        train(tiny.MELODY, [tunes], tmp_path / "run")
    assert not (tmp_path / "run" / checkpoints.WEIGHTS).exists()


def test_a_run_that_is_interrupted_before_its_first_validation_is_a_model(tunes, tmp_path, monkeypatch):
    preset = replace(tiny.MELODY, prior=Mixture(components=1))
    monkeypatch.setattr(Trainer, "_validate", lambda *_: None)
    monkeypatch.setattr("musicae.core.training.Interruption.requested", True, raising=False)
    monkeypatch.setattr("musicae.core.training.Interruption.__init__", lambda self: None)
    with pytest.raises(KeyboardInterrupt):
        train(preset, [tunes], tmp_path / "run")
    model = load(tmp_path / "run")
    assert model.prior is None
    assert model.caveats == ["no prior is fitted to this model yet: new latent vectors are drawn from N(0, I)"]
    assert model.little_training == "its training did not end"
    assert len(model.sample(3)) == 3
    monkeypatch.undo()
    resumed(preset, tmp_path / "run")
    finished = load(tmp_path / "run")
    assert finished.prior is not None
    assert finished.caveats == []
    assert finished.little_training == "4 steps"


def test_too_few_examples_for_a_prior_make_a_model_that_draws_from_the_standard_normal(tmp_path):
    preset = replace(tiny.MELODY, prior=Mixture())
    songs = [tiny.midi(tmp_path / f"{i}.mid", 2, stride=i + 1) for i in range(3)]
    model, said = train(preset, songs, tmp_path / "run")
    assert any("too few training examples to fit a prior to" in sentence for sentence in said)
    assert model.prior is None
    assert len(load(tmp_path / "run").sample(2)) == 2


def test_a_new_start_leaves_no_prior_of_the_old_one(tunes, tmp_path):
    train(replace(tiny.MELODY, prior=Mixture(components=1)), [tunes], tmp_path / "run")
    other = replace(tiny.MELODY, latent=3, prior=Mixture(components=1))
    songs = [tiny.midi(tmp_path / f"{i}.mid", 2, stride=i + 1) for i in range(3)]
    train(other, songs, tmp_path / "run", force=True)
    assert load(tmp_path / "run").prior is None


@pytest.mark.parametrize("how", ["start", "force", "resume"])
def test_a_folder_in_which_another_run_trains_is_refused(finished, tunes, how):
    def begin():
        if how == "resume":
            return resumed(tiny.MELODY, finished)
        return train(tiny.MELODY, [tunes], finished, force=how == "force")

    with locked(finished), pytest.raises(Error, match=r"another process trains there|holds a run"):
        begin()
    assert (finished / "model.safetensors").exists()


@pytest.mark.parametrize("sources", ["[]", '{"sources": 3}', '{"sources": [3]}', "{}", "{"])
def test_a_run_whose_sources_are_damaged_is_refused_in_one_line(tmp_path, finished, sources):
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "sources.json").write_text(sources)
    with pytest.raises(CheckpointError, match=r"^[^\n]*sources\.json[^\n]*$"):
        resumed(tiny.MELODY, run)
