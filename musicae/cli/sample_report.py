"""How samples and midpoints compare with held-out music (`musicae.music.evaluation.two_sample`), as lines of text."""

from __future__ import annotations

AIM = 0.05  # below the ceiling
NAMES = {"samples": "samples", "midpoints": "midpoints", "train": "training", "held_out": "held-out"}


def sample_report(figures: dict) -> list[str]:
    """A table of attributes, and lines on novelty, faults and the classifier."""
    heading = (
        f"{figures['samples']:,} samples and as many midpoints of two songs, temperature {figures['temperature']:g}"
    )
    return [
        f"{heading}, beside {figures['held_out']:,} held-out windows",
        *_attributes(figures),
        *_lines(figures["lines"]),
        *_novelty(figures),
        _faults(figures["faults"]),
        *(_classifier(name, figures["judge"][name]) for name in ("samples", "midpoints")),
    ]


def _attributes(figures: dict) -> list[str]:
    """The mean of each attribute, and how much its distribution overlaps with that of held-out windows."""
    sets = [name for name in NAMES if name in next(iter(figures["overlaps"].values()))]
    averaged = ["held_out", *(name for name in sets if name != "train")]
    heading = "".join(f"{NAMES[name]:>11}" for name in averaged) + " |" + "".join(f"{NAMES[name]:>11}" for name in sets)
    width = 11 * len(averaged)
    rows = [f"{'':24}{'mean of':>{width}} |{'overlap with held-out, 1 is the same':>{11 * len(sets) + 6}}"]
    rows.append(f"{'attribute':24}{heading}")
    for name, shares in figures["overlaps"].items():
        means = figures["means"].get(name, {})
        cells = "".join(f"{_number(means.get(one)):>11}" for one in averaged)
        rows.append(f"{name:24}{cells} |" + "".join(f"{shares[one]:>11.3f}" for one in sets) + _note(shares))
    ceiling = f"the ceiling is the overlap of training windows; aim within {AIM} of it"
    without = "no ceiling and no distances: the data have no training part"
    return [*rows, ceiling if "train" in sets else without]


def _note(shares: dict[str, float]) -> str:
    if "train" not in shares:
        return ""
    missing = shares["train"] - shares["samples"]
    return f"   {missing:.3f} below the ceiling" if missing > AIM else "   within the aim"


def _lines(lines: dict[str, dict]) -> list[str]:
    """Wide intervals, and the fewest notes."""
    said = {"over_7": "intervals over 7 semitones", "over_12": "intervals over 12", "fewest_notes": "fewest notes"}
    return [
        f"{words}: " + ", ".join(f"{NAMES[name]} {_number(found[key])}" for name, found in lines.items())
        for key, words in said.items()
        if all(key in found for found in lines.values())
    ]


def _novelty(figures: dict) -> list[str]:
    if "nearest" not in figures:
        return []
    distances = ", ".join(f"{NAMES[name]} {value:.3f}" for name, value in figures["nearest"].items())
    copies = ", ".join(f"{NAMES[name]} {value:.3f}" for name, value in figures["copies"].items())
    return [
        f"steps that differ from the nearest training window, in any key, median: {distances}; aim: as held-out",
        f"exact copies of training windows, share: {copies} (held-out ones were left out)",
    ]


def _faults(faults: dict[str, float]) -> str:
    shares = ", ".join(f"{NAMES[name]} {share:.3f}" for name, share in faults.items())
    return f"windows with faults of notation, share: {shares}; aim at 0"


def _classifier(name: str, found: dict) -> str:
    strongest = sorted(found["weights"].items(), key=lambda one: -abs(one[1]))[:3]
    more = ", ".join(f"{'more' if weight > 0 else 'less'} {attribute}" for attribute, weight in strongest)
    learned = f"trained on {found['learned_from']:,} windows, tested on {found['tested_on']:,} of other songs"
    by_attributes = f"by the attributes alone {found['by_attributes']:.3f}, because of {more}"
    accuracy = f"a classifier tells them from music with accuracy {found['accuracy']:.3f} ({learned})"
    return f"{NAMES[name]}: {accuracy}; 0.5 is that it cannot, aim at 0.60; {by_attributes}"


def _number(value: float | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
