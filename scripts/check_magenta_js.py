"""A check with the real client: models written for magenta.js decode to the same notes and encode to the same means.

    npm install --ignore-scripts --prefix FOLDER @magenta/music@1.23.1
    python scripts/check_magenta_js.py FOLDER/node_modules
    python scripts/check_magenta_js.py FOLDER/node_modules --record tests/data/magenta_js.json

Small models of every family that the client can run, and one of full size, get random weights that are scaled up, so
that decodes differ from latent vector to latent vector. Both musicae and the client decode latent vectors greedily and
encode songs. This needs node and npm, and is not part of the test suite; with `--record` the client's first decode by
each model is written to a file, and tests/test_check_magenta_js.py compares ours with it. Random numbers are those of
`RandomState`, which numpy keeps the same for ever.

Bars of many tracks are compared in two parts. Latent vectors must be decoded to the same tokens, up to the end of each
track. And tokens of songs must be rendered to the same notes: tokens from random weights are hardly ever valid notes.

Two errors of the client's converters are not counted. For drums it writes the value for silence a step too early (see
`with_the_clients_error`). For many tracks it leaves out the first velocity of a track if it is the highest: the songs
here have none that high.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from musicae.converting import to_magenta_js
from musicae.core import checkpoints
from musicae.loading import build_network, load, write_settings
from musicae.music.data.windows import to_batch
from musicae.music.model import MusicModel
from musicae.music.score.note_arrays import NOTE
from musicae.music.score.score import TimeSignature, Track
from musicae.music.song import Song
from musicae.presets import PRESETS, Preset

LATENTS = 16
TOLERANCE = 1e-4  # of means
LOUD = 113  # the highest of the eight velocity bins of many tracks begins here
SCALE = 3.0  # of the random weights
SECONDS_A_QUARTER = 0.5
DRUMS = (36, 38, 42, 46, 45, 48, 50, 49, 51)
FULL_SIZE = ("cat-mel_2bar_small",)
CASES = {  # families and their conditions
    "cat-mel_2bar_small": {},
    "cat-mel_2bar_med_chords": {"chords": "C Am"},
    "cat-drums_2bar_small": {},
    "nade-drums_2bar_reduced": {},
    "nade-drums_2bar_full": {},
    "hier-mel_16bar": {},
    "hier-trio_16bar": {},
    "hier-multiperf_vel_1bar_med": {},
    "hier-multiperf_vel_1bar_med_chords": {"chords": "Am"},
    "groovae_4bar": {},
    "groovae_2bar_humanize": {},
    "groovae_2bar_tap_fixed_velocity": {},
    "groovae_2bar_hits_control_tfds": {"hits": True},
}


def small(preset: Preset) -> Preset:
    """A preset of few units, whose windows are those of the original."""
    network = preset.network
    sizes = {
        "encoder_units": (24,) * len(network.encoder_units),
        "decoder_units": (20,) * len(network.decoder_units),
        "conductor_units": (16,) * len(network.conductor_units),
        "nade": 12 * bool(network.nade),
    }
    representation = replace(preset.representation, strict=True)
    return replace(preset, network=replace(network, **sizes), latent=8, representation=representation)


def presets() -> dict[str, Preset]:
    """The models by what they are called in the table."""
    full_size = {f"{name} (full size)": PRESETS[name] for name in FULL_SIZE}
    return full_size | {name: small(PRESETS[name]) for name in CASES}


def random_model(preset: Preset, folder: Path) -> MusicModel:
    """A model folder with random weights, scaled up so that every input matters."""
    network, random = build_network(preset), np.random.RandomState(0)
    with torch.no_grad():
        for _, parameter in sorted(network.named_parameters()):
            if parameter.requires_grad:
                values = random.normal(scale=SCALE / max(parameter.shape[-1], 1) ** 0.5, size=parameter.shape)
                parameter.copy_(torch.from_numpy(values))
    write_settings(folder, preset)
    checkpoints.write_weights(folder, network)
    return load(folder)


def tunes(preset: Preset) -> list[Song]:
    """Three songs."""
    random = np.random.RandomState(1)
    return [tune(preset, random) for _ in range(3)]


def latents(preset: Preset) -> np.ndarray:
    """The latent vectors that are decoded, `[LATENTS, latent]`."""
    return np.random.RandomState(2).normal(size=(LATENTS, preset.latent)).astype(np.float32)


def tune(preset: Preset, random: np.random.RandomState) -> Song:
    """A song that fills one window: of notes an eighth long, or of hits, on as many tracks as the model reads."""
    kind, bars = type(preset.representation).__name__, max(preset.representation.steps // 16, 1)
    bars = 1 if kind == "Multitrack" else bars
    melody, bass, drums = (_notes(random, bars, low) for low in (60, 36, None))
    tracks = {
        "Melody": (Track(melody),),
        "Drums": (Track(drums, is_drum=True),),
        "Groove": (Track(drums, is_drum=True),),
    }
    band = (Track(melody), Track(bass, program=33), Track(drums, is_drum=True))
    return Song(tracks.get(kind, band), ticks_per_quarter=480, time_signatures=(TimeSignature(0, 4, 4),))


def _notes(random: np.random.RandomState, bars: int, low: int | None) -> np.ndarray:
    start = np.arange(8 * bars) * 240
    start = start[random.random_sample(len(start)) < 0.8]
    start = np.union1d(start, [0, 1920 * bars - 240])
    pitch = random.choice(DRUMS, len(start)) if low is None else low + random.randint(0, 24, len(start))
    rows = zip(start, start + (120 if low is None else 240), pitch, random.randint(1, LOUD, len(start)), strict=True)
    return np.array(list(rows), NOTE)


def sequence(song: Song, preset: Preset) -> dict:
    """A song as the client's quantised NoteSequence."""
    per_quarter = preset.representation.steps_per_quarter
    quarter = song.ticks_per_quarter
    notes = [
        {
            "pitch": int(note["pitch"]),
            "velocity": int(note["velocity"]),
            "startTime": float(note["start"]) / quarter * SECONDS_A_QUARTER,
            "endTime": float(note["end"]) / quarter * SECONDS_A_QUARTER,
            "quantizedStartStep": int(note["start"]) * per_quarter // quarter,
            "quantizedEndStep": int(note["end"]) * per_quarter // quarter,
            "program": 0 if track.is_drum else track.program,
            "isDrum": track.is_drum,
            "instrument": i,
        }
        for i, track in enumerate(song.tracks)
        for note in track.notes
    ]
    return {
        "notes": notes,
        "quantizationInfo": {"stepsPerQuarter": per_quarter},
        "totalQuantizedSteps": max(note["quantizedEndStep"] for note in notes),
        "tempos": [{"qpm": 60 / SECONDS_A_QUARTER}],
    }


def condition(model: MusicModel, conditions: dict) -> torch.Tensor | None:
    """The condition of one window as musicae's network reads it."""
    return to_batch(model.blank(**conditions).windows, model.representation).condition


def controls(conditions: dict, song: Song, model: MusicModel) -> tuple[dict | None, dict]:
    """The conditions as the client and as musicae take them."""
    if "hits" in conditions:
        return {"extraControls": {"hits": condition(model, {"hits": song})[0].tolist()}}, {"hits": song}
    return ({"chordProgression": conditions["chords"].split()} if conditions else None), conditions


def rows(notes: list[tuple]) -> np.ndarray:
    """Notes (pitch, is it a drum, start, end, velocity) in order."""
    return np.array(sorted(notes), float).reshape(-1, 5)


def our_notes(song: Song, velocities: bool) -> np.ndarray:
    """The notes of musicae, times in quarters; with their velocities or their ends."""
    quarter, found = song.ticks_per_quarter, []
    for track in song.tracks:
        for note in track.notes:
            rest = (0, note["velocity"]) if velocities else (note["end"] / quarter, 0)
            found.append((note["pitch"], track.is_drum, note["start"] / quarter, *rest))
    return rows(found)


def their_notes(notes: list[list], per_quarter: int, velocities: bool) -> np.ndarray:
    """The notes of the client, as `our_notes`; those before the beginning are moved there, as in musicae."""
    found = []
    for first, last, start, _, pitch, velocity, _, drum, _ in notes:
        if velocities:
            found.append((pitch, bool(drum), max(start / SECONDS_A_QUARTER, 0), 0, velocity))
        else:
            found.append((pitch, bool(drum), first / per_quarter, last / per_quarter, 0))
    return rows(found)


def of_tokens(preset: Preset) -> bool:
    """Whether tokens are compared and not notes: tokens from random weights are hardly ever valid notes."""
    return type(preset.representation).__name__ == "Multitrack"


def our_decodes(model: MusicModel, z: np.ndarray, conditions: dict) -> list[np.ndarray]:
    """The notes or tokens that musicae decodes each latent vector `[n, latent]` to."""
    if of_tokens(model.preset):
        c = condition(model, conditions)
        return list(model.from_latent(z, condition=None if c is None else c.repeat(len(z), 1, 1)).numpy())
    velocities = type(model.representation).__name__ == "Groove"
    return [our_notes(model.decode(one, **conditions), velocities) for one in z]


def their_decodes(answers: dict, preset: Preset) -> list[np.ndarray]:
    """The notes or tokens that the client decodes the latent vectors to."""
    if of_tokens(preset):
        return list(np.array(answers["classes"]))
    velocities, per_quarter = type(preset.representation).__name__ == "Groove", preset.representation.steps_per_quarter
    return [their_notes(notes, per_quarter, velocities) for notes in answers["notes"]]


def same(ours: np.ndarray, theirs: np.ndarray, preset: Preset) -> bool:
    """Whether tokens up to the end of each track are the same; or notes: times to 1/200 quarter, velocities to 1."""
    if of_tokens(preset):
        return bool(((ours == theirs) | (ours == preset.representation.example_spec.outputs)).all())
    return same_notes(ours, theirs)


def same_notes(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether notes are the same: times to 1/200 quarter, velocities to 1."""
    return a.shape == b.shape and bool((np.abs(a - b) <= [0, 0, 0.005, 0.005, 1]).all())


def read(model: MusicModel, song: Song, conditions: dict) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The encoder's input for a song's only window, `[1, steps, channels]`, and its condition."""
    windows = model.extract(song).windows
    assert len(windows) == 1
    x = to_batch(windows, model.representation).x
    if model.preset.corruption is not None:
        x = model.preset.corruption.deterministic(x)
    return model.network.encoder[0](x).transpose(1, 2), condition(model, conditions)


@torch.no_grad()
def mean(model: MusicModel, values: torch.Tensor, c: torch.Tensor | None) -> np.ndarray:
    """The posterior mean of an input of the encoder and its condition."""
    together = values if c is None else torch.cat([values, c], -1)
    lengths = (values > 0).any(-1).unflatten(1, (model.preset.network.segments, -1)).sum(-1)
    lengths = lengths if type(model.representation).__name__ == "Multitrack" else None
    return model.network.bottleneck(model.network.encoder[1](together, lengths)).mean[0].numpy()


def with_the_clients_error(values: torch.Tensor, preset: Preset) -> torch.Tensor:
    """The input as the client's converter makes it: for drums it writes the value for silence a step too
    early (`drumRoll.set(1, i, -1)` in src/core/data.ts means the last value of the step before)."""
    if type(preset.representation).__name__ == "Drums":
        values = values.clone()
        values[:, :, -1] = torch.nn.functional.pad(values[:, 1:, -1], (0, 1))
    return values


@torch.no_grad()
def ask(preset: Preset, conditions: dict, folder: Path) -> dict:
    """Write a case for the client, and return the answers of musicae."""
    model, songs, z = random_model(preset, folder / "ours"), tunes(preset), latents(preset)
    theirs, ours = controls(conditions, songs[0], model)
    to_magenta_js(folder / "ours", folder / "model")
    inputs = [read(model, song, ours) for song in songs]
    questions = {"latents": z.tolist(), "sequences": [sequence(song, preset) for song in songs]}
    questions["tensors"] = [values[0].tolist() for values, _ in inputs]
    questions |= {"controls": theirs} if theirs else {}
    (folder / "questions.json").write_text(json.dumps(questions))
    extracted = [model.extract(song) for song in songs] if of_tokens(preset) else []
    return {
        "fromTensors": np.array([mean(model, *one) for one in inputs]),
        "fromSongs": np.array([mean(model, with_the_clients_error(values, preset), c) for values, c in inputs]),
        "decodes": our_decodes(model, z, ours),
        "notes": sum(len(track.notes) for one in z for track in model.decode(one, **ours).tracks),
        "echoes": [our_notes(model.render(one.windows, one), False) for one in extracted],
    }


def compared(answers: dict, expected: dict, preset: Preset) -> tuple[int, int, int, float, float]:
    """The number of equal decodes, of different ones among ours, of notes in ours, and the greatest difference of means
    of tensors and of songs."""
    ours = expected["decodes"]
    right = sum(same(*both, preset) for both in zip(ours, their_decodes(answers, preset), strict=True))
    echoes = [their_notes(notes, preset.representation.steps_per_quarter, False) for notes in answers.get("echoes", [])]
    right *= all(map(same_notes, expected["echoes"], echoes))
    far = (float(np.abs(expected[key] - answers[key]).max()) for key in ("fromTensors", "fromSongs"))
    return right, len({decode.tobytes() for decode in ours}), expected["notes"], *far


def record(answers: dict[str, dict], path: Path) -> None:
    """Write the client's first decode by each model, a line each: the columns of its notes, or its tokens."""
    models = presets()
    first = {name: their_decodes(answer, models[name])[0] for name, answer in answers.items()}
    lines = (f"{json.dumps(name)}: {_short(decode.T)}" for name, decode in first.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _short(decode: np.ndarray) -> str:
    """Numbers as JSON in few characters: times to 1/1000 quarter, and no `.0`."""
    text = json.dumps(np.round(decode.astype(float), 3).tolist(), separators=(",", ":"))
    return text.replace(".0,", ",").replace(".0]", "]")


def main(modules: str, recorded: Path | None = None) -> None:
    """Run the client, print a table, and fail if anything differs."""
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        for i, (name, preset) in enumerate(presets().items()):
            case = Path(folder, f"{i:02}")
            case.mkdir()
            expected[name] = case, ask(preset, CASES[preset.name], case)
        script = Path(__file__).with_suffix(".mjs")
        subprocess.run(["node", script, folder, modules], check=True, stdout=subprocess.DEVNULL)
        answers = {name: json.loads((case / "answers.json").read_text()) for name, (case, _) in expected.items()}
    print(f"{'model':40}{'same decodes':>14}{'different':>11}{'notes':>8}{'mu of tensors':>15}{'mu of songs':>13}")
    failed = False
    for name, preset in presets().items():
        right, different, notes, tensors, songs = compared(answers[name], expected[name][1], preset)
        failed |= right < LATENTS or not max(tensors, songs) < TOLERANCE
        print(f"{name:40}{f'{right} of {LATENTS}':>14}{different:>11}{notes:>8}{tensors:>15.1e}{songs:>13.1e}")
    if recorded is not None:
        record(answers, recorded)
    sys.exit(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", help="folder node_modules with @magenta/music")
    parser.add_argument("--record", metavar="FILE", type=Path, help="write the client's first decode by each model")
    options = parser.parse_args()
    main(options.modules, options.record)
