"""Looks: light or dark after the system, one accent, sizes that follow the screen's resolution."""

from __future__ import annotations

import os
import tkinter as tk
from dataclasses import dataclass
from tkinter import font, ttk

import darkdetect
import sv_ttk

_POINT = 1 / 72


@dataclass(frozen=True)
class Palette:
    """Colours of text on the window's ground; contrast is computed in a test (WCAG 2.1 AA, 4.5 to 1)."""

    ground: str
    plain: str
    hint: str
    good: str
    bad: str
    raised: str  # the ground of what is read aloud


LIGHT = Palette(ground="#fafafa", plain="#1c1c1c", hint="#5c5c5c", good="#0f6b32", bad="#b3261e", raised="#eef1f6")
DARK = Palette(ground="#1c1c1c", plain="#fafafa", hint="#b4b4b4", good="#7fd99a", bad="#ff9d94", raised="#2a2d33")


def system_is_dark() -> bool:
    """What the system prefers, or COUNTERSIGN_LOOKS (light, dark); light where nobody says."""
    asked = os.environ.get("COUNTERSIGN_LOOKS")
    if asked in ("light", "dark"):
        return asked == "dark"
    return bool(darkdetect.theme() == "Dark")


class Theme:
    """Applies looks to one window."""

    def __init__(self, root: tk.Tk, dark: bool) -> None:
        self._root = root
        self.scale = max(1.0, root.winfo_fpixels("1i") * _POINT / (96 * _POINT))
        self.dark = dark
        self.fonts = {
            "body": font.Font(root, family=_family(root), size=11),
            "small": font.Font(root, family=_family(root), size=10),
            "heading": font.Font(root, family=_family(root), size=19, weight="bold"),
        }
        for name in ("TkDefaultFont", "TkTextFont", "TkMenuFont", "TkHeadingFont", "TkCaptionFont"):
            # Tk's own dialogs use these; on Linux their size is in pixels and would stay small on a fine screen
            font.nametofont(name, root).configure(family=_family(root), size=11)
        self.apply(dark)

    @property
    def palette(self) -> Palette:
        return DARK if self.dark else LIGHT

    def big(self, points: int) -> font.Font:
        """A fixed-width font for what is read aloud, so that 0 and O, 1 and I cannot be mixed up."""
        key = f"big{points}"
        if key not in self.fonts:
            self.fonts[key] = font.Font(self._root, family=_fixed(self._root), size=points, weight="bold")
        return self.fonts[key]

    def px(self, length: int) -> int:
        """A length of a 96 dpi screen in this screen's pixels."""
        return round(length * self.scale)

    def apply(self, dark: bool) -> None:
        """Switches between light and dark."""
        self.dark = dark
        sv_ttk.set_theme("dark" if dark else "light", self._root)
        style = ttk.Style(self._root)
        style.configure(".", font=self.fonts["body"])
        for name in ("TButton", "Accent.TButton", "TEntry", "TCombobox", "Treeview", "Treeview.Heading"):
            style.configure(name, font=self.fonts["body"])
        style.configure("Treeview", rowheight=self.px(28))
        self._pad(style)
        palette = self.palette
        self._root.configure(background=palette.ground)
        for name in ("plain", "hint", "good", "bad"):
            self._paint(style, f"{name}.TLabel", palette.ground, getattr(palette, name), "body")
        self._paint(style, "Heading.TLabel", palette.ground, palette.plain, "heading")
        self._paint(style, "Caption.TLabel", palette.ground, palette.hint, "small")
        self._paint(style, "Raised.TLabel", palette.raised, palette.plain, "body")
        self._paint(style, "RaisedHint.TLabel", palette.raised, palette.hint, "small")
        style.configure("Raised.TFrame", background=palette.raised)

    def _pad(self, style: ttk.Style) -> None:
        """The theme's room around texts is meant for 96 dpi; four pixels of it are its pictures' borders, which do not grow."""
        for names, sides in (
            (("TButton", "Accent.TButton"), (12, 6, 12, 7)),
            (("TEntry",), (10, 5, 8, 6)),
            (("TCombobox",), (10, 5, 4, 6)),
        ):
            padding = tuple(self.px(side) - 4 for side in sides)
            for name in names:
                style.configure(name, padding=padding)

    def forget_painted(self, widget: tk.Misc) -> None:
        """The theme paints labels that exist when it changes, each by itself, and that would outweigh their style."""
        for child in widget.winfo_children():
            if isinstance(child, ttk.Label):
                child.configure(foreground="", background="")
            self.forget_painted(child)

    def _paint(self, style: ttk.Style, name: str, ground: str, colour: str, kind: str) -> None:
        """The theme maps colours for every state, and a map outweighs a plain setting: so this is a map too."""
        style.configure(name, font=self.fonts[kind], background=ground, foreground=colour)
        style.map(name, background=[("", ground)], foreground=[("", colour)])


def _family(root: tk.Tk) -> str:
    return _first(root, ("Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Helvetica Neue", "Inter", "Noto Sans",
                         "Cantarell", "DejaVu Sans"), "TkDefaultFont")  # fmt: skip


def _fixed(root: tk.Tk) -> str:
    return _first(root, ("Cascadia Mono", "Consolas", "SF Mono", "Menlo", "JetBrains Mono", "Noto Sans Mono",
                         "DejaVu Sans Mono"), "TkFixedFont")  # fmt: skip


def _first(root: tk.Tk, wanted: tuple[str, ...], fallback: str) -> str:
    there = set(font.families(root))
    found = next((name for name in wanted if name in there), None)
    return found or str(font.nametofont(fallback, root).actual("family"))
