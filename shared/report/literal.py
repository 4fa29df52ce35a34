"""Text from outside (image names, nodes, error messages), made safe to show as it is.

Attackers can choose image and pod names. What could hide or reorder text is taken out here, once, for every
receiver: control characters, bidirectional overrides, zero-width characters. Escaping is each renderer's own.
"""

import unicodedata

_TURNED_TO_SPACE = {"Cc", "Zl", "Zp", "Zs"}
_DROPPED = {"Cf", "Cs", "Co", "Cn"}


def one_line(text: str, limit: int) -> str:
    """``text`` on one line, without invisible characters, at most ``limit`` characters long (``…`` where cut)."""
    words = "".join(_visible(character) for character in text[: 4 * limit]).split()
    return shorten(" ".join(words), limit)


def lines(text: str, limit: int) -> str:
    """As ``one_line``, but with the line breaks kept: for commands."""
    kept = (one_line(line, limit) for line in text[: 4 * limit].splitlines())
    return shorten("\n".join(line for line in kept if line), limit)


def shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _TURNED_TO_SPACE:
        return " "
    return "" if category in _DROPPED else character
