"""The small window of the first run, before anything is installed: plain Tk and the standard library."""

from __future__ import annotations

import contextlib
import queue
import threading
import tkinter as tk
from collections.abc import Callable, Iterator
from tkinter import messagebox, ttk

from countersign.base.i18n import _

_LOOK_MS = 100


@contextlib.contextmanager
def setup_window() -> Iterator[Callable[[str], None]]:
    """Shows a moving bar while the block runs; gives a function that changes the text.

    Tk wants the main thread and so does the block, so the window lives on a thread of its own, made and ended there.
    """
    texts: queue.Queue[str | None] = queue.Queue()
    thread = threading.Thread(target=_show, args=(texts,), name="setup-window", daemon=True)
    thread.start()
    try:
        yield texts.put
    finally:
        texts.put(None)
        thread.join(5)


def _show(texts: queue.Queue[str | None]) -> None:
    try:
        root = tk.Tk(className="Countersign")
    except tk.TclError:
        return  # no display after all: the lines in the terminal are enough
    root.title("Countersign")
    root.resizable(False, False)
    label = ttk.Label(root, padding=(24, 20, 24, 8), text=_("Setting up …"), width=52)
    label.pack()
    bar = ttk.Progressbar(root, mode="indeterminate", length=380)
    bar.pack(padx=24, pady=(0, 24))
    bar.start(20)

    def look() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                text = texts.get_nowait()
                if text is None:
                    root.destroy()
                    return
                label.configure(text=text)
        root.after(_LOOK_MS, look)

    look()
    root.mainloop()


def show_message(text: str) -> None:
    """One message, for programs that were started without a terminal."""
    root = tk.Tk(className="Countersign")
    root.withdraw()
    messagebox.showerror("Countersign", text, parent=root)
    root.destroy()
