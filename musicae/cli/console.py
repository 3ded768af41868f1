"""What is printed: whatever a file is called or says, the terminal shows it and does not obey it."""

from __future__ import annotations

import json
from typing import Any
from unicodedata import category

UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, invisible and reordering characters, other ends of lines
SAFE = "\n\u200c\u200d"  # the last two join letters of Persian and Hindi, and emojis


def escaped(text: str) -> str:
    """Text in which control characters, and those that hide or reorder others, are escapes as Python writes them."""
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if _is_unsafe(c) else c for c in text)


def one_line(text: str) -> str:
    """Text as `escaped`, in one line."""
    return escaped(" ".join(text.split()))


def as_json(content: Any) -> str:
    """Content as JSON that is as legible, and as safe to show."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    return "".join(json.dumps(c)[1:-1] if _is_unsafe(c) else c for c in text)


def _is_unsafe(character: str) -> bool:
    return category(character) in UNSAFE and character not in SAFE
