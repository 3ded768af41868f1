"""`python -m musicae.convert`, from the original's checkpoints and to magenta.js."""

from __future__ import annotations

import json
import tarfile

import pytest
import tiny
import torch
from bundles import checkpoint

import musicae
from musicae.command import main
from musicae.convert import Convert
from musicae.converting import from_magenta, published, to_magenta_js
from musicae.errors import CheckpointError, ConfigError, Error

PUBLISHED = published()


def same(model, expected) -> bool:
    pairs = zip(model.state_dict().values(), expected.state_dict().values(), strict=True)
    return all(torch.allclose(a, b, rtol=0, atol=3e-7) for a, b in pairs)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_configuration_becomes_a_model_and_goes_on_to_magenta_js_and_back(name, tmp_path):
    prefix, expected = checkpoint(name, tmp_path / "theirs")
    done = from_magenta(prefix, tmp_path / "ours")
    model = musicae.load(tmp_path / "ours")
    assert done.preset.name == model.name == name
    assert model.preset.representation.strict
    assert same(model.network, expected)
    assert model.metrics["converted"]["step"] == 300
    if len(model.preset.network.encoder_units) > 1:
        with pytest.raises(ConfigError, match="one bidirectional layer"):
            to_magenta_js(tmp_path / "ours", tmp_path / "js")
        return
    to_magenta_js(tmp_path / "ours", tmp_path / "js")
    again = from_magenta(tmp_path / "js", tmp_path / "again", config=name)
    assert again.preset == done.preset
    assert same(musicae.load(tmp_path / "again").network, model.network)


def test_an_archive_by_a_published_name_has_the_old_map_of_drums(tmp_path):
    prefix, _ = checkpoint("cat-drums_2bar_small", tmp_path / "x", "model.ckpt")
    archive = tmp_path / "cat-drums_2bar_small.lokl.tar"
    with tarfile.open(archive, "w") as tar:
        for file in prefix.parent.iterdir():
            tar.add(file, file.name)
    assert from_magenta(archive, tmp_path / "a").preset.representation.kit == "old"
    assert from_magenta(archive, tmp_path / "b", kit="new").preset.representation.kit == "new"
    done = from_magenta(prefix, tmp_path / "c")
    assert done.preset.representation.kit == "new"
    assert done.report[-1] == "the new map of drums (from 2019-04-24), by its name and format; --kit chooses"
    assert from_magenta(prefix, tmp_path / "d", kit="old").report[-1].endswith("as asked")


def test_a_converted_model_samples_reconstructs_and_interpolates(tmp_path):
    prefix, _ = checkpoint("cat-mel_2bar_small", tmp_path / "x")
    from_magenta(prefix, tmp_path / "model")
    model = musicae.load(tmp_path / "model")
    song = tiny.song(bars=3, metre="3/4")
    assert len(model.sample(3)) == 3
    assert model.reconstruct(song).original.tracks[0].notes["pitch"].tolist()
    assert len(model.interpolate(song, tiny.song(stride=7), 3).songs) == 3


def test_what_cannot_be(tmp_path):
    prefix, _ = checkpoint("cat-mel_2bar_small", tmp_path / "x")
    with pytest.raises(ConfigError, match="did you mean 'cat-mel_2bar_small'"):
        from_magenta(prefix, tmp_path / "a", config="cat-mel_2bar_smal")
    with pytest.raises(CheckpointError, match="is missing, which cat-mel_2bar_big has"):
        from_magenta(prefix, tmp_path / "a", config="cat-mel_2bar_big")
    with pytest.raises(ConfigError, match="no two maps of drums"):
        from_magenta(prefix, tmp_path / "a", kit="old")
    with pytest.raises(ConfigError, match=r"magenta\.js cannot hold tiny-melody: it holds LSTMs"):
        to_magenta_js(tiny.folder(tiny.MELODY, tmp_path / "tiny"), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    from_magenta(prefix, tmp_path / "a")
    with pytest.raises(Error, match="holds a model"):
        from_magenta(prefix, tmp_path / "a")
    with pytest.raises(Error, match="holds a model"):
        to_magenta_js(tmp_path / "a", tmp_path / "a")
    assert from_magenta(prefix, tmp_path / "a", force=True)


def run(capsys, *arguments) -> tuple[int, str, str]:
    try:
        main(Convert, "convert", list(map(str, arguments)))
        status = 0
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_command(tmp_path, capsys):
    prefix, _ = checkpoint("groovae_4bar", tmp_path / "x", "some.ckpt", even=False)
    out = tmp_path / "model"
    status, said, beside = run(capsys, prefix, "--out", out)
    assert (status, said) == (0, f"saved {out}: groovae_2bar_humanize, 3 files\n")
    assert "recognised as groovae_2bar_humanize; it could as well be groovae_4bar" in beside
    assert "units of its own (encoder 5; decoder 4, 5) and 2 dimensions of z" in beside
    status, said, _ = run(capsys, prefix, "--out", out, "--config", "groovae_4bar", "--force", "--json")
    assert json.loads(said)["configuration"] == "groovae_4bar"
    assert run(capsys, out, "--out", tmp_path / "js", "--to", "magenta-js", "--kit", "old")[0] == 2
    status, _, beside = run(capsys, out, "--out", tmp_path / "js", "--to", "magenta-js")
    why = "it wants as many units in each layer of a decoder"
    assert (status, beside) == (2, f"error: magenta.js cannot hold groovae_4bar: {why}\n")


def test_damage_is_one_line(tmp_path, capsys):
    prefix, _ = checkpoint("cat-mel_2bar_small", tmp_path / "x")
    data = prefix.with_name(prefix.name + ".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-8000])
    status, said, beside = run(capsys, prefix, "--out", tmp_path / "a")
    assert (status, said, beside.count("\n")) == (2, "", 1)
    assert beside.startswith(f"error: {prefix}: tensor ")
    assert not (tmp_path / "a").exists()
