"""The picture of a folder."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from countersign.ui.drawing.colours import clear
from countersign.ui.drawing.shapes import shrunk

_TIMES = 8
_GRID = 24
_BACK, _FRONT = "#d99a2b", "#f2bb4e"


@lru_cache(maxsize=16)
def folder(size: int) -> Image.Image:
    """A folder, `size` pixels wide and high: its tab, its back, its front."""
    side = size * _TIMES
    unit = side / _GRID
    image = Image.new("RGBA", (side, side), clear(_BACK))
    draw = ImageDraw.Draw(image)
    for corners, colour in (((2, 4.5, 11, 12), _BACK), ((2, 6.5, 22, 20), _BACK), ((2, 8.5, 22, 20), _FRONT)):
        draw.rounded_rectangle([value * unit for value in corners], 2 * unit, fill=colour)
    return shrunk(image, size, size)
