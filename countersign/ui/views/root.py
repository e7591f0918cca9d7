"""The root window of Tk, as each system needs it: sharp, able to take drops, with dialogs in the reader's language."""

from __future__ import annotations

import sys
import tkinter as tk

import tkinterdnd2

from countersign.base.i18n import language


def make_root() -> tk.Tk:
    """The root window, hidden."""
    _be_sharp()
    try:
        root: tk.Tk = tkinterdnd2.TkinterDnD.Tk(className="Countersign")
    except (RuntimeError, tk.TclError):
        # no drag and drop on this kind of computer; everything else works
        root = tk.Tk(className="Countersign")
    root.withdraw()
    if sys.platform != "win32":  # names of files in dialogs and drops: as we read them, whatever the locale says
        root.tk.call("encoding", "system", sys.getfilesystemencoding())
    return root


def speak_in_dialogs(root: tk.Tk) -> None:
    """The dialogs that Tk draws itself, where the system has none: in the reader's language, without hidden files."""
    try:
        root.tk.call("::msgcat::mclocale", language())
        root.tk.call("::msgcat::mcload", root.tk.eval("file join $tk_library msgs"))
        root.tk.eval("catch {tk_getOpenFile -no such option}")  # loads its variables
        root.tk.eval("set ::tk::dialog::file::showHiddenBtn 1; set ::tk::dialog::file::showHiddenVar 0")
    except tk.TclError:  # the system's own dialogs need nothing of this
        return


def _be_sharp() -> None:
    """Windows scales windows of programs that do not say that they can do it themselves, and blurs them."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except (AttributeError, OSError):  # before Windows 8.1
            ctypes.windll.user32.SetProcessDPIAware()
