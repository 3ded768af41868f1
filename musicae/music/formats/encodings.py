"""Which encoding the names and lyrics of a MIDI file are in: the format does not say."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WESTERN = "cp1252"
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff]{1,2}(?![\x80-\xff])")
_HIGH = re.compile(rb"[\x80-\xff]")


def decode(texts: Iterable[bytes]) -> list[str]:
    """Texts of one file as strings: in UTF-8 where all are that, otherwise all in the encoding that they look like.

    Zero bytes at their ends are left out.
    """
    texts = [text.rstrip(b"\0") for text in texts]
    foreign = [text for text in texts if not text.isascii()]
    encoding = _guess(foreign) if foreign else "ascii"
    return [_decoded(text, encoding) for text in texts]


def _decoded(text: bytes, encoding: str) -> str:
    for one in ("utf-8", encoding):  # a file may mix them
        try:
            return text.decode(one)
        except UnicodeDecodeError:
            continue
    return text.decode("latin-1")


def _guess(texts: list[bytes]) -> str:
    """The encoding of texts that are not ASCII."""
    texts = [text for text in texts if not _is(text, "utf-8")]
    joined = b"\n".join(texts)
    high = len(_HIGH.findall(joined))
    if not high:
        return "utf-8"
    for encoding in ("cp932", "euc_jp"):
        if _share(encoding, texts, _KANA + _KANJI) > 0.9 and _share(encoding, texts, _KANA) > 0.2:
            return encoding
    kanji = _share("cp932", texts, _KANJI) > 0.9 and re.search(rb"[\x81-\x9f]", joined)
    if kanji and not re.search("[A-Za-z]", joined.decode("cp932")):
        return "cp932"
    bare = not re.search(rb"[A-Za-z]", joined)
    if sum(map(len, _ALONE.findall(joined))) > high / 2 and not (bare and high > 1):
        return _WESTERN  # single letters with accents among others
    if high > 2 and _share("cp1251", texts, _SMALL_CYRILLIC) > 0.6:
        return "cp1251"
    for encoding, pair in _PAIRS.items():
        if all(_is(text, encoding) for text in texts) and sum(map(len, pair.findall(joined))) > 0.8 * high:
            return encoding
    return "cp1251" if _share("cp1251", texts, _CYRILLIC) > 0.9 and high > 2 else _WESTERN


_CYRILLIC, _SMALL_CYRILLIC = "\u0401\u0410-\u044f\u0451", "\u0430-\u044f\u0451"
_KANA = "\u3041-\u30ff\uff10-\uff5a"  # hiragana, katakana, wide letters and digits
_KANJI = "\u4e00-\u9fff\u3000-\u3020\uff01-\uff5e"
_PAIRS = {  # the commonest characters of each
    "euc_kr": re.compile(rb"[\xb0-\xc8][\xa1-\xfe]"),
    "gb2312": re.compile(rb"[\xb0-\xd7][\xa1-\xfe]"),
    "big5": re.compile(rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]"),
}


def _is(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _share(encoding: str, texts: list[bytes], letters: str) -> float:
    """Which share of the characters that are not ASCII are such letters; 0 where the texts are not in the encoding."""
    if not all(_is(text, encoding) for text in texts):
        return 0.0
    foreign = re.findall(r"[^\x00-\x7f]", "".join(text.decode(encoding) for text in texts))
    return len(re.findall(f"[{letters}]", "".join(foreign))) / max(len(foreign), 1)
