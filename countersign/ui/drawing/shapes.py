"""Boxes, discs, dots and curves with smooth edges: drawn several times too large and made small again, which Tk cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from countersign.ui.drawing.colours import clear, mix, rgb

HALO = 4  # every drawn box keeps this margin for its shadow and focus ring, so that edges line up; of a 96 dpi screen
_TIMES = 4  # how many times too large
_SHADE = "#1a2233"


def shrunk(image: Image.Image, width: int, height: int) -> Image.Image:
    """Made small: colour and opacity apart, or edges keep a pale fringe."""
    if image.mode != "RGBA":
        return image.resize((width, height), Image.Resampling.BOX)
    out = image.convert("RGB").resize((width, height), Image.Resampling.BOX)
    out.putalpha(image.getchannel("A").resize((width, height), Image.Resampling.BOX))
    return out


@lru_cache(maxsize=512)
def box(
    width: int, height: int, radius: int, fill: str, line: str = "", thick: int = 1, margin: int = 0, ring: str = "",
    ring_width: int = 2, shadow: int = 0,
) -> Image.Image:  # fmt: skip
    """A rounded box. `margin` stays free around it, for the focus ring or the shadow (0 to 255). Lengths in pixels."""
    line = line or fill
    wide, high, free, round_ = width * _TIMES, height * _TIMES, margin * _TIMES, radius * _TIMES
    image = Image.new("RGBA", (wide, high), clear(line))
    draw = ImageDraw.Draw(image)
    if ring:
        gap = ring_width * _TIMES
        draw.rounded_rectangle((0, 0, wide - 1, high - 1), round_ + free, fill=ring)
        inside = (gap, gap, wide - 1 - gap, high - 1 - gap)
        draw.rounded_rectangle(inside, max(round_ + free - gap, 0), fill=clear(ring))
    draw.rounded_rectangle((free, free, wide - free - 1, high - free - 1), round_, fill=line)
    inset = free + thick * _TIMES
    if fill != line:
        inside = (inset, inset, wide - inset - 1, high - inset - 1)
        draw.rounded_rectangle(inside, max(round_ - thick * _TIMES, 0), fill=fill)
    top = shrunk(image, width, height)
    return _shaded(top, free, round_, shadow) if shadow else top


def _shaded(top: Image.Image, free: int, radius: int, shadow: int) -> Image.Image:
    wide, high = top.width * _TIMES, top.height * _TIMES
    mask = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(mask).rounded_rectangle(
        (free, free + _TIMES, wide - free - 1, high - free + _TIMES), radius, fill=shadow
    )
    under = Image.new("RGBA", top.size, _SHADE)
    under.putalpha(mask.filter(ImageFilter.GaussianBlur(free / 2.5)).resize(top.size, Image.Resampling.BOX))
    return Image.alpha_composite(under, top)


@lru_cache(maxsize=64)
def disc(size: int, fill: str) -> Image.Image:
    """A round spot."""
    side = size * _TIMES
    image = Image.new("RGBA", (side, side), clear(fill))
    draw = ImageDraw.Draw(image)
    draw.ellipse((0, 0, side - 1, side - 1), fill=fill)
    return shrunk(image, size, size)


def dots(size: int, gap: int, frame: int, colour: str, faint: str) -> Image.Image:
    """Three dots, the `frame`-th of them strong: one picture of a small animation."""
    image = Image.new("RGBA", (3 * size + 2 * gap, size))
    for number in range(3):
        strength = (1.0, 0.35, 0.0)[(frame - number) % 3]
        image.alpha_composite(disc(size, mix(faint, colour, strength)), (number * (size + gap), 0))
    return image


def curve(width: int, height: int, values: Sequence[float], line: str, fill: str, ground: str) -> Image.Image:
    """A rate over time, with an area below that fades out, and a dot at its end. Values of at least two moments."""
    wide, high = width * _TIMES, height * _TIMES
    image = Image.new("RGB", (wide, high), ground)
    draw = ImageDraw.Draw(image)
    pad = high / 13
    top = max(*values, 1e-9) * 1.15
    step = (wide - 2 * pad) / (len(values) - 1)
    points = [(pad + n * step, high - _TIMES - value / top * (high - 2 * pad)) for n, value in enumerate(values)]
    fade = Image.new("L", (1, high))
    fade.putdata([round(255 * (1 - y / high) ** 0.6) for y in range(high)])
    area = Image.new("L", (wide, high), 0)
    ImageDraw.Draw(area).polygon([(points[0][0], high), *points, (points[-1][0], high)], fill=255)
    image.paste(rgb(fill), (0, 0), ImageChops.multiply(area, fade.resize((wide, high))))
    draw.line(points, fill=line, width=round(_TIMES * max(1.5, height / 28)), joint="curve")
    x, y = points[-1]
    draw.ellipse((x - pad * 0.7, y - pad * 0.7, x + pad * 0.7, y + pad * 0.7), fill=line)
    return shrunk(image, width, height)
