"""Colours: one for each job, in light and in dark. docs/DESIGN.md lists them; a test measures their contrasts."""

from __future__ import annotations

from dataclasses import dataclass

_LINEAR_UP_TO = 0.04045  # https://www.w3.org/TR/WCAG21/#dfn-relative-luminance


@dataclass(frozen=True)
class Palette:
    """From back to front: page, rail, card, sunk. Every colour of words reads on each of them, and on its own soft ground."""

    page: str
    rail: str
    card: str
    sunk: str
    line: str  # hairlines, which only decorate
    edge: str  # outlines of controls, 3:1
    text: str
    muted: str
    accent: str  # the one main thing, what is chosen, focus
    accent_hover: str
    accent_press: str
    on_accent: str
    accent_soft: str
    good: str
    good_soft: str
    bad: str
    bad_soft: str
    warn: str
    warn_soft: str
    shadow: int  # 0 to 255


LIGHT = Palette(
    page="#f6f7f9", rail="#eceff3", card="#ffffff", sunk="#f0f2f5", line="#dfe3e9", edge="#7d8692", text="#181c22",
    muted="#565f6b", accent="#3653cf", accent_hover="#2b45b8", accent_press="#233a9f", on_accent="#ffffff",
    accent_soft="#e6ebfd", good="#13703c", good_soft="#e0f3e7", bad="#b3261e", bad_soft="#fdebe9", warn="#7d5000",
    warn_soft="#fff2d6", shadow=26,
)  # fmt: skip
DARK = Palette(
    page="#16181d", rail="#1b1e24", card="#22262d", sunk="#2b3038", line="#363c46", edge="#7f8997", text="#eceff4",
    muted="#abb4c0", accent="#9db0ff", accent_hover="#b3c2ff", accent_press="#8298f0", on_accent="#10163a",
    accent_soft="#2c3557", good="#68d294", good_soft="#1f3a2b", bad="#ff948b", bad_soft="#432727", warn="#f3c46b",
    warn_soft="#3f3219", shadow=0,
)  # fmt: skip


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def clear(colour: str) -> tuple[int, int, int, int]:
    """A colour that is not there: edges fade towards it, and not towards black."""
    return (*rgb(colour), 0)


def mix(one: str, other: str, part: float) -> str:
    """The colour that lies `part` (0 to 1) of the way from one to the other."""
    return "#" + "".join(f"{round(x + (y - x) * part):02x}" for x, y in zip(rgb(one), rgb(other), strict=True))


def contrast(one: str, other: str) -> float:
    """How well one reads on the other, 1 to 21, by WCAG 2.1."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in rgb(colour)]
    red, green, blue = (p / 12.92 if p <= _LINEAR_UP_TO else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
