"""Settings of models for magenta.js; scripts/check_magenta_js.py checks that its client gives the same notes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from musicae.converting import published
from musicae.core.priors import Mixture
from musicae.errors import ConfigError
from musicae.music.magenta.client import differences, settings
from musicae.presets import PRESETS

PUBLISHED = published()
REFUSED = {
    "flat-mel_16bar": "one bidirectional layer",
    "hierdec-mel_16bar": "one bidirectional layer",
    "flat-trio_16bar": "one bidirectional layer",
    "hierdec-trio_16bar": "one bidirectional layer",
    "melody-2bar": "this is a convolutional network",
    "pianoroll-2bar": "this is a convolutional network",
    "melody-2bar-lstm": "its decoders are autoregressive",
}
HELD = sorted(PUBLISHED.keys() - REFUSED.keys())


@pytest.mark.parametrize("name", [name for name in REFUSED if name in PRESETS])
def test_what_it_cannot_run(name):
    with pytest.raises(ConfigError, match=f"magenta.js cannot run {name}: .*{REFUSED[name]}") as error:
        settings(PRESETS[name])
    assert "\n" not in str(error.value)


def test_layers_of_different_sizes():
    preset = PUBLISHED["cat-mel_2bar_small"]
    preset = replace(preset, network=replace(preset.network, decoder_units=(256, 128)))
    with pytest.raises(ConfigError, match="the same number of units"):
        settings(preset)


def test_a_conductor_without_a_hierarchical_encoder():
    preset = PUBLISHED["hierdec-mel_16bar"]
    preset = replace(preset, network=replace(preset.network, encoder_units=(2048,)))
    with pytest.raises(ConfigError, match="only with a hierarchical encoder"):
        settings(preset)


@pytest.mark.parametrize("name", HELD)
def test_what_it_runs(name):
    preset = PUBLISHED[name]
    found = settings(preset)
    arguments = found["dataConverter"]["args"]
    assert found["type"] == "MusicVAE"
    assert arguments["numSteps"] == preset.representation.example_spec.size[0]
    assert ("numSegments" in arguments) == preset.network.hierarchical_encoder
    assert ("chordEncoder" in found) == ("chords" in name)


def test_melodies():
    arguments = {"numSteps": 32, "minPitch": 21, "maxPitch": 108}
    converter = {"type": "MelodyConverter", "args": arguments}
    assert settings(PUBLISHED["cat-mel_2bar_small"]) == {"type": "MusicVAE", "dataConverter": converter}
    chords = {"chordEncoder": "TriadChordEncoder"}
    assert settings(PUBLISHED["cat-mel_2bar_med_chords"]) == {"type": "MusicVAE", "dataConverter": converter, **chords}


@pytest.mark.parametrize(("kit", "high_tom"), [("old", [50, 30, 62, 76, 83, 43]), ("new", [50, 30, 62, 76, 83])])
def test_drums_by_their_map(kit, high_tom):
    preset = PUBLISHED["cat-drums_2bar_small"]
    found = settings(replace(preset, representation=replace(preset.representation, kit=kit)))["dataConverter"]
    assert found["type"] == "DrumsConverter"
    assert found["args"]["pitchClasses"][6] == high_tom


def test_drums_each_on_its_own():
    assert settings(PUBLISHED["nade-drums_2bar_full"])["dataConverter"]["type"] == "DrumRollConverter"
    assert len(settings(PUBLISHED["nade-drums_2bar_full"])["dataConverter"]["args"]["pitchClasses"]) == 61
    assert "useBooleanDecoder" not in settings(PUBLISHED["nade-drums_2bar_reduced"])
    preset = PUBLISHED["nade-drums_2bar_reduced"]
    assert settings(replace(preset, network=replace(preset.network, nade=0)))["useBooleanDecoder"] is True


def test_grooves():
    humanise = settings(PUBLISHED["groovae_2bar_humanize"])["dataConverter"]["args"]
    tap = settings(PUBLISHED["groovae_2bar_tap_fixed_velocity"])["dataConverter"]["args"]
    assert (humanise.get("humanize"), humanise.get("tapify")) == (True, None)
    assert (tap.get("humanize"), tap.get("tapify")) == (None, True)
    assert settings(PUBLISHED["groovae_2bar_hits_control_tfds"])["extraControls"] == [{"name": "hits", "depth": 9}]


def test_differences_of_the_client_are_reported():
    melody = PUBLISHED["cat-mel_2bar_small"]
    assert any("silence" in line for line in differences(melody))
    tracks = PUBLISHED["hier-multiperf_vel_1bar_med"]
    assert differences(tracks) == []
    assert any(
        "after the end" in line
        for line in differences(replace(tracks, network=replace(tracks.network, feed_after_end=False)))
    )
    exact = replace(melody, representation=replace(melody.representation, strict=True))
    assert differences(exact) == []
    finer = replace(exact, representation=replace(exact.representation, steps_per_quarter=8), prior=Mixture())
    assert any("N(0, I)" in line for line in differences(finer))
    assert any("8 steps a quarter" in line for line in differences(finer))
