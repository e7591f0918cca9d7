"""A session that a window runs: the screens while data moves, pausing, and stopping after a question. Dropped when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from countersign.base.figures import percent_text
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.session import status as st
from countersign.session.running import Session
from countersign.ui.presenters.screens import Action, Bar, Block, Screen, Text, Tone, Window
from countersign.wording import amounts_text, progress_text, sentence_of, slow_text


class Phase(Enum):
    """How far a session is, as far as stopping it goes."""

    OPENING = "opening"  # nothing is lost by stopping
    MOVING = "moving"  # data is on its way: whoever stops is asked first
    STOPPING = "stopping"  # asked for; the other side is still being told
    OVER = "over"  # it has told its end; its thread has yet to end


class Running:
    """One session, from its start until its thread has ended."""

    def __init__(self, session: Session, window: Window, heading: Callable[[], str]) -> None:
        """heading: what the screen is called while data moves, in the language of now."""
        self.session = session
        self.notes: list[str] = []  # what the person should know of it, told with its end
        self._window = window
        self._heading = heading
        self._movement = Movement(session, window, self._show)
        self._phase = Phase.OPENING

    @property
    def is_moving(self) -> bool:
        return self._phase in (Phase.MOVING, Phase.STOPPING)

    @property
    def is_over(self) -> bool:
        return self._phase is Phase.OVER

    def opens(self) -> None:
        """Somebody begins. It is not over, if an end was told of somebody before: a reception may serve the next at once."""
        self._phase = Phase.OPENING

    def data_begins(self) -> None:
        """From now on stopping loses something."""
        if self._phase is Phase.OPENING:
            self._phase = Phase.MOVING

    def take(self, status: st.Progress | st.Paused | st.Reconnecting) -> None:
        """Shows how it goes; nothing that still comes in changes the screen of a session that is being stopped."""
        if self._phase is Phase.STOPPING:
            return
        match status:
            case st.Progress():
                self._phase = Phase.MOVING
            case st.Paused() | st.Reconnecting():
                pass
            case _:
                assert_never(status)
        self._movement.take(status)

    def over(self) -> None:
        """It has told its end: there is nothing left to stop, so nobody is asked about it any more."""
        self._phase = Phase.OVER
        self._window.stop_asking()

    def wait(self, text: str, *more: Block) -> None:
        """Something takes a moment."""
        if self._phase is Phase.STOPPING:
            return
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self._window.show(Screen("waiting", text, (Bar(None, ""), *more), actions))

    # --- stopping ----------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Stops it, after a question where data moves; once."""
        if self._phase is not Phase.STOPPING:
            self.before_stopping(self.stop)

    def before_stopping(self, then: Callable[[], None]) -> None:
        """Calls `then` if the person agrees to stop; where nothing would be lost they are not asked."""
        if self._phase is Phase.MOVING:
            question = _(
                "A transfer is under way. Stop it? What has arrived is kept, and only the rest will be sent next time."
            )
            self._window.confirm(question, _("Stop"), _("Go on"), then)
        else:
            then()

    def stop(self) -> None:
        """Ends it. Until the other side knows, the screen says so."""
        if self.is_moving:
            self._phase = Phase.STOPPING
            blocks = (Bar(None, _("Stopping …")), Text("", Tone.HINT))
            asked = Action(_("Cancel"), self.cancel, leaving=True, enabled=False)
            self._window.show(Screen("moving", self._heading(), blocks, (asked,)))
        self.session.controls.cancel()

    def _show(self, bar: Bar, hint: str, *actions: Action) -> None:
        cancel = Action(_("Cancel"), self.cancel, leaving=True)
        self._window.show(Screen("moving", self._heading(), (bar, Text(hint, Tone.HINT)), (cancel, *actions)))


class Movement:
    """How far the data is, and whether it is paused. `show` takes a bar, a hint below it, and more actions."""

    def __init__(self, session: Session, window: Window, show: Callable[..., None]) -> None:
        self._session = session
        self._window = window
        self._show = show
        self._progress: st.Progress | None = None
        self._held = False  # paused by the person here

    def take(self, status: st.Progress | st.Paused | st.Reconnecting) -> None:
        """Shows one of the statuses of a transfer under way."""
        match status:
            case st.Progress():
                self._progress = status
                self._show_progress(status)
            case st.Paused():
                self._show_paused(status)
            case st.Reconnecting():
                self._show_bar(None, sentence_of(status))
            case _:
                assert_never(status)

    def _show_progress(self, status: st.Progress) -> None:
        fraction = _fraction(status)
        self._window.title(percent_text(fraction))
        self._show_bar(fraction, progress_text(status), slow_text(status))

    def _show_paused(self, status: st.Paused) -> None:
        progress = self._progress
        if status.paused:
            who = _("The other person has paused.") if status.by_them else _("Paused.")
            self._window.title(_("paused"))
            if progress is None:
                self._show_bar(None, who)
            else:
                self._show_bar(_fraction(progress), amounts_text(progress), who)
        elif progress is not None:
            self._show_progress(progress)

    def _show_bar(self, fraction: float | None, text: str, slow: str = "") -> None:
        pause = Action(_("Go on"), self._pause, main=True) if self._held else Action(_("Pause"), self._pause)
        self._show(Bar(fraction, text), slow, *((pause,) if self._progress is not None else ()))

    def _pause(self) -> None:
        self._held = not self._held
        self._session.controls.pause(self._held)
        self._show_paused(st.Paused(self._held))


def _fraction(status: st.Progress) -> float:
    return status.bytes_done / status.bytes_total if status.bytes_total else 1.0
