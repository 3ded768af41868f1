"""`python -m musicae.convert`: the original MusicVAE's checkpoints to models, and models to magenta.js."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from musicae.command import Command, main


@dataclass(frozen=True)
class Convert(Command):
    """A checkpoint of the original MusicVAE becomes a model folder; or, with --to magenta-js, a model folder becomes a
    checkpoint that magenta.js loads."""

    source: Annotated[Positional[Path], arg(metavar="CHECKPOINT|MODEL")]
    """of TensorFlow (prefix, folder or .tar) or of magenta.js (folder); with --to, a model folder"""
    out: str
    """folder to write"""
    to: Literal["musicae", "magenta-js"] = "musicae"
    """what it is to become"""
    config: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="(default: recognised)")] = None
    """configuration of the original, e.g. cat-mel_2bar_big (musicae.models lists them)"""
    kit: Annotated[Literal["new", "old"] | None, arg(help_behavior_hint="(default: by the checkpoint's name)")] = None
    """map of drums it was trained with: old before 2019-04-24"""
    force: bool = False
    """overwrite a model that is there"""

    def run(self) -> None:
        """Convert it."""
        from musicae.converting import from_magenta, to_magenta_js

        if self.to == "musicae":
            done = from_magenta(self.source, self.out, config=self.config, kit=self.kit, force=self.force)
        else:
            self._refuse_settings()
            done = to_magenta_js(self.source, self.out, force=self.force)
        for sentence in done.report:
            self.say(f"{self.source}: {sentence}")
        content = {"model": self.out, "configuration": done.preset.name, "files": done.files, "report": done.report}
        self.result(content, [f"saved {self.out}: {done.preset.name}, {len(done.files)} files"])

    def _refuse_settings(self) -> None:
        """Refuse what is of checkpoints alone.

        Raises:
            ConfigError: it was given.
        """
        from musicae.errors import ConfigError

        for name in ("config", "kit"):
            if getattr(self, name) is not None:
                raise ConfigError(f"--{name} is said of a checkpoint of the original: leave it out with --to {self.to}")


if __name__ == "__main__":
    main(Convert, "convert")
