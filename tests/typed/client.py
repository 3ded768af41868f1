"""The Python of the README, as a program of somebody else that type checkers read (`.ci/run`)."""

from pathlib import Path
from typing import assert_type

import numpy as np

import musicae
from musicae.images.model import ImageModel
from musicae.music.model import MusicModel
from musicae.music.results import Interpolation, Reconstruction, Variations

model = musicae.load("melody-2bar")
assert_type(model, MusicModel)
interpolation = model.interpolate("twinkle_twinkle.mid", "ode_to_joy.mid", steps=7)
assert_type(interpolation, Interpolation)
assert_type(interpolation.save("between.mid"), Path)
assert_type(interpolation.songs[3], musicae.Song)
assert_type(interpolation.report, tuple[list[str], list[str]])
assert_type(model.sample(8, seed=0), list[musicae.Song])
reconstruction = model.reconstruct("greensleeves.mid")
assert_type(reconstruction, Reconstruction)
assert_type(reconstruction.figures["step_accuracy"], float)
variations = model.vary("amazing_grace.mid", n=2, strength=0.3, seed=1)
assert_type(variations, Variations)
assert_type(variations[0], musicae.Song)
z: np.ndarray = model.encode("ode_to_joy.mid")
assert_type(model.decode(z, like="ode_to_joy.mid"), musicae.Song)

song = musicae.Song.read("bach_chorale.mid")
assert_type(song, musicae.Song)
song.save("copy.mid")
song.to_pretty_midi()
song.to_symusic()

assert_type(musicae.load(), MusicModel)
assert_type(musicae.load("groove-2bar").for_task("humanise").to("cpu"), MusicModel)
assert_type(musicae.load("runs/mine"), MusicModel | ImageModel)
assert_type(musicae.load_music(Path("runs/mine")), MusicModel)
assert_type(musicae.load_images("runs/digits-vae"), ImageModel)
