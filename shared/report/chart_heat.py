"""Nodes × time as one small picture: a pixel a value, stretched by the page. No script, and it prints."""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.report.chart import Timeline, told

LEVELS = 32
"""Palette entries for values; one more is for what was not measured."""
STRIP_HEIGHT_PX, CALM_STRIP_HEIGHT_PX = 420, 140
"""At most; a strip on which nothing happens takes less room."""
ROW_HEIGHT_PX = 14
MOST_NODES = 300
"""As many are shown, the worst: more would be thinner than a line."""
LIGHT = ((232, 238, 244), (243, 200, 119), (180, 35, 24))
DARK = ((38, 50, 64), (185, 138, 69), (242, 96, 74))
"""Colours of nothing, of ``MIDDLE`` of the limit, and of the limit and above."""
MIDDLE = 0.7

type Colour = tuple[int, int, int]
type Rows = Mapping[str, Sequence[float | None]]


class Heat(NamedTuple):
    title: str
    light: str
    """``data:`` address of the picture for a light page."""
    dark: str
    height_px: int
    nodes: tuple[str, ...]
    """From the top, worst first."""
    readings: tuple[tuple[str, ...], ...]
    """In words, node by node, column by column."""
    full: str
    """What the strongest colour means."""
    summary: str


def heat(title: str, rows: Rows, line: Timeline, *, unit: str, full: float) -> Heat:
    """The strip of a metric. ``full``: the value of the strongest colour."""
    order = sorted(rows, key=lambda node: (-sum(value or 0.0 for value in rows[node]), node))[:MOST_NODES]
    pixels = [bytes(_level(value, full) for value in rows[node]) for node in order]
    hot = sum(any(value is not None and value >= full for value in row) for row in rows.values())
    left_out = f"; the worst {MOST_NODES} of them are shown" if len(rows) > MOST_NODES else ""
    return Heat(
        title=title, light=_address(png(pixels, palette(LIGHT))), dark=_address(png(pixels, palette(DARK))),
        height_px=min(STRIP_HEIGHT_PX if hot else CALM_STRIP_HEIGHT_PX, ROW_HEIGHT_PX * len(order)), nodes=tuple(order),
        readings=tuple(tuple("not measured" if v is None else told(v, unit) for v in rows[node]) for node in order),
        full=told(full, unit), summary=f"{hot:,} of {len(rows):,} nodes reached {told(full, unit)} between {line.time(0):%H:%M} and {line.time(line.columns):%H:%M} UTC{left_out}",
    )


def _level(value: float | None, full: float) -> int:
    """Palette index: 0 is not measured."""
    return 0 if value is None else 1 + min(LEVELS - 1, int(max(0.0, value) / full * (LEVELS - 1)))


def palette(stops: tuple[Colour, Colour, Colour]) -> bytes:
    """RGB of every level after that of *not measured*, which is transparent."""
    low, middle, high = stops
    colours = [_between(low, middle, t / MIDDLE) if t < MIDDLE else _between(middle, high, (t - MIDDLE) / (1 - MIDDLE))
               for t in (n / (LEVELS - 1) for n in range(LEVELS))]
    return bytes(part for colour in ((0, 0, 0), *colours) for part in colour)


def _between(left: Colour, right: Colour, part: float) -> Colour:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(left, right, strict=True))
    return red, green, blue


def png(rows: Sequence[bytes], colours: bytes) -> bytes:
    """A picture of palette indices, eight bits each; index 0 is transparent. Source: "Portable Network Graphics", W3C."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"tRNS", b"\0"), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _address(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()
