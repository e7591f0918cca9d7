"""A session that a window runs: the screens while data moves, pausing, and stopping after a question. Dropped when it has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum

from countersign.base.figures import percent_text
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.session import status as st
from countersign.session.running import Session
from countersign.ui.presenters.screens import Action, Bar, Block, Moving, Screen, Window
from countersign.wording import amounts_text, left_text, rate_text, sentence_of, slow_text

_RATES, _EACH = 60, 10  # seconds of the curve; progress is told ten times a second


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
        self.about = ""  # what goes where, on the screen while data moves
        self._movement = Movement(session, window, lambda: self.about or heading(), self._show)
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
        self._window.show(Screen("waiting", text, (Bar(None, ""), *more), actions, centred=True))

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
            asked = Action(_("Cancel"), self.cancel, leaving=True, enabled=False)
            bar = Bar(None, _("Stopping …"))
            self._window.show(Screen("moving", self._heading(), (bar,), (asked,), centred=True))
        self.session.controls.cancel()

    def _show(self, block: Block, *actions: Action) -> None:
        cancel = Action(_("Cancel"), self.cancel, leaving=True)
        self._window.show(Screen("moving", self._heading(), (block,), (cancel, *actions), centred=True))


class Movement:
    """How far the data is, and whether it is paused. `title`: what goes where; `show` takes a block and more actions."""

    def __init__(
        self, session: Session, window: Window, title: Callable[[], str], show: Callable[..., None]
    ) -> None:  # fmt: skip
        self._session = session
        self._window = window
        self._title = title
        self._show = show
        self._rates: deque[float] = deque(maxlen=_RATES * _EACH)
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
                self._show_bar(sentence_of(status))
            case _:
                assert_never(status)

    def _show_progress(self, status: st.Progress) -> None:
        self._rates.append(status.rate)
        self._window.title(percent_text(_fraction(status)))
        self._show_moving(status, rate_text(status), left_text(status), slow_text(status))

    def _show_paused(self, status: st.Paused) -> None:
        progress = self._progress
        if status.paused:
            who = _("The other person has paused.") if status.by_them else _("Paused.")
            self._window.title(_("paused"))
            if progress is None:
                self._show_bar(who)
            else:
                self._show_moving(progress, "", _("paused"), who)
        elif progress is not None:
            self._show_moving(progress, "", "", "")
            self._window.title(percent_text(_fraction(progress)))

    def _show_moving(self, status: st.Progress, rate: str, left: str, note: str) -> None:
        rates = tuple(self._rates)[::-_EACH][::-1]
        moving = Moving(self._title(), amounts_text(status), left, _fraction(status), rate, rates, note)
        self._show(moving, self._pause_action())

    def _show_bar(self, text: str) -> None:
        self._show(Bar(None, text), *((self._pause_action(),) if self._progress is not None else ()))

    def _pause_action(self) -> Action:
        return Action(_("Go on"), self._pause, main=True) if self._held else Action(_("Pause"), self._pause)

    def _pause(self) -> None:
        self._held = not self._held
        self._session.controls.pause(self._held)
        self._show_paused(st.Paused(self._held))


def _fraction(status: st.Progress) -> float:
    return status.bytes_done / status.bytes_total if status.bytes_total else 1.0
