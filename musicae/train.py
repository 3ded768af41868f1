"""`python -m musicae.train PRESET`: train a model by name, on your own files or on data that come with the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from musicae.command import Command, main, table
from musicae.errors import ConfigError

if TYPE_CHECKING:
    from musicae.presets import Preset

PRESETS_OWN = "(default: the preset's)"


@dataclass(frozen=True)
class Train(Command):
    """Train a model by name (`python -m musicae.models` lists them).

    Ctrl-C loses nothing, a crash or a power cut only the steps since the last validation: --resume goes on from there.
    Many processes: accelerate launch -m musicae.train PRESET.
    """

    preset: Annotated[Positional[str | None], arg(metavar="PRESET", help_behavior_hint="(default: that of --init)")] = (
        None
    )
    """name of the preset"""
    data: UseAppendAction[tuple[str, ...]] = ()
    """folder, archive or file to train on; may be given several times. With none, what comes with music21 or
    scikit-learn"""
    out: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: runs/PRESET)")] = None
    """folder to write"""
    init: Annotated[str | None, arg(metavar="MODEL", help_behavior_hint="(default: none)")] = None
    """model whose weights training begins with, to fine-tune it: a folder, or the name of one that ships"""
    dry_run: bool = False
    """cut the data into examples, say how many there are and what was skipped and why, and train nothing"""
    resume: bool = False
    """go on with the run in that folder"""
    force: bool = False
    """start anew in a folder that holds a run"""
    steps: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """steps of the optimiser"""
    batch_size: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """examples a step"""
    learning_rate: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=PRESETS_OWN)] = None
    """peak of the learning rate"""
    beta: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=PRESETS_OWN)] = None
    """final weight of the rate"""
    validate_every: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """steps between validations, at which the state is saved too"""
    precision: Annotated[Literal["auto", "bf16", "float32"] | None, arg(help_behavior_hint=PRESETS_OWN)] = None
    """auto is bf16 where the hardware multiplies it"""
    seed: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """of everything random"""
    device: Annotated[str | None, arg(metavar="DEVICE", help_behavior_hint="(default: the best there is)")] = None
    """cpu, cuda or mps"""

    def run(self) -> None:
        """Train, measure and print."""
        preset = self._preset()
        from musicae.fitting import changed, count, fit

        if self.dry_run:
            counted = count(preset, self.data, quiet=self.quiet)
            self.result(counted._asdict(), [counted.report])
            return

        names = ("steps", "batch_size", "learning_rate", "beta", "validate_every", "precision", "seed")
        changes = {name: getattr(self, name) for name in names}
        given = [f"--{n.replace('_', '-')}" for n in ("data", *names) if getattr(self, n) not in (None, ())]
        if self.resume and given:
            self.say(f"--resume goes on with the settings that the run was begun with: {', '.join(given)} left aside")
        options = {
            "init": self.init,
            "resume": self.resume,
            "force": self.force,
            "device": self.device,
            "quiet": self.quiet,
        }
        model = fit(changed(preset, **changes), self.data, self.out, say=self.say, **options)
        measured = model.metrics.get("held_out")
        lines = [f"saved {model.folder}", *(table(measured) if measured else ())]
        self.result({"folder": model.folder, **model.metrics}, lines)

    def _preset(self) -> Preset:
        """The preset by name, or that of the model to begin with.

        Raises:
            ConfigError: there is no such preset, or none is named.
        """
        from musicae.loading import find, read_preset
        from musicae.presets import PRESETS

        if self.preset is None and self.init is None:
            raise ConfigError("name a preset to train (python -m musicae.models lists them), or a model with --init")
        if self.preset is None:
            return read_preset(find(self.init))
        if self.preset not in PRESETS:
            raise ConfigError.unknown("preset", self.preset, PRESETS)
        return PRESETS[self.preset]


if __name__ == "__main__":
    main(Train, "train")
