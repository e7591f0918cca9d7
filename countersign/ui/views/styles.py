"""The ttk styles: real ttk widgets, so the keyboard works, with drawn pictures that ttk itself cuts into nine and stretches.

An image element of ttk keeps its corners and stretches the rest, and chooses among pictures by state, in C:
https://www.tcl-lang.org/man/tcl8.6/TkCmd/ttk_image.htm. What lies outside of round corners is the style's background, so
there is a style for each ground.
"""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING, Any

from PIL import Image

from countersign.ui.drawing.icons import icon
from countersign.ui.drawing.shapes import HALO, box

if TYPE_CHECKING:
    from countersign.ui.views.theme import Theme

_ROW = 36  # pixels of a list's row


def make_styles(theme: Theme, style: ttk.Style) -> None:
    """Makes all styles of the theme that is in use, once."""
    maker = _Maker(theme, style)
    maker.words()
    maker.buttons()
    maker.rail()
    maker.fields()
    maker.bar()
    maker.scroll_bars()
    maker.cards()
    maker.lists()


class _Maker:
    def __init__(self, theme: Theme, style: ttk.Style) -> None:
        self._theme = theme
        self._style = style
        self._px = theme.px
        self._c = theme.palette

    def _nine(
        self, name: str, first: Image.Image, states: list[tuple[Any, ...]], border: float,
        padding: tuple[float, ...] = (0,), least: int = 0,
    ) -> None:  # fmt: skip
        """An element of pictures: the first, and others by state. Lengths of a 96 dpi screen; least: pixels of its smallest size."""
        px, keep = self._px, self._theme.keep
        least = least or 2 * px(border) or first.width  # else ttk asks for the whole picture's size
        pictures: list[Any] = [(*state[:-1], keep(state[-1])) for state in states]
        create: Any = self._style.element_create  # its stub knows no states
        create(
            name, "image", keep(first), *pictures, border=px(border), sticky="nsew",
            padding=[px(side) for side in padding], width=least, height=least,
        )  # fmt: skip

    def _lay(self, style: str, element: str, inside: Any, sticky: str = "nswe") -> None:
        """A style that is one element with others inside."""
        layout: Any = self._style.layout  # its stub is narrower than Tk
        layout(style, [(element, {"sticky": sticky, "children": inside})])

    def words(self) -> None:
        """Labels by what their words mean, on the page and on a card."""
        c, style, fonts = self._c, self._style, self._theme.fonts
        style.configure(".", background=c.page, foreground=c.text, font=fonts["body"], borderwidth=0)
        tones = {"plain": c.text, "hint": c.muted, "good": c.good, "bad": c.bad}
        for ground, before in ((c.page, ""), (c.card, "Card")):
            style.configure(f"{before}.TFrame" if before else "TFrame", background=ground)
            for name, colour in tones.items():
                style.configure(f"{before}{name}.TLabel", background=ground, foreground=colour, font=fonts["body"])
            style.configure(f"{before}Strong.TLabel", background=ground, foreground=c.text, font=fonts["strong"])
            style.configure(f"{before}Caption.TLabel", background=ground, foreground=c.muted, font=fonts["caption"])
            style.configure(f"{before}Head.TLabel", background=ground, foreground=c.text, font=fonts["head"])
        style.configure("Heading.TLabel", background=c.page, foreground=c.text, font=fonts["title"])

    def buttons(self) -> None:
        """The main one, plain ones, and links."""
        c, pad, small = self._c, (HALO + 16, HALO + 8), (HALO + 8, HALO + 5)
        self._button("Accent.TButton", c.page, c.accent, c.accent_hover, c.accent_press, c.on_accent, "", pad)
        for ground, before in ((c.page, ""), (c.card, "Card")):
            name = f"{before}Plain.TButton" if before else "TButton"
            self._button(name, ground, c.card, c.sunk, c.line, c.text, c.edge, pad)
            self._button(f"{before}Link.TButton", ground, ground, c.accent_soft, c.accent_soft, c.accent, "", small)

    def _button(
        self, name: str, ground: str, fill: str, hover: str, press: str, words: str, line: str, pad: tuple[float, ...]
    ) -> None:  # fmt: skip
        c, drawn = self._c, self._theme.box
        states: list[tuple[Any, ...]] = [
            ("disabled", drawn(8, c.sunk, c.line)),
            ("pressed", drawn(8, press, line)),
            ("focus", "active", drawn(8, hover, line, ring=c.accent)),
            ("focus", drawn(8, fill, line, ring=c.accent)),
            ("active", drawn(8, hover, line)),
        ]
        self._nine(f"{name}.box", drawn(8, fill, line), states, 14, pad)
        label = [("Button.label", {"sticky": ""})]
        self._lay(name, f"{name}.box", label)
        font = self._theme.fonts["strong" if "Accent" in name else "body"]
        self._style.configure(name, background=ground, foreground=words, font=font, anchor="center")
        self._style.map(name, foreground=[("disabled", c.muted)], background=[])

    def rail(self) -> None:
        """The places at the left: radio buttons, so arrow keys and focus are Tk's own."""
        c, drawn = self._c, self._theme.box
        states: list[tuple[Any, ...]] = [
            ("focus", "selected", drawn(10, c.accent_soft, ring=c.accent)),
            ("focus", drawn(10, c.rail, ring=c.accent)),
            ("selected", drawn(10, c.accent_soft)),
            ("active", drawn(10, c.line)),
        ]
        self._nine("Rail.box", drawn(10, c.rail), states, 16, (HALO, HALO + 6))
        label = [("Toolbutton.label", {"sticky": ""})]
        self._lay("Rail.Toolbutton", "Rail.box", label, "nswe")
        self._style.configure(
            "Rail.Toolbutton", background=c.rail, foreground=c.muted, font=self._theme.fonts["caption"], anchor="center"
        )
        self._style.map(
            "Rail.Toolbutton",
            foreground=[("disabled", c.edge), ("selected", c.accent), ("active", c.text)],
            background=[],
        )

    def fields(self) -> None:
        """One line to type into, cells of a code or key, and one of several."""
        c, drawn, style = self._c, self._theme.box, self._style
        states: list[tuple[Any, ...]] = [
            ("invalid", "focus", drawn(10, c.card, c.bad, 2, ring=c.bad)),
            ("invalid", drawn(10, c.bad_soft, c.bad, 2)),
            ("focus", drawn(10, c.card, c.accent, 2, ring=c.accent)),
            ("disabled", drawn(10, c.sunk, c.line)),
        ]
        colours = {
            "foreground": c.text, "fieldbackground": c.card, "insertcolor": c.accent, "selectbackground": c.accent,
            "selectforeground": c.on_accent, "insertwidth": self._px(2),
        }  # fmt: skip
        inside = [("Entry.textarea", {"sticky": "nswe"})]
        for name, padding in (("TEntry", (HALO + 10, HALO + 7)), ("Cell.TEntry", (HALO + 4, HALO + 8))):
            self._nine(f"{name}.box", drawn(10, c.card, c.edge), states, 16, padding)
            self._lay(name, f"{name}.box", inside, "nswe")
            style.configure(name, **colours)
            style.map(name, foreground=[("invalid", "!focus", c.bad)], fieldbackground=[])
        self._nine("Choice.box", drawn(8, c.card, c.edge), states[2:], 14, (HALO + 10, HALO + 6))
        self._nine("Choice.arrow", icon("down", self._px(16), c.muted), [], 0)
        choice = [("Choice.arrow", {"side": "right", "sticky": ""}), ("Combobox.textarea", {"sticky": "nswe"})]
        self._lay("TCombobox", "Choice.box", choice, "nswe")
        style.configure("TCombobox", **colours)
        style.map("TCombobox", fieldbackground=[], foreground=[], selectbackground=[], selectforeground=[])

    def bar(self) -> None:
        """How far it is: 8 pixels high."""
        c, px = self._c, self._px
        high = px(8)

        def pill(colour: str) -> Image.Image:
            return box(px(40), high, high // 2, colour)

        self._nine("Bar.trough", pill(c.line), [], 4)
        self._nine("Bar.pbar", pill(c.accent), [], 4)  # ttk looks for this ending
        trough = [("Bar.pbar", {"side": "left", "sticky": "ns"})]
        for name, ground in (("Horizontal.TProgressbar", c.page), ("Card.Horizontal.TProgressbar", c.card)):
            self._lay(name, "Bar.trough", trough, "we")
            self._style.configure(name, background=ground)

    def scroll_bars(self) -> None:
        """A thin thumb that grows under the pointer."""
        c, px = self._c, self._px

        def thumb(colour: str, width: float) -> Image.Image:
            return box(px(10), px(32), px(width) // 2, colour, margin=(px(10) - px(width)) // 2)

        states: list[tuple[Any, ...]] = [("active", thumb(c.muted, 8)), ("pressed", thumb(c.muted, 8))]
        self._nine("Slim.thumb", thumb(c.edge, 4), states, 4, least=px(10))
        inside = [("Slim.thumb", {"sticky": "nswe", "expand": True})]
        for name, ground in (("Vertical.TScrollbar", c.page), ("Card.Vertical.TScrollbar", c.card)):
            self._lay(name, "Slim.trough", inside, "ns")
            self._style.configure(name, background=ground, troughcolor=ground)

    def cards(self) -> None:
        """Rounded boxes for one thing each: plain, or in a soft colour."""
        c, drawn, style = self._c, self._theme.box, self._style
        tones = {
            "Card": (c.card, c.line, c.shadow), "Accent": (c.accent_soft, c.accent_soft, 0),
            "Good": (c.good_soft, c.good_soft, 0), "Bad": (c.bad_soft, c.bad_soft, 0), "Warn": (c.warn_soft, c.warn_soft, 0),
        }  # fmt: skip
        for name, (fill, line, shadow) in tones.items():
            self._nine(f"{name}Box.box", drawn(12, fill, line, shadow=shadow), [], 20)
            style.layout(f"{name}Box.TFrame", [(f"{name}Box.box", {"sticky": "nswe"})])
            style.configure(f"{name}Box.TFrame", background=c.page)

    def lists(self) -> None:
        """Rows with a round choice; a triangle that opens a folder."""
        c, style, px = self._c, self._style, self._px
        blank = Image.new("RGBA", (px(64), px(_ROW)))
        chosen = box(px(64), px(_ROW), px(8), c.accent_soft)
        self._nine("List.row", blank, [("selected", chosen)], 9)
        style.layout("Treeview", [("Treeview.treearea", {"sticky": "nswe"})])
        style.layout("Treeview.Row", [("List.row", {"sticky": "nswe"})])
        inside = [("Treeitem.image", {"side": "left", "sticky": ""}), ("Treeitem.text", {"sticky": "nswe"})]
        self._lay("Treeview.Item", "Treeitem.padding", inside)
        style.configure("Treeview.Item", padding=(px(8), 0, px(8), 0))
        style.configure(
            "Treeview", background=c.card, fieldbackground=c.card, foreground=c.text, rowheight=px(_ROW),
            font=self._theme.fonts["body"],
        )  # fmt: skip
        style.configure("Treeview.Cell", padding=(px(8), 0, px(8), 0))
        style.configure("Treeview.Heading", background=c.card, foreground=c.muted, font=self._theme.fonts["caption"],
                        padding=(px(8), px(6)))  # fmt: skip
        style.map("Treeview", background=[], foreground=[])
        style.map("Treeview.Heading", background=[], foreground=[])
