"""Line icons of our own, on a grid of 24, and the round marks that hold one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw

from countersign.ui.drawing.colours import clear
from countersign.ui.drawing.shapes import disc, shrunk

_GRID = 24
_WEIGHT = 1.7
_SMALL = 32  # pixels; smaller ones are drawn larger still before they are made small

# l: a line through points; c: a circle (x, y, r); d: a disc; a: an arc (x, y, r, from, to in degrees);
# r: a rounded box (left, top, right, bottom, radius)
ICONS: dict[str, list[tuple[Any, ...]]] = {
    "send": [("l", (21, 3), (13.8, 20.5), (10.2, 13.8), (3.5, 10.2), (21, 3)), ("l", (10.2, 13.8), (14.5, 9.5))],
    "receive": [("l", (12, 3.5), (12, 15)), ("l", (7.2, 10.4), (12, 15.2), (16.8, 10.4)),
                ("l", (4, 15.5), (4, 20), (20, 20), (20, 15.5))],
    "upload": [("l", (12, 15), (12, 4.5)), ("l", (7.2, 9), (12, 4.2), (16.8, 9)),
               ("l", (4, 15.5), (4, 20), (20, 20), (20, 15.5))],
    "people": [("c", 9, 8, 3.6), ("a", 9, 20, 6.3, 180, 360), ("l", (2.7, 20), (15.3, 20)),
               ("a", 16, 8, 3.6, 270, 450), ("a", 15.6, 20, 6, 292, 360), ("l", (18.4, 20), (21.6, 20))],
    "history": [("c", 12, 12, 8.8), ("l", (12, 7), (12, 12.2), (15.6, 14.2))],
    "check": [("l", (5, 12.6), (10, 17.4), (19.2, 7))],
    "cross": [("l", (6, 6), (18, 18)), ("l", (18, 6), (6, 18))],
    "copy": [("r", 8.5, 8.5, 20.5, 20.5, 2.5), ("l", (3.5, 6), (3.5, 13)), ("l", (6, 3.5), (13, 3.5)),
             ("a", 6, 6, 2.5, 180, 270), ("a", 6, 13, 2.5, 120, 180), ("a", 13, 6, 2.5, 270, 330)],
    "down": [("l", (5.5, 9), (12, 15.5), (18.5, 9))],
    "warn": [("l", (12, 3.6), (21.4, 20), (2.6, 20), (12, 3.6)), ("l", (12, 10), (12, 14)), ("d", 12, 17, 1.2)],
    "info": [("c", 12, 12, 8.8), ("l", (12, 11), (12, 16.4)), ("d", 12, 7.8, 1.2)],
}  # fmt: skip


@lru_cache(maxsize=256)
def icon(name: str, size: int, colour: str, weight: float = _WEIGHT) -> Image.Image:
    """A line icon with round ends. weight: of its lines, in units of the grid."""
    times = 8 if size <= _SMALL else 4
    pen = _Pen(size * times, weight)
    for kind, *values in ICONS[name]:
        pen.draw(kind, values)
    out = Image.new("RGBA", (size, size), clear(colour))
    out.putalpha(shrunk(pen.mask, size, size))
    return out


def mark(size: int, fill: str, name: str, colour: str, part: float = 0.5) -> Image.Image:
    """A disc with an icon in its middle, `part` of its width."""
    image = disc(size, fill).copy()
    drawn = icon(name, round(size * part), colour, 2.2)
    at = (size - drawn.width) // 2
    image.alpha_composite(drawn, (at, at))
    return image


class _Pen:
    """Draws the parts of an icon into a mask."""

    def __init__(self, side: int, weight: float) -> None:
        self.mask = Image.new("L", (side, side), 0)
        self._draw = ImageDraw.Draw(self.mask)
        self._unit = side / _GRID
        self._width = weight * self._unit

    def draw(self, kind: str, values: list[Any]) -> None:
        """One part: see ICONS."""
        if kind == "l":
            self._line([(x * self._unit, y * self._unit) for x, y in values])
        elif kind == "a":
            x, y, radius, begin, end = values
            turns = [math.radians(begin + (end - begin) * n / 32) for n in range(33)]
            self._line(
                [((x + radius * math.cos(t)) * self._unit, (y + radius * math.sin(t)) * self._unit) for t in turns]
            )
        elif kind == "r":
            self._box(*(value * self._unit for value in values))
        else:
            self._round(kind == "d", *(value * self._unit for value in values))

    def _line(self, points: list[tuple[float, float]]) -> None:
        self._draw.line(points, fill=255, width=round(self._width), joint="curve")
        half = self._width / 2
        for x, y in points:
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=255)

    def _box(self, left: float, top: float, right: float, bottom: float, radius: float) -> None:
        half = self._width / 2
        outer = (left - half, top - half, right + half, bottom + half)
        self._draw.rounded_rectangle(outer, radius + half, outline=255, width=round(self._width))

    def _round(self, filled: bool, x: float, y: float, radius: float) -> None:
        outer = radius + (0 if filled else self._width / 2)
        around = (x - outer, y - outer, x + outer, y + outer)
        self._draw.ellipse(around, fill=255 if filled else None, outline=255, width=round(self._width))
