"""Settings that older versions wrote, in the words of this one.

`config.json` of a model and `index.json` of a corpus name the classes of their settings and the fields of these. What
is renamed in the code gets a line in one of the tables here, so that all that was ever written can be read.

* format 1: before the classes and fields had the names of the literature
* format 2: now
"""

from __future__ import annotations

import math
from typing import Any

FORMAT = 2

CLASSES = {
    "Absolute": "L1",
    "Square": "L2",
    "Discrepancy": "MMD",
    "Adversary": "AdversarialPenalty",
    "Unplayed": "GrooveCorruption",
    "AnyOf": "OneOf",
    "Exchange": "SwapParts",
    "Silence": "DropParts",
    "Splice": "SpliceInTime",
    "JudgeSettings": "ClassifierSettings",
}
FIELDS = {  # (new class, old field): new field
    ("Preset", "told"): "label_classes",
    ("Groove", "hits_told"): "condition_on_hits",
    ("Trio", "switches"): "multi_hot_drums",
    ("Elbo", "feedback"): "scheduled_sampling",
    ("Recurrent", "goes_on"): "feed_after_end",
    ("Recurrent", "apart"): "separate_decoders",
    ("Convolutional", "fine"): "full_resolution",
    ("Convolutional", "summary"): "z_summary",
    ("Training", "coast"): "momentum_on_skip",
    ("ClassifierSettings", "pictures"): "representation",
}

VALUES = {  # (new class, new field): {old value: new value}
    ("Preset", "bottleneck"): {
        "gaussian": {"kind": "Gaussian", "initial_std": 0.1, "mean_weight_std": None},
        "broad gaussian": {"kind": "Gaussian", "initial_std": math.log(2), "mean_weight_std": 0.001},
        "point": {"kind": "Point", "rectified": False},
        "rectified point": {"kind": "Point", "rectified": True},
    },
}


def migrated(data: Any) -> Any:
    """Settings as plain data (`musicae.core.configuration.to_data`) of any format, in the names of the newest one.

    What is in these names already stays as it is: no new name was ever an old one of something else.
    """
    if isinstance(data, list):
        return [migrated(value) for value in data]
    if not isinstance(data, dict):
        return data
    if not isinstance(data.get("kind"), str):
        return {name: migrated(value) for name, value in data.items()}
    kind = CLASSES.get(data["kind"], data["kind"])
    fields = {FIELDS.get((kind, name), name): value for name, value in data.items()}
    return {name: migrated(_value(kind, name, value)) for name, value in fields.items()} | {"kind": kind}


def _value(kind: str, field: str, value: Any) -> Any:
    """What a value is called today."""
    return VALUES.get((kind, field), {}).get(value, value) if isinstance(value, str) else value
