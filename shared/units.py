"""Numbers as people read them: with units, thousands marked, no more digits than matter."""


def number(value: float, digits: int = 0) -> str:
    """``8,000`` or ``96.5``: thousands marked, no trailing zeros."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def megabytes(bytes_per_second: float) -> str:
    return f"{number(bytes_per_second / 1e6, 1 if bytes_per_second < 1e7 else 0)} MB/s"


def duration(seconds: float) -> str:
    """``41 s``, ``4 min 12 s``, ``1 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
