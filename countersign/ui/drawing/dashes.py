"""A rounded box with a dashed outline: where things are dropped. It is drawn for its size, since dashes cannot be stretched."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw

from countersign.ui.drawing.shapes import shrunk

_TIMES = 3
_INK = 0.58  # of a dash and the gap behind it
_PARTS = 6  # straight pieces that a dash is made of, so that it goes round corners


@lru_cache(maxsize=16)
def dashed(
    width: int, height: int, radius: int, fill: str, line: str, ground: str, thick: float, dash: int, margin: int
) -> Image.Image:
    """The box. The dashes go round without a seam. Lengths in pixels."""
    wide, high, round_, free = width * _TIMES, height * _TIMES, radius * _TIMES, margin * _TIMES
    image = Image.new("RGB", (wide, high), ground)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((free, free, wide - free - 1, high - free - 1), round_, fill=fill)
    half = thick * _TIMES / 2
    way = _Way(free + half, free + half, wide - free - half, high - free - half, round_)
    count = max(8, round(way.length / (2 * dash * _TIMES)))
    step = way.length / count
    for number in range(count):
        points = [way.at(number * step + step * _INK * part / _PARTS) for part in range(_PARTS + 1)]
        draw.line(points, fill=line, width=round(thick * _TIMES), joint="curve")
    return shrunk(image, width, height)


class _Way:
    """The way round a rounded rectangle, from the left end of its upper side on, clockwise."""

    def __init__(self, left: float, top: float, right: float, bottom: float, radius: float) -> None:
        corner = math.pi * radius / 2
        across, down = right - left - 2 * radius, bottom - top - 2 * radius
        self._radius = radius
        self._sides = [across, corner, down, corner, across, corner, down, corner]
        self._starts = [(left + radius, top, 1, 0), (right, top + radius, 0, 1),
                        (right - radius, bottom, -1, 0), (left, bottom - radius, 0, -1)]  # fmt: skip
        self._corners = [(right - radius, top + radius, -90), (right - radius, bottom - radius, 0),
                         (left + radius, bottom - radius, 90), (left + radius, top + radius, 180)]  # fmt: skip
        self.length = sum(self._sides)

    def at(self, distance: float) -> tuple[float, float]:
        """The point after so much of the way."""
        distance %= self.length
        number = 0
        while number < 7 and distance > self._sides[number]:
            distance -= self._sides[number]
            number += 1
        if number % 2 == 0:
            x, y, right, down = self._starts[number // 2]
            return x + right * distance, y + down * distance
        x, y, angle = self._corners[number // 2]
        turn = math.radians(angle + 90 * distance / self._sides[number])
        return x + self._radius * math.cos(turn), y + self._radius * math.sin(turn)
