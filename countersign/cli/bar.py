"""The progress bar of the terminal. It is for eyes: a log gets the result only."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress as RichProgress, TaskID, TextColumn

from countersign.base.figures import percent_text
from countersign.session import status as st
from countersign.wording import progress_text


class ProgressBar:
    """Shown from the first progress on until `end`; lines that are printed meanwhile appear above it."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, markup=False, highlight=False)
        self._shown: _Shown | None = None

    def show(self, status: st.Progress) -> None:
        """Moves the bar, where somebody can see it."""
        if not self._console.is_terminal:
            return
        if self._shown is None and status.bytes_done >= status.bytes_total:
            return  # it is over and was shown
        if self._shown is None:
            self._shown = _Shown(self._console, status.bytes_total)
        self._shown.update(status)

    def print(self, text: str) -> bool:
        """Prints a line above the bar; False where no bar is shown."""
        if self._shown is None:
            return False
        self._console.print(text, markup=False, highlight=False)
        return True

    def end(self) -> None:
        """Leaves the bar as it is and the cursor below it."""
        if self._shown is not None:
            self._shown.close()
            self._shown = None


class _Shown:
    """One bar, with rate and time left."""

    def __init__(self, console: Console, total: int) -> None:
        self._progress = RichProgress(
            BarColumn(), TextColumn("{task.fields[share]}"), TextColumn("{task.fields[text]}"), console=console
        )
        self._task: TaskID = self._progress.add_task("", total=max(total, 1), text="", share="")
        self._progress.start()

    def update(self, status: st.Progress) -> None:
        share = percent_text(status.bytes_done / status.bytes_total if status.bytes_total else 1.0)
        self._progress.update(self._task, completed=status.bytes_done, text=progress_text(status), share=share)

    def close(self) -> None:
        self._progress.stop()
