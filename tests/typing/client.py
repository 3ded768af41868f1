"""The Python of the README, as a program that type checkers see."""

import numpy as np

import musicae

model = musicae.load("melody-2bar")
interpolation = model.interpolate("twinkle_twinkle.mid", "ode_to_joy.mid", steps=7)
interpolation.save("between.mid")
middle: musicae.Song = interpolation.songs[3]
taken: list[str] = interpolation.report[0]
clips: list[musicae.Song] = model.sample(8, seed=0)
reconstruction = model.reconstruct("greensleeves.mid")
accuracy: float = reconstruction.figures["step_accuracy"]
variations = model.vary("amazing_grace.mid", n=2, strength=0.3, seed=1)
first: musicae.Song = variations[0]
z: np.ndarray = model.encode("ode_to_joy.mid")
song: musicae.Song = model.decode(z, like="ode_to_joy.mid")
song = musicae.Song.read("bach_chorale.mid")
song.save("copy.mid")
song.to_pretty_midi()
song.to_symusic()
either = musicae.load("runs/mine")
musical = musicae.load_music("runs/mine").interpolate("a.mid", "b.mid")
images = musicae.load_images("runs/digits-vae").sample(64)
