from __future__ import annotations

from musicae.cli.sample_report import sample_report


def test_it_is_said_in_words(two_sample_figures):
    said = "\n".join(sample_report(two_sample_figures))
    assert "the ceiling is the overlap of training windows" in said
    assert all(name in said for name in two_sample_figures["overlaps"])
    without = {name: value for name, value in two_sample_figures.items() if name not in ("nearest", "copies")}
    without["overlaps"] = {
        n: {k: v for k, v in row.items() if k != "train"} for n, row in two_sample_figures["overlaps"].items()
    }
    assert "no ceiling and no distances" in "\n".join(sample_report(without))
