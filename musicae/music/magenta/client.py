"""The settings of a model for magenta.js (`@magenta/music` 1.23), and which models it cannot run.

The client reads `config.json`: the type of the model, a data converter with its arguments, the conditions of the model,
and the likelihood of its output (src/music_vae/model.ts, src/core/data.ts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from musicae.errors import ConfigError
from musicae.music.representations import Drums, Groove, Melody, Multitrack, Trio

Settings = dict[str, Any]
STEPS_PER_QUARTER = 4  # of the client, where its converter has no such argument
FIXED_STEPS = (Melody, Drums, Trio)  # whose converters have none
SILENCE_MARKED = (Melody, Trio)  # which mark silence at the start of a window, unless strict


def settings(preset: Any) -> Settings:
    """The `config.json` of magenta.js for a model.

    Raises:
        ConfigError: the client cannot run such a model; says why.
    """
    reason = _unfit(preset)
    if reason:
        raise ConfigError(f"magenta.js cannot run {preset.name}: {reason}")
    network, representation = preset.network, preset.representation
    kind, arguments, others = _CONVERTERS[type(representation)](preset)
    segments = {"numSegments": network.segments} if network.conductor_units else {}
    converter = {"type": kind, "args": {"numSteps": representation.example_spec.size[0], **segments, **arguments}}
    return {"type": "MusicVAE", "dataConverter": converter, **others}


def differences(preset: Any) -> list[str]:
    """How the client differs from musicae with the same model, in sentences for its user."""
    representation, sentences = preset.representation, []
    if preset.prior:
        sentences.append("magenta.js samples from N(0, I), not from the prior that was fitted to this model's codes")
    if representation.example_spec.end is not None and not preset.network.feed_after_end:
        sentences.append("magenta.js feeds its decoder also after the end of a track, this model does not")
    if isinstance(representation, SILENCE_MARKED) and not representation.strict:
        sentences.append("magenta.js does not mark silence at the start of a window, on which this model was trained")
    if representation.steps_per_quarter != STEPS_PER_QUARTER and isinstance(representation, FIXED_STEPS):
        sentences.append(f"quantise and decode in magenta.js with {representation.steps_per_quarter} steps a quarter")
    return sentences


def _unfit(preset: Any) -> str | None:
    """Why the client cannot run a model; None if it can."""
    network, kind = preset.network, type(preset.representation)
    if not network.per_step_condition:
        return f"it runs LSTMs, and this is a {type(network).__name__.lower()} network"
    if kind not in _CONVERTERS:
        known = ", ".join(one.__name__ for one in _CONVERTERS)
        return f"it has no converter for a {kind.__name__.lower()}; it has those of {known}"
    stacks = (network.decoder_units, network.conductor_units)
    reasons = {
        "its decoders are autoregressive, and this one is not": not network.autoregressive,
        f"it reads encoders of one bidirectional layer, and this one has {len(network.encoder_units)}": len(
            network.encoder_units
        )
        > 1,
        "it has a conductor only with a hierarchical encoder, and this model has only one of the two": bool(
            network.conductor_units
        )
        != network.hierarchical_encoder,
        "all layers of its decoders have the same number of units, and here they differ": any(
            len(set(stack)) > 1 for stack in stacks
        ),
        "it has a decoder for each part of a trio, and this model has one for all": kind is Trio
        and not network.separate_decoders,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _conditions(representation: Any) -> Settings:
    """Chords and key as conditions."""
    chords = {"chordEncoder": "TriadChordEncoder"} if getattr(representation, "chords", False) else {}
    return chords | ({"conditionOnKey": True} if getattr(representation, "key", False) else {})


def _melody(preset: Any) -> tuple[str, Settings, Settings]:
    representation = preset.representation
    return "MelodyConverter", _range(representation), _conditions(representation)


def _range(melody: Any) -> Settings:
    return {"minPitch": melody.lowest_pitch, "maxPitch": melody.highest_pitch}


def _drums(preset: Any) -> tuple[str, Settings, Settings]:
    representation = preset.representation
    if representation.labels:
        return "DrumsConverter", _kit(representation), {}
    return "DrumRollConverter", _kit(representation), {} if preset.network.nade else {"useBooleanDecoder": True}


def _kit(representation: Any) -> Settings:
    return {"pitchClasses": [list(map(int, keys)) for keys in representation.drums.pitches]}


def _trio(preset: Any) -> tuple[str, Settings, Settings]:
    melody, bass, drums = preset.representation.kinds
    return "TrioConverter", {"melArgs": _range(melody), "bassArgs": _range(bass), "drumsArgs": _kit(drums)}, {}


def _groove(preset: Any) -> tuple[str, Settings, Settings]:
    """The converter corrupts a user's beat before it is encoded; hits are conditions, tensors `[steps, 9]`."""
    representation, corruption = preset.representation, preset.corruption
    arguments = {"stepsPerQuarter": representation.steps_per_quarter, **_kit(representation)}
    for theirs, ours in (("humanize", "humanise"), ("tapify", "tapify")):
        if getattr(corruption, ours, False):
            arguments[theirs] = True
    hits = [{"name": "hits", "depth": representation.conditioning.size}] if representation.conditioning else []
    return "GrooveConverter", arguments, {"extraControls": hits} if hits else {}


def _multitrack(preset: Any) -> tuple[str, Settings, Settings]:
    representation = preset.representation
    arguments = {
        "stepsPerQuarter": representation.steps_per_quarter,
        "totalSteps": representation.steps,
        "numVelocityBins": 8,
    }
    return "MultitrackConverter", arguments, _conditions(representation)


# From a preset to the type of the converter, its arguments and other settings.
_CONVERTERS: dict[type, Callable[[Any], tuple[str, Settings, Settings]]] = {
    Melody: _melody,
    Drums: _drums,
    Trio: _trio,
    Groove: _groove,
    Multitrack: _multitrack,
}
