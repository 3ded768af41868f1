"""Held-out figures as lines of text."""

from __future__ import annotations

NATS = ("rate", "distortion", "elbo")


def table(held_out: dict) -> list[str]:
    """Held-out figures as lines of text, the baselines' under the model's."""
    lines = [
        f"{held_out['examples']:,} held-out examples",
        ", ".join(f"{name} {held_out[name]:.2f} nats" for name in NATS if name in held_out),
        *([_likelihood(held_out)] if "nll" in held_out else []),
        f"active units {held_out['active_units']}",
    ]
    lines += _rows(held_out)
    lines += [_codes(held_out["codes"])] if "codes" in held_out else []
    return lines + (_generated(held_out["generated"]) if "generated" in held_out else [])


def _rows(held_out: dict) -> list[str]:
    """A row for each choice of z and decoding, each baseline, and each kind of partial input; under a header."""
    rows = {f"{z:8}{how}": ratios for z in ("mean", "sample") for how, ratios in held_out.get(z, {}).items()}
    names = list(next(iter(rows.values())))
    if "neighbours" in held_out:
        names.append("neighbours")
        first = next(iter(rows))
        rows[first] = rows[first] | {"neighbours": held_out["neighbours"]}
    rows |= held_out.get("baselines", {})
    rows |= {f"mean, of {name}": ratios for name, ratios in held_out.get("remains", {}).items()}
    widths = {name: max(len(name), 6) + 3 for name in names}
    header = f"{'z':8}{'decoded':15}" + "".join(f"{name:>{width}}" for name, width in widths.items())
    lines = [header]
    for label, ratios in rows.items():
        lines.append(f"{label:23}" + "".join(f"{_number(ratios.get(name)):>{widths[name]}}" for name in names))
    return lines


def _likelihood(held_out: dict) -> str:
    samples = f"{held_out['nll_samples']:,} samples of z each for {held_out['nll_examples']:,}"
    return f"nll {held_out['nll']:.2f} nats at most ({samples}; {held_out['protocol']})"


def _codes(codes: dict) -> str:
    """One line, with the values of N(0, I) in brackets."""
    means, variances = codes["mean"], codes["variance"]
    moments = (
        f"means {min(means):.2f} to {max(means):.2f} (0), variances {min(variances):.2f} to {max(variances):.2f} (1)"
    )
    rest = f"mean absolute {codes['absolute']:.3f} (0.798), squared MMD {codes['discrepancy']:.4f} (0)"
    return f"codes, and N(0, I): {moments}, {rest}"


def _generated(figures: dict) -> list[str]:
    accuracy = figures["judge_accuracy"]
    judge = "a judge" if accuracy is None else f"a judge of accuracy {accuracy:.4f}"
    agreement = f"agreement {figures['agreement']:.4f}, " if "agreement" in figures else ""
    others = {"frechet_standard_normal": "of z ~ N(0, I)", "frechet_floor": "of training pictures"}
    compared = [f"{figures[key]:.2f} {words}" for key, words in others.items() if key in figures]
    distance = f"Fréchet distance {figures['frechet']:.2f}" + (f" ({', '.join(compared)})" if compared else "")
    entropies = f"conditional entropy {figures['doubt']:.3f} nats, marginal entropy {figures['coverage']:.3f} nats"
    return [f"{figures['examples']:,} generated pictures, by {judge}: {agreement}{entropies}, {distance}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
