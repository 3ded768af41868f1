from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicae.core.checkpoints import write_arrays
from musicae.core.directions import DIRECTIONS, Directions, calibrated, fit
from musicae.errors import CheckpointError, ConfigError

KNOWN = Directions(("high", "long"), np.float32([[[2.0, 0.0, 0.0]], [[0.0, 0.5, -1.0]]]), np.array([3.0, 0.25]))


def correlated(n: int = 4000, correlation: float = 0.8, seed: int = 0):
    """Codes that two correlated attributes move, each along an axis of its own, with noise; and the attributes."""
    rng = np.random.default_rng(seed)
    a = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n)
    codes = np.concatenate([a, np.zeros((n, 1))], 1) + rng.normal(0, 0.3, (n, 3))
    return codes.astype(np.float32), {"first": 5 + 2 * a[:, 0], "second": 7 * a[:, 1]}


def test_each_direction_leaves_the_other_attribute_alone_though_they_go_together_in_the_data():
    found = fit(*correlated())
    np.testing.assert_allclose(found.vectors[:, 0], [[1, 0, 0], [0, 1, 0]], atol=0.05)
    np.testing.assert_allclose(found.spreads, [2, 7], rtol=0.05)
    assert found.names == ("first", "second")


def test_codes_without_an_attribute_and_attributes_that_do_not_vary_are_left_out():
    codes, values = correlated()
    undefined = np.arange(len(codes)) % 3 == 0
    some = fit(codes[~undefined], {name: column[~undefined] for name, column in values.items()})
    values["first"][undefined] = np.nan
    found = fit(codes, values | {"same": np.full(len(codes), 2.0), "none": np.full(len(codes), np.nan)})
    assert found.names == ("first", "second")
    np.testing.assert_allclose(found.vectors, some.vectors)


@pytest.mark.parametrize("values", [{}, {"same": np.ones(5)}, {"one": np.array([1.0, 2, np.nan, np.nan, np.nan]) * 0}])
def test_what_nothing_can_be_fitted_to_is_refused(values):
    with pytest.raises(ConfigError, match="no attribute varies"):
        fit(np.zeros((5, 2), np.float32), values)


def test_an_attribute_that_few_codes_have_costs_the_others_nothing():
    codes, values = correlated()
    rare = np.where(np.arange(len(codes)) % 3 == 0, values["first"], np.nan)
    assert fit(codes, values | {"rare": rare}).names == ("first", "second")
    np.testing.assert_allclose(fit(codes, values | {"rare": rare}).vectors, fit(codes, values).vectors)


def test_an_attribute_that_depends_on_the_variant_has_a_direction_for_each():
    """Codes in a plane: of the first variant an attribute is the first coordinate, of the second the other one."""
    codes, _ = correlated(correlation=0.0)
    found = fit(codes, {"own": np.stack([codes[:, 0], codes[:, 1]], 1), "long": codes[:, 2]})
    own, long = found.vectors
    np.testing.assert_allclose(own, np.diag(codes.std(0))[:2], atol=0.05)
    np.testing.assert_allclose(long, [[0, 0, codes[:, 2].std()]] * 2, atol=0.05)
    np.testing.assert_array_equal(found.shift({"own": 2.0}, np.array([1, 0, 1])), 2 * own[[1, 0, 1]])


def test_where_there_is_one_variant_all_examples_are_of_it():
    np.testing.assert_array_equal(KNOWN.shift({"high": 1.0}, np.array([5, 0])), [KNOWN.shift({"high": 1.0})] * 2)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_shifts_add_up(high, long):
    expected = (high * KNOWN.vectors[0] + long * KNOWN.vectors[1])[0]
    np.testing.assert_allclose(KNOWN.shift({"high": high, "long": long}), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("amounts", "message"),
    [({"hgh": 1}, "'hgh': did you mean 'high'"), ({"x": 1}, "known: high, long"), ({"high": np.inf}, "high inf")],
)
def test_unknown_attributes_and_impossible_amounts_are_refused(amounts, message):
    with pytest.raises(ConfigError, match=message):
        KNOWN.shift(amounts)


def test_a_folder_holds_what_was_written(tmp_path):
    assert Directions.load(tmp_path, 3) is None
    KNOWN.save(tmp_path)
    found = Directions.load(tmp_path, 3)
    assert found.names == KNOWN.names
    np.testing.assert_array_equal(found.vectors, KNOWN.vectors)
    np.testing.assert_array_equal(found.spreads, np.float32(KNOWN.spreads))


@pytest.mark.parametrize("spoil", [lambda data: b"x", lambda data: data[:-3]])
def test_a_damaged_file_is_refused(tmp_path, spoil):
    KNOWN.save(tmp_path)
    path = tmp_path / DIRECTIONS
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(CheckpointError, match="damaged"):
        Directions.load(tmp_path, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"vectors": np.full((2, 1, 3), np.nan)},
        {"vectors": np.ones((2, 1, 4))},
        {"vectors": np.ones((3, 1, 3))},
        {"vectors": np.ones((2, 3))},
        {"spreads": np.array([1.0, np.inf])},
        {"spreads": np.ones(3)},
        {"names": ("high",)},
        {"names": ("high", "high")},
        {"names": ("high", 3)},
    ],
    ids=str,
)
def test_directions_that_do_not_fit_the_model_or_are_not_finite_are_refused(tmp_path, changes):
    wrong = replace(KNOWN, **changes)
    write_arrays(tmp_path / DIRECTIONS, {n: np.float32(getattr(wrong, n)) for n in ("vectors", "spreads")}, wrong.names)
    with pytest.raises(CheckpointError, match=r"^[^\n]*directions\.safetensors: damaged[^\n]+$"):
        Directions.load(tmp_path, 3)


def test_calibration_finds_the_length_that_moves_an_attribute_by_one_and_drops_what_moves_none():
    """A decoder that rounds small moves off and saturates; the second attribute does not answer."""

    def respond(shift: np.ndarray) -> np.ndarray:
        return np.array([3 * np.tanh(max(shift[0, 0] - 0.5, 0) / 2), 0.0])

    found = calibrated(KNOWN, respond, longest=6.0)
    assert found.names == ("high",)
    assert abs(respond(found.vectors[0])[0] - 1) < 0.1
    np.testing.assert_allclose(found.vectors[0] / np.linalg.norm(found.vectors[0]), [[1, 0, 0]])
    np.testing.assert_array_equal(found.spreads, [3.0])


def test_no_direction_is_followed_beyond_the_longest():
    found = calibrated(KNOWN, lambda shift: 0.1 * np.array([shift[0, 0], shift[0, 1] - 4 * shift[0, 2]]), longest=6.0)
    assert np.linalg.norm(found.vectors, axis=-1).max() <= 6.0 + 1e-5
    assert found.names == ("high", "long")


def test_names_are_readable_without_the_library(tmp_path):
    KNOWN.save(tmp_path)
    raw = Path(tmp_path / DIRECTIONS).read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert json.loads(header["__metadata__"]["names"]) == ["high", "long"]
