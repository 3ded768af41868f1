"""Sentences on what was chosen, moved and left out."""

from __future__ import annotations


def sentences(*counts: tuple[int, str, str]) -> list[str]:
    """(number, noun, rest) as "12 lower notes left out"; nothing where the number is 0."""
    return [f"{counted(number, noun)} {rest}" for number, noun, rest in counts if number]


def counted(number: float, noun: str) -> str:
    """A number with its noun: "1 note", "1,200 notes", "1.5 beats"."""
    number = int(number) if number == int(number) else round(number, 2)
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
