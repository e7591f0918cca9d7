"""Pictures for kinds of files, and which kind a name is of."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from countersign.ui.drawing.colours import clear, mix
from countersign.ui.drawing.shapes import shrunk

_TIMES = 8
_GRID = 24
_FOLDER = "#d99a2b", "#f2bb4e"
_COLOURS = {
    "text": "#4f6fe3", "table": "#2f8f57", "film": "#8a5bd6", "sound": "#c2528f", "archive": "#b0741d",
    "picture": "#1d8a99", "program": "#5b6675", "link": "#5b6675", "other": "#7a8594",
}  # fmt: skip
_ENDINGS = {
    "text": "txt md rtf doc docx odt pdf tex epub pages",
    "table": "csv tsv xls xlsx ods numbers",
    "film": "mp4 mov avi mkv webm m4v mpg mpeg wmv",
    "sound": "mp3 m4a wav flac ogg opus aac aiff",
    "archive": "zip gz bz2 xz zst 7z rar tar tgz iso dmg",
    "picture": "jpg jpeg png gif bmp tif tiff webp heic heif svg raw cr2 nef",
    "program": "exe msi app sh bat cmd ps1 py js jar deb rpm appimage",
}
_KIND_OF = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}


def kind_of(name: str) -> str:
    """What a file is, by the ending of its name: only for its picture."""
    return _KIND_OF.get(name.rpartition(".")[2].lower(), "other")


@lru_cache(maxsize=256)
def kind(name: str, size: int) -> Image.Image:
    """The picture of a kind, or of a `folder`."""
    side = size * _TIMES
    unit = side / _GRID
    if name == "folder":
        return _folder(size, side, unit)
    colour = _COLOURS[name]
    image = Image.new("RGBA", (side, side), clear(colour))
    draw = ImageDraw.Draw(image)
    _rounded(draw, unit, (4, 2, 20, 22), 2.6, colour)
    # a corner of the page is turned down
    draw.polygon(_points(unit, (14.5, 0), (24, 0), (24, 7.5), (20, 7.5)), fill=clear(colour))
    draw.polygon(_points(unit, (14.5, 2), (14.5, 7.5), (20, 7.5)), fill=mix(colour, "#ffffff", 0.55))
    _DETAILS.get(name, lambda _draw, _unit: None)(draw, unit)
    return shrunk(image, size, size)


def _folder(size: int, side: int, unit: float) -> Image.Image:
    back, front = _FOLDER
    image = Image.new("RGBA", (side, side), clear(back))
    draw = ImageDraw.Draw(image)
    _rounded(draw, unit, (2, 4.5, 11, 12), 2, back)
    _rounded(draw, unit, (2, 6.5, 22, 20), 2, back)
    _rounded(draw, unit, (2, 8.5, 22, 20), 2, front)
    return shrunk(image, size, size)


def _text(draw: ImageDraw.ImageDraw, unit: float) -> None:
    for y, right in ((11, 16.5), (14, 16.5), (17, 13)):
        _rounded(draw, unit, (7.5, y - 0.7, right, y + 0.7), 0.7, "#ffffff")


def _table(draw: ImageDraw.ImageDraw, unit: float) -> None:
    for y in (11, 14, 17):
        _rounded(draw, unit, (7.5, y - 0.7, 16.5, y + 0.7), 0.7, "#ffffff")
    for x in (7.5, 11.3, 15.1):
        _rounded(draw, unit, (x, 10.4, x + 1.4, 17.6), 0.6, "#ffffff")


def _film(draw: ImageDraw.ImageDraw, unit: float) -> None:
    draw.polygon(_points(unit, (9.5, 10), (9.5, 18), (16, 14)), fill="#ffffff")


def _sound(draw: ImageDraw.ImageDraw, unit: float) -> None:
    draw.ellipse([value * unit for value in (8, 15, 12, 19)], fill="#ffffff")
    _rounded(draw, unit, (10.8, 9.5, 12, 17), 0.3, "#ffffff")
    _rounded(draw, unit, (10.8, 9.5, 15.4, 11.4), 0.6, "#ffffff")


def _archive(draw: ImageDraw.ImageDraw, unit: float) -> None:
    for number in range(5):
        left = 10 if number % 2 else 12
        _rounded(draw, unit, (left, 4 + 2.4 * number, left + 2, 6 + 2.4 * number), 0.2, "#ffffff")
    _rounded(draw, unit, (10, 16, 14, 20), 0.8, "#ffffff")


def _picture(draw: ImageDraw.ImageDraw, unit: float) -> None:
    draw.ellipse([value * unit for value in (7.4, 9.4, 10.6, 12.6)], fill="#ffffff")
    draw.polygon(_points(unit, (6.8, 18.5), (11.2, 12.8), (13.4, 15.4), (14.8, 13.8), (17.4, 18.5)), fill="#ffffff")


def _program(draw: ImageDraw.ImageDraw, unit: float) -> None:
    width = round(1.5 * unit)
    draw.line(_points(unit, (8, 11), (11, 14), (8, 17)), fill="#ffffff", width=width, joint="curve")
    draw.line(_points(unit, (12.5, 17.4), (16.5, 17.4)), fill="#ffffff", width=width)


def _link(draw: ImageDraw.ImageDraw, unit: float) -> None:
    width = round(1.5 * unit)
    draw.line(_points(unit, (8, 17), (8, 13), (15.5, 13)), fill="#ffffff", width=width, joint="curve")
    draw.line(_points(unit, (13, 10.4), (15.8, 13), (13, 15.6)), fill="#ffffff", width=width, joint="curve")


_DETAILS = {
    "text": _text, "table": _table, "film": _film, "sound": _sound, "archive": _archive, "picture": _picture,
    "program": _program, "link": _link,
}  # fmt: skip


def _rounded(
    draw: ImageDraw.ImageDraw, unit: float, corners: tuple[float, float, float, float], radius: float, fill: str
) -> None:
    draw.rounded_rectangle([value * unit for value in corners], radius * unit, fill=fill)


def _points(unit: float, *points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * unit, y * unit) for x, y in points]
