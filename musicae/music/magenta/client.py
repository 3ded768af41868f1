"""What magenta.js (`@magenta/music` 1.23) has to be told of a model, and which models it cannot hold.

The client reads `config.json`: the type of the model, a data converter with its arguments, what the model is told
beside the music, and how its output is meant (src/music_vae/model.ts, src/core/data.ts).
"""

from __future__ import annotations

from typing import Any

from musicae.errors import ConfigError

Settings = dict[str, Any]
STEPS_PER_QUARTER = 4  # of the client, where it is not told
UNTOLD = ("Melody", "Drums", "Trio")


def settings(preset: Any) -> Settings:
    """The `config.json` of magenta.js for a model.

    Raises:
        ConfigError: the client cannot hold such a model; says why.
    """
    reason = _unfit(preset)
    if reason:
        raise ConfigError(f"magenta.js cannot hold {preset.name}: {reason}")
    network, representation = preset.network, preset.representation
    kind, arguments, beside = _CONVERTERS[type(representation).__name__](preset)
    segments = {"numSegments": network.segments} if network.conductor_units else {}
    converter = {"type": kind, "args": {"numSteps": representation.example_spec.size[0], **segments, **arguments}}
    return {"type": "MusicVAE", "dataConverter": converter, **beside}


def differences(preset: Any) -> list[str]:
    """What a user of the client should know: in what it does otherwise than musicae with the same model."""
    representation, said = preset.representation, []
    if preset.prior:
        said.append("magenta.js samples from N(0, I), not from the prior that was fitted to this model's codes")
    if representation.example_spec.end is not None and not preset.network.feed_after_end:
        said.append("magenta.js goes on hearing itself after the end of a track, this model does not")
    if getattr(representation, "strict", True) is False and type(representation).__name__ in ("Melody", "Trio"):
        said.append("magenta.js does not mark silence at the start of a window, on which this model was trained")
    if representation.steps_per_quarter != STEPS_PER_QUARTER and type(representation).__name__ in UNTOLD:
        said.append(f"quantise and decode in magenta.js with {representation.steps_per_quarter} steps a quarter")
    return said


def _unfit(preset: Any) -> str | None:
    """Why the client cannot hold a model; None if it can."""
    network, kind = preset.network, type(preset.representation).__name__
    if not network.per_step_condition:
        return f"it holds LSTMs, and this is a {type(network).__name__.lower()} network"
    if kind not in _CONVERTERS:
        return f"it has no converter for a {kind.lower()}; it has those of {', '.join(_CONVERTERS)}"
    stacks = (network.decoder_units, network.conductor_units)
    reasons = {
        "its decoders hear what they said before, and this one does not": not network.autoregressive,
        f"it reads encoders of one bidirectional layer, and this one has {len(network.encoder_units)}": len(
            network.encoder_units
        )
        > 1,
        "a conductor and a hierarchical encoder go together in it, and this model has only one of the two": bool(
            network.conductor_units
        )
        != network.hierarchical_encoder,
        "it wants as many units in each layer of a decoder": any(len(set(stack)) > 1 for stack in stacks),
        "it has a decoder for each part of a trio, and this model has one for all": kind == "Trio"
        and not network.separate_decoders,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _told(representation: Any) -> Settings:
    """What is said of chords and keys."""
    chords = {"chordEncoder": "TriadChordEncoder"} if getattr(representation, "chords", False) else {}
    return chords | ({"conditionOnKey": True} if getattr(representation, "key", False) else {})


def _melody(preset: Any) -> tuple[str, Settings, Settings]:
    representation = preset.representation
    return "MelodyConverter", _range(representation), _told(representation)


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
    """What is done to a user's beat before it is encoded is the converter's; hits are told as tensors `[steps, 9]`."""
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
    return "MultitrackConverter", arguments, _told(representation)


_CONVERTERS = {
    "Melody": _melody,
    "Drums": _drums,
    "Trio": _trio,
    "Groove": _groove,
    "Multitrack": _multitrack,
}
