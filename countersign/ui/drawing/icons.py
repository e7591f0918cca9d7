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

# l: a line through points; c: a circle (x, y, r); d: a disc; e: an ellipse (x, y, rx, ry); a: an arc (x, y, r, from, to in
# degrees); r: a rounded box (left, top, right, bottom, radius); b: the same, filled
ICONS: dict[str, list[tuple[Any, ...]]] = {
    "send": [("l", (21, 3), (13.8, 20.5), (10.2, 13.8), (3.5, 10.2), (21, 3)), ("l", (10.2, 13.8), (14.5, 9.5))],
    "receive": [("l", (12, 3.5), (12, 15)), ("l", (7.2, 10.4), (12, 15.2), (16.8, 10.4)),
                ("l", (4, 15.5), (4, 20), (20, 20), (20, 15.5))],
    "upload": [("l", (12, 15), (12, 4.5)), ("l", (7.2, 9), (12, 4.2), (16.8, 9)),
               ("l", (4, 15.5), (4, 20), (20, 20), (20, 15.5))],
    "people": [("c", 9, 8, 3.6), ("a", 9, 20, 6.3, 180, 360), ("l", (2.7, 20), (15.3, 20)),
               ("a", 16, 8, 3.6, 270, 450), ("a", 15.6, 20, 6, 292, 360), ("l", (18.4, 20), (21.6, 20))],
    "history": [("c", 12, 12, 8.8), ("l", (12, 7), (12, 12.2), (15.6, 14.2))],
    "again": [("a", 12, 12, 8.2, 195, 330), ("a", 12, 12, 8.2, 15, 150), ("l", (19.6, 3.6), (19.3, 8.2), (14.7, 8)),
              ("l", (4.4, 20.4), (4.7, 15.8), (9.3, 16))],
    "folder": [("l", (3, 6), (3, 19), (21, 19), (21, 8.5), (11.6, 8.5), (9.2, 5.5), (3, 5.5), (3, 8))],
    "check": [("l", (5, 12.6), (10, 17.4), (19.2, 7))],
    "cross": [("l", (6, 6), (18, 18)), ("l", (18, 6), (6, 18))],
    "copy": [("r", 8.5, 8.5, 20.5, 20.5, 2.5), ("l", (3.5, 6), (3.5, 13)), ("l", (6, 3.5), (13, 3.5)),
             ("a", 6, 6, 2.5, 180, 270), ("a", 6, 13, 2.5, 120, 180), ("a", 13, 6, 2.5, 270, 330)],
    "pause": [("b", 6.5, 5, 10, 19, 1.2), ("b", 14, 5, 17.5, 19, 1.2)],
    "right": [("l", (9, 5.5), (15.5, 12), (9, 18.5))],
    "down": [("l", (5.5, 9), (12, 15.5), (18.5, 9))],
    "plus": [("l", (12, 5), (12, 19)), ("l", (5, 12), (19, 12))],
    "globe": [("c", 12, 12, 8.8), ("l", (3.2, 12), (20.8, 12)), ("e", 12, 12, 3.9, 8.8)],
    "receipt": [("l", (6, 3), (18, 3), (18, 21), (15, 19), (12, 21), (9, 19), (6, 21), (6, 3)),
                ("l", (9.6, 8), (14.4, 8)), ("l", (9.6, 12), (14.4, 12))],
    "warn": [("l", (12, 3.6), (21.4, 20), (2.6, 20), (12, 3.6)), ("l", (12, 10), (12, 14)), ("d", 12, 17, 1.2)],
    "disk": [("r", 3, 5.5, 21, 18.5, 3), ("l", (3, 12.5), (21, 12.5)), ("d", 17, 15.6, 1.2)],
    "shield": [("l", (12, 3), (20, 6), (20, 12), (17, 17.6), (12, 21), (7, 17.6), (4, 12), (4, 6), (12, 3)),
               ("l", (8.4, 11.8), (11, 14.4), (15.6, 9.4))],
    "computer": [("r", 3, 4.5, 21, 16, 2), ("l", (8, 20), (16, 20)), ("l", (12, 16), (12, 20))],
    "key": [("c", 8, 12, 4.2), ("l", (12.2, 12), (21, 12), (21, 15.5)), ("l", (17, 12), (17, 15))],
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
        elif kind in ("r", "b"):
            self._box(kind == "b", *(value * self._unit for value in values))
        else:
            self._round(kind == "d", *(value * self._unit for value in values))

    def _line(self, points: list[tuple[float, float]]) -> None:
        self._draw.line(points, fill=255, width=round(self._width), joint="curve")
        half = self._width / 2
        for x, y in points:
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=255)

    def _box(self, filled: bool, left: float, top: float, right: float, bottom: float, radius: float) -> None:
        if filled:
            self._draw.rounded_rectangle((left, top, right, bottom), radius, fill=255)
            return
        half = self._width / 2
        outer = (left - half, top - half, right + half, bottom + half)
        self._draw.rounded_rectangle(outer, radius + half, outline=255, width=round(self._width))

    def _round(self, filled: bool, x: float, y: float, across: float, down: float | None = None) -> None:
        down = across if down is None else down
        grow = 0 if filled else self._width / 2
        around = (x - across - grow, y - down - grow, x + across + grow, y + down + grow)
        self._draw.ellipse(around, fill=255 if filled else None, outline=255, width=round(self._width))
