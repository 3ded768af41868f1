"""`python -m musicae.train PRESET`: train a model by name, on your own files or on data that come with the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, UseAppendAction, arg

from musicae.cli.options import Command
from musicae.cli.run import main
from musicae.cli.tables import table
from musicae.errors import ConfigError

if TYPE_CHECKING:
    from musicae.core.model import Model
    from musicae.presets import Preset

CHANGES = ("steps", "batch_size", "learning_rate", "beta", "validate_every", "precision", "seed", "steps_per_quarter")
PRESETS_OWN = "(default: the preset's)"


@dataclass(frozen=True)
class Train(Command):
    """Train a model by name (`python -m musicae.models` lists them).

    Ctrl-C loses nothing, a crash or a power cut only the steps since the last validation: --resume goes on from there.
    Several processes or GPUs: torchrun --nproc_per_node 4 -m musicae.train PRESET.
    """

    preset: Annotated[
        Positional[str | None], arg(metavar="PRESET", help_behavior_hint="(default: the preset of --init)")
    ] = None
    """name of the preset"""
    data: UseAppendAction[tuple[str, ...]] = ()
    """folder, archive or file to train on; may be given several times. Without it, music that comes with music21, or
    pictures that come with scikit-learn"""
    out: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: runs/PRESET)")] = None
    """folder to write"""
    init: Annotated[str | None, arg(metavar="MODEL", help_behavior_hint="(default: none)")] = None
    """model to fine-tune, whose weights training begins with: a folder, or the name of one that ships"""
    dry_run: bool = False
    """only cut the data into examples, and say how many there are and which files were skipped and why"""
    resume: bool = False
    """go on with the run in the folder"""
    force: bool = False
    """start anew in a folder that holds a run"""
    steps: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """steps of the optimiser"""
    batch_size: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """examples a step"""
    learning_rate: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=PRESETS_OWN)] = None
    """peak of the learning rate"""
    beta: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=PRESETS_OWN)] = None
    """final weight of the rate (the KL divergence) in the loss"""
    validate_every: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """steps between validations, at which the state is saved too"""
    precision: Annotated[str | None, arg(metavar="{auto,bf16,float32}", help_behavior_hint=PRESETS_OWN)] = None
    """number format of the computation; auto is bf16 where the hardware supports it"""
    tf32: Annotated[bool, arg(help_behavior_hint="(default: in TF32)")] = True
    """multiply float32 on GPUs with all of its digits, which takes several times as long as in TF32"""
    compile: bool = False
    """compile encoder and decoder (torch.compile): a minute to begin with, then faster, above all on GPUs"""
    seed: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """seed of all random numbers"""
    steps_per_quarter: Annotated[int | None, arg(metavar="INT", help_behavior_hint=PRESETS_OWN)] = None
    """of music, the grid: 4 are sixteenths, 12 have triplets and swing as well; windows stay as long"""
    device: Annotated[str | None, arg(metavar="DEVICE", help_behavior_hint="(default: the best there is)")] = None
    """cpu, cuda or mps"""

    def run(self) -> None:
        """Train, measure and print."""
        preset = self._preset()
        if self.dry_run:
            from musicae.datasets import count

            counted = count(preset, self.data, quiet=self.quiet)
            self.result(counted._asdict(), [counted.report])
            return
        model = self._trained(preset)
        measured = model.metrics.get("held_out")
        lines = [f"saved {model.folder}", *(table(measured) if measured else ())]
        self.result({"folder": model.folder, **model.metrics}, lines)

    def _trained(self, preset: Preset) -> Model:
        """The model that a new run, or the rest of an old one, ends with."""
        from musicae.core.processes import lonely
        from musicae.fitting import fit, resume
        from musicae.overrides import changed

        if sentence := lonely():
            self.say(sentence)
        changes = {name: getattr(self, name) for name in CHANGES}
        changes |= {"tf32": None if self.tf32 else False, "compile": self.compile or None}
        say = None if self.quiet else self.say
        if not self.resume:
            options = {"init": self.init, "force": self.force, "device": self.device, "say": say}
            return fit(changed(preset, **changes), self.data, self.out, **options)
        ignored = [f"--{n.replace('_', '-')}" for n in ("data", *CHANGES) if getattr(self, n) not in (None, ())]
        ignored += ["--no-tf32"] * (not self.tf32) + ["--compile"] * self.compile
        if ignored:
            self.say(f"--resume goes on with the settings that the run was begun with: {', '.join(ignored)} ignored")
        return resume(preset, self.out, device=self.device, say=say)

    def _preset(self) -> Preset:
        """The preset by name, or that of the model to begin with.

        Raises:
            ConfigError: there is no such preset, or none is named.
        """
        from musicae.loading import find, read_preset
        from musicae.registry import find_preset

        if self.preset is None and self.init is None:
            raise ConfigError("name a preset to train (python -m musicae.models lists them), or a model with --init")
        if self.preset is None:
            return read_preset(find(self.init))
        return find_preset(self.preset)


if __name__ == "__main__":
    main(Train, "train")
