"""`python -m musicae.convert`."""

from __future__ import annotations

import json

from bundles import checkpoint

from musicae.cli.run import main
from musicae.convert import Convert


def run(capsys, *arguments) -> tuple[int, str, str]:
    try:
        main(Convert, "convert", list(map(str, arguments)))
        status = 0
    except SystemExit as end:
        status = end.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_command(tmp_path, capsys):
    prefix, _ = checkpoint("groovae_4bar", tmp_path / "x", "some.ckpt", even=False)
    out = tmp_path / "model"
    status, printed, err = run(capsys, prefix, "--out", out)
    assert (status, printed) == (0, f"saved {out}: groovae_2bar_humanize, 3 files\n")
    assert "recognised as groovae_2bar_humanize; it could as well be groovae_4bar" in err
    assert "units of its own (encoder 5; decoder 4, 5) and 2 dimensions of z" in err
    status, printed, _ = run(capsys, prefix, "--out", out, "--config", "groovae_4bar", "--force", "--json")
    assert json.loads(printed)["configuration"] == "groovae_4bar"
    assert run(capsys, out, "--out", tmp_path / "js", "--to", "magenta-js", "--kit", "old")[0] == 2
    status, _, err = run(capsys, out, "--out", tmp_path / "js", "--to", "magenta-js")
    why = "all layers of its decoders have the same number of units, and here they differ"
    assert (status, err) == (2, f"error: magenta.js cannot run groovae_4bar: {why}\n")


def test_damage_is_one_line(tmp_path, capsys):
    prefix, _ = checkpoint("cat-mel_2bar_small", tmp_path / "x")
    data = prefix.with_name(prefix.name + ".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-8000])
    status, printed, err = run(capsys, prefix, "--out", tmp_path / "a")
    assert (status, printed, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {prefix}: tensor ")
    assert not (tmp_path / "a").exists()
