"""`python -m musicae.convert`: the original MusicVAE's checkpoints to models, and models to magenta.js."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from musicae.cli.options import Command
from musicae.cli.run import main


@dataclass(frozen=True)
class Convert(Command):
    """A checkpoint of the original MusicVAE becomes a model folder; or, with --to magenta-js, a model folder becomes a
    checkpoint that magenta.js loads."""

    source: Annotated[Positional[Path], arg(metavar="CHECKPOINT|MODEL")]
    """checkpoint of TensorFlow (prefix, folder or .tar) or of magenta.js (folder); with --to magenta-js, a model
    folder"""
    out: str
    """folder to write"""
    to: Literal["musicae", "magenta-js"] = "musicae"
    """the format to write"""
    config: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="(default: recognised)")] = None
    """configuration of the original, e.g. cat-mel_2bar_big (musicae.models lists them)"""
    kit: Annotated[str | None, arg(metavar="{new,old}", help_behavior_hint="(default: by the checkpoint's name)")] = (
        None
    )
    """map of drums that it was trained with: old before 2019-04-24"""
    force: bool = False
    """overwrite a model that is in the folder"""

    def run(self) -> None:
        """Convert it."""
        from musicae.converting import from_magenta, to_magenta_js

        if self.to == "musicae":
            converted = from_magenta(self.source, self.out, config=self.config, kit=self.kit, force=self.force)
        else:
            self._refuse_settings()
            converted = to_magenta_js(self.source, self.out, force=self.force)
        for sentence in converted.report:
            self.say(f"{self.source}: {sentence}")
        content = {
            "model": self.out,
            "configuration": converted.preset.name,
            "files": converted.files,
            "report": converted.report,
        }
        self.result(content, [f"saved {self.out}: {converted.preset.name}, {len(converted.files)} files"])

    def _refuse_settings(self) -> None:
        """Refuse options that are for checkpoints of the original alone.

        Raises:
            ConfigError: one was given.
        """
        from musicae.errors import ConfigError

        for name in ("config", "kit"):
            if getattr(self, name) is not None:
                raise ConfigError(f"--{name} is for checkpoints of the original: leave it out with --to {self.to}")


if __name__ == "__main__":
    main(Convert, "convert")
