"""`python -m musicae.listen` as a user types it."""

from __future__ import annotations

import json


def test_listen(run, refused):
    assert run("listen a.mid --out new")[1] == "saved new/a.wav\nsaved new/a.html\n"
    assert "exists" in refused("listen a.mid --out new")
    assert json.loads(run("listen a.mid --out new --force --json")[1]) == {"files": ["new/a.wav", "new/a.html"]}
    assert "no files given" in refused("listen")
    assert "soundfont x.sf2 cannot be opened" in refused("listen a.mid --soundfont x.sf2")
