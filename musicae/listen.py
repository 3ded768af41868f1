"""`python -m musicae.listen FILES`: any MIDI file as sound, and as a page to see and hear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from musicae.cli.options import Command
from musicae.cli.outputs import refuse_file
from musicae.cli.run import main
from musicae.errors import ConfigError


@dataclass(frozen=True)
class Listen(Command):
    """Render songs to WAV, and write a page with a piano roll, a player and the MIDI file for each."""

    files: Annotated[Positional[tuple[Path, ...]], arg(metavar="FILES", help_behavior_hint="(required)")]
    """MIDI files (or ABC, MusicXML)"""
    out: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: beside each file)")] = None
    """folder to write to"""
    soundfont: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: pretty_midi's own)")] = None
    """.sf2 file to render with"""
    open: bool = False
    """open the pages in the browser"""
    force: bool = False
    """overwrite existing files"""

    def run(self) -> None:
        """Render and write."""
        if not self.files:
            raise ConfigError("no files given: name at least one")
        if self.out:
            refuse_file(self.out)
        from musicae.music.render.html import listen

        written = listen(self.files, self.out, self.soundfont, self.force, self.say)
        if self.open:
            import webbrowser

            for page in written[1::2]:
                webbrowser.open(page.resolve().as_uri())
        self.result({"files": written}, [f"saved {path}" for path in written])


if __name__ == "__main__":
    main(Listen, "listen")
