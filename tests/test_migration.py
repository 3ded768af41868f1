"""What older versions wrote is read: the settings of every preset as format 1 had them, and the models that ship."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from musicae.core.classification import ClassifierSettings
from musicae.core.configuration import from_data, to_data
from musicae.loading import PRETRAINED, read_preset
from musicae.migration import CLASSES, FIELDS, VALUES, migrated
from musicae.presets import KINDS, PRESETS

FORMAT_1 = json.loads((Path(__file__).parent / "data" / "presets_format_1.json").read_text(encoding="utf-8"))

CHANGED = {"groove-2bar": ("corruption",)}  # since then: it is trained on few taps as well


@pytest.mark.parametrize("name", FORMAT_1)
def test_settings_of_format_1_are_those_of_the_preset_today(name):
    read = from_data(migrated(FORMAT_1[name]), KINDS)
    changed = CHANGED.get(name, ())
    assert read == replace(PRESETS[name], **{field: getattr(read, field) for field in changed})
    assert all(getattr(read, field) != getattr(PRESETS[name], field) for field in changed)


@pytest.mark.parametrize("name", PRESETS)
def test_settings_of_today_need_no_migration(name):
    data = json.loads(json.dumps(to_data(PRESETS[name])))
    assert migrated(data) == data


SHIPPED = [path.parent for path in sorted(PRETRAINED.glob("*/config.json"))]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_models_that_ship_are_read(folder):
    read, preset = read_preset(folder), PRESETS[folder.name]
    assert (read.representation, read.network) == (preset.representation, preset.network)


def test_no_new_name_was_an_old_one():
    assert not CLASSES.keys() & set(CLASSES.values())
    assert not FIELDS.keys() & {(kind, new) for (kind, _), new in FIELDS.items()}


def test_every_renamed_class_and_field_exists_today():
    fields = {kind.__name__: {*kind.__dataclass_fields__} for kind in (*KINDS, ClassifierSettings)}
    assert set(CLASSES.values()) <= fields.keys()
    assert all(new in fields[kind] for (kind, _), new in FIELDS.items())
    assert all(field in fields[kind] for kind, field in VALUES)


@pytest.mark.parametrize("data", [None, 3, "Absolute", [], {"kind": ["Absolute"]}, {"a": {"b": None}}])
def test_what_names_no_class_stays_as_it_is(data):
    assert migrated(data) == data
