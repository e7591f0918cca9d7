"""Looks of one window: colours, sizes that follow the screen's resolution, fonts, pictures. docs/DESIGN.md has the scales."""

from __future__ import annotations

import os
import tkinter as tk
from collections.abc import Callable
from tkinter import font, ttk
from typing import Any

import darkdetect
from PIL import Image, ImageTk

from countersign.ui.drawing.colours import DARK, LIGHT, Palette
from countersign.ui.drawing.icons import icon
from countersign.ui.drawing.shapes import HALO, box
from countersign.ui.views.styles import make_styles

# pixels of a 96 dpi screen, and whether it is heavy
TYPE = {
    "caption": (12, False), "body": (14, False), "strong": (14, True), "head": (17, True), "title": (24, True), "share": (28, True),
}  # fmt: skip
_SANS = (
    "Segoe UI Variable Text",
    "Segoe UI",
    "SF Pro Text",
    "Helvetica Neue",
    "Inter",
    "Cantarell",
    "Noto Sans",
    "DejaVu Sans",
)
_FIXED = ("Cascadia Mono", "Consolas", "SF Mono", "Menlo", "JetBrains Mono", "Noto Sans Mono", "DejaVu Sans Mono")
_TKS_OWN = ("TkDefaultFont", "TkTextFont", "TkMenuFont", "TkHeadingFont", "TkCaptionFont")
_BODY = 14
_PICTURES = 600  # kept at most: a list with thumbnails would keep all of them


def system_is_dark() -> bool:
    """What the system prefers, or COUNTERSIGN_LOOKS (light, dark); light where nobody says."""
    asked = os.environ.get("COUNTERSIGN_LOOKS")
    if asked in ("light", "dark"):
        return asked == "dark"
    return bool(darkdetect.theme() == "Dark")


class Theme:
    """Made once per window; `apply` switches between light and dark. Whoever has drawn colours itself is drawn anew then."""

    def __init__(self, root: tk.Tk, dark: bool) -> None:
        self.root = root
        self.scale = max(1.0, root.winfo_fpixels("1i") / 96)
        self.dark = dark
        self.fonts = self._fonts()
        self._pictures: dict[Any, ImageTk.PhotoImage] = {}
        self._kept: list[ImageTk.PhotoImage] = []  # of styles: Tk forgets pictures that Python does not keep
        self.apply(dark)

    @property
    def palette(self) -> Palette:
        return DARK if self.dark else LIGHT

    def px(self, length: float) -> int:
        """A length of a 96 dpi screen in this screen's pixels."""
        return round(length * self.scale)

    def apply(self, dark: bool) -> None:
        """Switches between light and dark."""
        self.dark = dark
        self._pictures.clear()
        style = ttk.Style(self.root)
        name = f"countersign-{'dark' if dark else 'light'}"
        known = name in style.theme_names()
        if not known:
            style.theme_create(name, parent="default")
        style.theme_use(name)
        if not known:
            make_styles(self, style)
        self.root.configure(background=self.palette.page)

    # --- pictures ----------------------------------------------------------------------------------------------------

    def picture(self, draw: Callable[..., Image.Image], *arguments: Any) -> ImageTk.PhotoImage:
        """What `draw` makes of these arguments, made once."""
        key = (draw.__name__, arguments)
        found = self._pictures.get(key)
        if found is None:
            if len(self._pictures) >= _PICTURES:
                self._pictures.clear()  # what is shown is kept by its widget
            found = self._pictures[key] = ImageTk.PhotoImage(draw(*arguments), master=self.root)
        return found

    def icon(self, name: str, size: float = 20, colour: str = "") -> ImageTk.PhotoImage:
        """A line icon. colour: a name of the palette."""
        return self.picture(icon, name, self.px(size), getattr(self.palette, colour or "text"))

    def keep(self, image: Image.Image) -> ImageTk.PhotoImage:
        """A picture that a style uses, for as long as the window lives."""
        self._kept.append(ImageTk.PhotoImage(image, master=self.root))
        return self._kept[-1]

    def box(
        self, radius: float, fill: str, line: str = "", thick: float = 1, ring: str = "", shadow: int = 0, size: float = 64
    ) -> Image.Image:  # fmt: skip
        """A square that is cut into nine by a style: HALO around it, then line, then fill. Lengths of a 96 dpi screen."""
        px = self.px
        side = px(size)
        return box(side, side, px(radius), fill, line, max(1, px(thick)), px(HALO), ring, px(2), shadow)

    # --- fonts -------------------------------------------------------------------------------------------------------

    def _fonts(self) -> dict[str, font.Font]:
        sans = _first(self.root, _SANS, "TkDefaultFont")
        heavy = _first(self.root, (f"{sans} Semibold", f"{sans} SemiBold"), "")
        for name in _TKS_OWN:
            # Tk's own dialogs use these; on Linux their size is in pixels and would stay small on a fine screen
            font.nametofont(name, self.root).configure(family=sans, size=-self.px(_BODY))
        made = {
            name: font.Font(
                self.root, family=heavy if strong and heavy else sans, size=-self.px(size),
                weight="bold" if strong and not heavy else "normal",
            )
            for name, (size, strong) in TYPE.items()
        }  # fmt: skip
        made["fixed"] = font.Font(self.root, family=self._fixed, size=-self.px(13))
        return made

    @property
    def _fixed(self) -> str:
        return _first(self.root, _FIXED, "TkFixedFont")

    def big(self, size: int) -> font.Font:
        """A fixed-width font for what is read aloud, so that 0 and O, 1 and I cannot be mixed up. size: of a 96 dpi screen."""
        key = f"big{size}"
        if key not in self.fonts:
            self.fonts[key] = font.Font(self.root, family=self._fixed, size=-self.px(size), weight="bold")
        return self.fonts[key]


def _first(root: tk.Tk, wanted: tuple[str, ...], fallback: str) -> str:
    there = set(font.families(root))
    found = next((name for name in wanted if name in there), None)
    if found is not None or not fallback:
        return found or ""
    return str(font.nametofont(fallback, root).actual("family"))
