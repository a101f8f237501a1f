"""Chinese numerals as numbers; pure."""

from __future__ import annotations

__all__ = ["HAN_NUMERALS", "HAN_SCALES", "han_value"]

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
HAN_NUMERALS = frozenset({*_DIGITS, *HAN_SCALES})


def han_value(numeral: str) -> int:
    """The value of a Chinese numeral: 九, 二十三, 一千二百, 二〇二三.

    ``numeral`` has characters of ``HAN_NUMERALS`` alone. Raises KeyError for others.
    """
    if all(character in _DIGITS for character in numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total, section, digit = 0, 0, 0
    for character in numeral:
        if character in _DIGITS:
            digit = _DIGITS[character]
            continue
        scale = HAN_SCALES[character]
        if scale >= 10**4:
            total = (total + section + digit or 1) * scale
            section = digit = 0
        else:
            section += (digit or 1) * scale
            digit = 0
    return total + section + digit
