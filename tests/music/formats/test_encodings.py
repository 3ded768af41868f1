"""Names in whatever encoding."""

from __future__ import annotations

import pytest

from musicae.music.formats.encodings import decode

NAMES = {
    "utf-8": ["ピアノ", "Flöte", "Скрипка"],
    "cp932": ["ピアノ", "メロディ", "主旋律", "ドラム", "歌", "ギター１", "弦楽器", "ソプラノ Sax"],
    "cp1252": [
        "Flöte",
        "Klavier rechts",
        "Geige 2 \u2013 Solo",
        "Don\u2019t",
        "Voix aiguë",
        "é",
        "Œuvre",
        "© 1998",
        "Piano à queue",
    ],
    "cp1251": ["Скрипка", "Бас", "Ударные", "Гитара 2", "Вокал"],
    "euc_kr": ["피아노", "드럼", "기타"],
    "gb2312": ["主旋律", "小提琴", "吉他"],
    "euc_jp": ["ピアノ", "ドラム"],
    "big5": ["鋼琴", "主旋律"],
}


@pytest.mark.parametrize("encoding", NAMES)
def test_names_are_read(encoding):
    for name in NAMES[encoding]:
        assert decode([name.encode(encoding)]) == [name]
    assert decode(name.encode(encoding) for name in NAMES[encoding]) == NAMES[encoding]


def test_any_bytes_are_a_name():
    assert decode([b"", b"abc\0\0", bytes(range(128, 256))])[:2] == ["", "abc"]
