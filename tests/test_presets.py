"""Every named model can be stored, read back, built and trained."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from signatures import COMPUTATION, TRAINING, distinct, each, small

from musicae.core.bottlenecks import Gaussian, Point
from musicae.core.data import Batch
from musicae.core.networks import Recurrent
from musicae.core.priors import Mixture
from musicae.core.randomness import RandomSource
from musicae.core.training import Task, Trainer
from musicae.fitting import fit
from musicae.images.pictures import ReadPicture, to_image
from musicae.loading import build_network, load, of
from musicae.overrides import changed
from musicae.presets import PRESETS, Preset
from musicae.presets.musicvae import MUSICVAE

ALWAYS_ZERO = "conductor.layers.0.weight_ih_l0"  # weights of the value 0 that MusicVAE's conductor reads
PICTURES = {name: preset for name, preset in PRESETS.items() if not preset.musical}
DIGITS = [preset for name, preset in PICTURES.items() if name.startswith("digits-")]
FAMILIES = [preset.name.removeprefix("digits-") for preset in DIGITS]
PARAMETERS = {  # of the original, by building each of its graphs
    "cat-mel_2bar_small": 4_423_770,
    "cat-mel_2bar_big": 134_571_098,
    "cat-mel_2bar_med_chords": 17_478_234,
    "cat-drums_2bar_small": 4_636_672,
    "cat-drums_2bar_big": 137_582_080,
    "nade-drums_2bar_reduced": 13_819_273,
    "nade-drums_2bar_full": 14_391_741,
    "flat-trio_16bar": 251_279_028,
    "hierdec-trio_16bar": 230_975_156,
    "hier-trio_16bar": 122_529_460,
    "flat-mel_16bar": 235_250_778,
    "hierdec-mel_16bar": 176_061_530,
    "hier-mel_16bar": 72_547_418,
    "hier-multiperf_vel_1bar_med": 55_638_506,
    "hier-multiperf_vel_1bar_big": 204_598_762,
    "hier-multiperf_vel_1bar_med_chords": 56_140_266,
    "hier-multiperf_vel_1bar_big_chords": 205_602_282,
    "groovae_4bar": 4_085_019,
    "groovae_2bar_humanize": 4_085_019,
    "groovae_2bar_tap_fixed_velocity": 4_085_019,
    "groovae_2bar_tap_fixed_velocity_note_dropout": 4_085_019,
    "groovae_2bar_add_closed_hh": 4_085_019,
    "groovae_2bar_hits_control_tfds": 4_131_099,
}


SMALL = [small(preset) for preset in PRESETS.values()]
EACH = each(PRESETS.values())
BUILT = [small(preset) if preset in MUSICVAE else preset for preset in PRESETS.values()]  # those have up to 251 M
EACH_BUILT = each(distinct(BUILT, *TRAINING, "latent", "training.skip_above", signature=repr))
EACH_THAT_COMPUTES = each(distinct(SMALL, *COMPUTATION))
EACH_THAT_TRAINS = each(distinct(SMALL, *TRAINING))
EACH_OF_PICTURES = each(distinct([preset for preset in SMALL if not preset.musical], *COMPUTATION))


class Examples:
    """Six examples of the kind that a preset reads, drawn at random: no data are needed."""

    def __init__(self, preset: Preset):
        event, random = preset.representation.example_spec, RandomSource(5)
        shape = (len(self), *event.shape)
        self.x = random.integers(0, min(event.streams) - 1, *shape) if event.categorical else random.uniform(*shape)
        if event.end is not None:
            self.x[:, ::7] = event.end
        if getattr(preset.representation, "binary", False) or (preset.musical and not event.categorical):
            self.x = (self.x < 0.5).float()
        self.condition = random_condition(preset, len(self))

    def __len__(self) -> int:
        return 6

    def batch(self, indices: np.ndarray, random: RandomSource | None = None) -> Batch:
        chosen = torch.from_numpy(np.asarray(indices))
        return Batch(self.x[chosen], None if self.condition is None else self.condition[chosen])


def random_condition(preset: Preset, examples: int) -> torch.Tensor | None:
    """The condition of each example: a class, or at each step one of what there is; None for a model without."""
    if not preset.conditioning:
        return None
    classes = torch.eye(preset.conditioning.size)
    if not preset.musical:
        return classes[:examples]
    steps = preset.representation.example_spec.size[0]
    return classes[RandomSource(6).integers(0, preset.conditioning.size - 1, examples, steps)]


@pytest.mark.parametrize("preset", MUSICVAE, ids=lambda preset: preset.name)
def test_the_originals_have_as_many_parameters(preset):
    with torch.device("meta"):
        network = build_network(preset)
    assert network.size == PARAMETERS[preset.name]


def test_all_configurations_of_the_original_are_here():
    assert [preset.name for preset in MUSICVAE if preset.name not in PARAMETERS] == []
    assert [name for name in PARAMETERS if name not in PRESETS] == []


@EACH
def test_names_and_summaries_fit_in_a_line(preset):
    assert PRESETS[preset.name] is preset
    assert 10 < len(preset.summary) < 70
    assert not preset.summary.endswith(".")


@each(distinct(PRESETS.values(), "training", signature=repr))
def test_the_learning_rate_ends_with_the_training(preset):
    settings = preset.training
    rates = [settings.learning_rate(step) for step in (0, settings.steps // 2, settings.steps - 1)]
    assert all(0 < rate <= 0.01 for rate in rates)
    assert rates[1] > rates[2]


@EACH_BUILT
def test_it_can_be_built_and_its_loss_has_gradients(preset):
    torch.manual_seed(0)
    network = build_network(preset)
    model = of(preset, network)
    assert preset.name in repr(model)
    event = preset.representation.example_spec
    x = torch.zeros((2, *event.shape), dtype=torch.int64 if event.categorical else torch.float32)
    task = Task(network, preset.objective, preset.corruption)
    terms = task(Batch(x, random_condition(preset, 2)), 0, RandomSource(0))
    terms.loss.backward()
    assert math.isfinite(terms.loss.item())
    assert all(p.grad is not None for p in task.parameters() if p.requires_grad)
    norm = torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
    assert norm < preset.training.skip_above / 3, "its first steps would be skipped"
    assert len(model.draw(2)) == 2


@EACH_THAT_TRAINS
def test_gradients_reach_every_parameter_at_the_end_of_training_too(preset):
    """Of the discriminator as well, and where every schedule has come to its end."""
    torch.manual_seed(0)
    task = Task(build_network(preset), preset.objective, preset.corruption)
    task(Examples(preset).batch(np.arange(4)), preset.training.steps, RandomSource(0)).loss.backward()
    trained = {name: p for name, p in task.named_parameters() if p.requires_grad and ALWAYS_ZERO not in name}
    assert [name for name, p in trained.items() if p.grad is None or not p.grad.any()] == []
    assert all(p.grad.isfinite().all() for p in trained.values())


@EACH_THAT_COMPUTES
def test_what_is_saved_and_loaded_computes_the_same_to_the_bit(preset, tmp_path):
    examples, saved = Examples(preset), tiny.model(preset)
    z = saved.to_latent(examples.x, condition=examples.condition)
    tiny.folder(preset, tmp_path)
    if preset.prior:
        saved.prior = Mixture(components=2).fit(RandomSource(1).normal(40, preset.latent).numpy())
        saved.prior.save(tmp_path)
    loaded = load(tmp_path)
    assert loaded.preset == preset
    assert np.array_equal(loaded.to_latent(examples.x, condition=examples.condition), z)
    assert np.array_equal(
        loaded.to_latent(examples.x, 3, examples.condition), saved.to_latent(examples.x, 3, examples.condition)
    )
    assert np.array_equal(loaded.draw(5), saved.draw(5))
    for one, other in zip(*(model.likelihoods(z, examples.condition) for model in (saved, loaded)), strict=True):
        assert torch.equal(one.log_prob(examples.x), other.log_prob(examples.x))
        assert torch.equal(one.mode(), other.mode())


def two_steps(preset: Preset, folder) -> Trainer:
    torch.manual_seed(preset.training.seed)
    settings, examples = replace(preset.training, steps=2, batch_size=4), Examples(preset)
    task = Task(build_network(preset), preset.objective, preset.corruption)
    options = {"save": lambda *_: None, "device": "cpu", "quiet": True}
    trainer = Trainer(task, (examples, examples), settings, folder, **options)
    for _ in range(2):
        trainer.step(*trainer.prepare(trainer.state.step))
    return trainer


@EACH_THAT_TRAINS
def test_the_same_seed_trains_to_the_same_weights(preset, tmp_path):
    first, second = (two_steps(preset, tmp_path).state for _ in range(2))
    assert first.skipped == 0
    for part in ("task", "average"):
        one, other = (getattr(state, part).state_dict() for state in (first, second))
        assert one.keys() == other.keys()
        assert [name for name in one if not torch.equal(one[name], other[name])] == []


@EACH_THAT_COMPUTES
def test_what_stands_for_an_example_is_the_mean_of_its_posterior(preset):
    model, examples = tiny.model(preset), Examples(preset)
    with torch.no_grad():
        conditioned = model.network.conditioned_on(examples.condition)
        mean = conditioned.encode(examples.x).mean
        z = model.to_latent(examples.x, condition=examples.condition)
        assert np.array_equal(z, mean.numpy())
        assert np.array_equal(z, model.to_latent(examples.x, condition=examples.condition))
        if not preset.conditioning:
            assert torch.equal(model.network.reconstruct(examples.x), model.network.decode(mean).mode())
    drawn = model.to_latent(examples.x, 0, examples.condition)
    assert np.array_equal(drawn, z) == isinstance(preset.bottleneck, Point)


@EACH_OF_PICTURES
def test_pictures_are_reconstructed_by_the_mean(preset):
    model, examples = tiny.model(preset), Examples(preset)
    pictures, labels = ReadPicture(examples.x.numpy()), np.arange(len(examples)) if preset.label_classes else None
    first, again = (np.stack([np.asarray(i) for i in model.reconstruct(pictures, labels)]) for _ in range(2))
    with torch.no_grad():
        conditioned = model.network.conditioned_on(examples.condition)
        expected = conditioned.decode(conditioned.encode(examples.x).mean).mean.clamp(0, 1).numpy()
    assert np.array_equal(first, again)
    assert np.array_equal(first, np.stack([np.asarray(to_image(values)) for values in expected]))


def test_every_family_of_mnist_has_a_twin_of_digits():
    """The same but for sizes, so that each can be tried without data."""
    assert [f"mnist-{family}" for family in FAMILIES] == [name for name in PICTURES if name.startswith("mnist-")]
    for family in FAMILIES:
        large, small = PRESETS[f"mnist-{family}"], PRESETS[f"digits-{family}"]
        assert (large.data, small.data) == (None, "digits")
        for field in ("bottleneck", "corruption", "prior", "label_classes"):
            assert getattr(large, field) == getattr(small, field)
        assert kinds(large.objective) == kinds(small.objective)
        assert type(large.network) is type(small.network)
        assert replace(large.representation, height=8, width=8) == small.representation


def kinds(objective) -> tuple[type, type]:
    return type(objective), type(getattr(objective, "penalty", None))


@each(distinct(map(small, DIGITS), *TRAINING, "prior"))
def test_every_family_trains_on_the_digits(preset, tmp_path):
    """A few steps of what a user would start, in small, to a folder that works."""
    preset = changed(preset, steps=3, batch_size=16, validate_every=3)
    trained = fit(preset, out=tmp_path / "run", device="cpu", say=None)
    assert trained.metrics["trained"] == trained.metrics["trained"] | {"steps": 3, "skipped": 0}
    held_out = trained.metrics["held_out"]
    assert held_out["examples"] == 180
    assert math.isfinite(held_out["distortion"])
    assert ("elbo" in held_out) == isinstance(preset.bottleneck, Gaussian)
    loaded = load(tmp_path / "run")
    assert loaded.metrics["held_out"] == held_out
    assert (loaded.prior is not None) == (preset.prior is not None)
    pictures = [np.asarray(image) for image in loaded.sample(3, seed=1)]
    assert [picture.shape for picture in pictures] == [(8, 8)] * 3
    assert all(map(np.array_equal, pictures, map(np.asarray, trained.sample(3, seed=1))))


def test_the_baseline_is_the_original_one():
    preset = PRESETS["cat-mel_2bar_small"]
    assert preset.network == Recurrent(encoder_units=(512,), decoder_units=(256, 256))
    assert (preset.latent, preset.training.batch_size) == (256, 512)
    assert preset.training.learning_rate(0) == 1e-3
    assert preset.training.learning_rate(10**6) == pytest.approx(1e-5)
    assert preset.objective.beta(10**6) == pytest.approx(0.2, rel=1e-3)
