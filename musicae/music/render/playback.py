"""Playing a score: in a notebook, or by the system's player."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from pathlib import Path

from musicae.music.score.score import Score


def play(song: Score):
    """See `Song.play`."""
    from musicae.music.render import audio

    sound = audio.render(song)
    if _in_notebook():
        from IPython.display import Audio

        return Audio(sound)
    with tempfile.NamedTemporaryFile(prefix="musicae-", suffix=".wav", delete=False) as file:
        file.write(sound)
    webbrowser.open(Path(file.name).as_uri())
    return None


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None
