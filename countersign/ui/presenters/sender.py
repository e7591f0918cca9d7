"""The sending program: a folder, an address, the code from the phone, the key on the screen, then it goes."""

from __future__ import annotations

from argparse import Namespace

from countersign.base import limits
from countersign.base.errors import Problem
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.base.printable import printable
from countersign.session import status as st
from countersign.transport.addresses import parse_address
from countersign.ui.presenters.choosing import Choosing, Summarise
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.opening import Opening, OpeningStatus
from countersign.ui.presenters.screens import Action, Block, MenuItem, Screen, Text

_WORTH_ANOTHER_TRY = frozenset({
    "not_countersign", "busy", "peer_silent", "interrupted", "peer_stopped", "peer_cancelled", "peer_cancelled_midway",
    "cancelled_midway",
})  # fmt: skip


class SenderPresenter(Presenter):
    """Choosing what goes where, then one sending after another: its opening (a code, a key), and data that moves."""

    def __init__(self, context: Context, options: Namespace, summarise: Summarise) -> None:
        super().__init__(context)
        self._choosing = Choosing(context, options, summarise, lambda: self.free, self._connect)
        self._opening: Opening | None = None

    def heading_moving(self) -> str:
        return _("Sending")

    # --- menus -------------------------------------------------------------------------------------------------------

    def own_place(self) -> tuple[str, str]:
        return _("Send"), "send"

    def own_title(self) -> str:
        return _("Send")

    def own_items(self) -> tuple[MenuItem | None, ...]:
        choosing = self._choosing
        return (
            MenuItem(_("Choose a folder …"), choosing.choose_folder, "Ctrl+O", self.free),
            MenuItem(_("Choose files …"), choosing.choose_files, "Ctrl+Shift+O", self.free),
            MenuItem(_("Look at what will be sent"), choosing.look_inside, "Ctrl+L", self.free),
            None,
        )

    def port(self) -> int:
        return limits.DEFAULT_PORT

    def aside(self) -> None:
        """Nothing comes to this window by itself, so it need not know."""

    # --- sending -----------------------------------------------------------------------------------------------------

    def home(self) -> None:
        """The folder and the address; or the guide for the first time."""
        if self.people.anybody:
            self._choosing.begin()
        else:
            self.people.show_first_time()

    def _connect(self) -> None:
        choosing = self._choosing
        try:
            address = parse_address(choosing.address)
            session = self.profile.sending(choosing.selection, address, choosing.peer(), self.context.report)
        except Problem as problem:
            choosing.say(problem)
            return
        running = self.begin(session)
        self._opening = Opening(self.window, running, choosing.keys)
        self._opening.wait(_("Connecting …"))

    def on_status(self, status: st.Status) -> None:
        """Takes a status of the session."""
        match status:
            case st.Connected():
                self._remember_peer(status.peer)
                if self.running is not None:
                    what = printable(self._choosing.selection.name, 60)
                    self.running.about = _("{what} → {peer}").format(what=what, peer=printable(status.peer))
                self._open(status)
            case st.NeedCode() | st.CodeWrong() | st.Ready() | st.KeyShown() | st.KeyWrong() | st.WaitingFor():
                self._open(status)
            case st.Note():
                if self.running is not None:
                    self.running.notes.append(status.text)
            case st.Progress() | st.Paused() | st.Reconnecting() | st.Done() | st.Failed():
                self.on_shared(status)
            case (
                st.Listening() | st.StrangerRefused() | st.PeerLocked() | st.OfferSeen() | st.OfferOpened()
                | st.NeedKey() | st.KeyChecking() | st.NeedDecision()  # the receiver's
                | st.Scanning() | st.StageTimes()  # quick; nobody reads stages in a window
            ):  # fmt: skip
                pass
            case _:
                assert_never(status)

    def _open(self, status: OpeningStatus) -> None:
        if self._opening is not None:
            self._opening.take(status)

    def _remember_peer(self, name: str) -> None:
        """What is sent from where to whom is proposed the next time."""
        selection, address = self._choosing.selection, self._choosing.address
        if selection.is_folder:
            self.context.preferences.change(lambda found: setattr(found, "folder", str(selection.place)))
        peer = next((peer for peer in self.profile.device.peers.all() if peer.name == name), None)
        if peer is not None:
            self.context.preferences.change(lambda found: found.addresses.update({peer.id.hex(): address}))

    def after_end(self) -> None:
        self._opening = None

    # --- the end -------------------------------------------------------------------------------------------------------

    def done_heading(self) -> str:
        return _("It has arrived")

    def again_label(self) -> str:
        return _("Send something else")

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        again = Action(_("Try again"), self._connect, main=True)
        if problem.code == "unreachable":
            return (Action(_("What to look at …"), self._show_reach), again)
        if problem.code in _WORTH_ANOTHER_TRY:
            return (again,)
        return super().extra_actions(problem)

    def _show_reach(self) -> None:
        address = printable(self._choosing.address)
        blocks: tuple[Block, ...] = (
            Text(_("1.  Is the other window open, and does it say “Ready to receive”?")),
            Text(_("2.  Is the address the one that it shows? {address}").format(address=address)),
            Text(_("3.  Are both computers in the same network? Guest networks often keep computers apart.")),
            Text(_("4.  There, the menu Help, “The other computer cannot reach this one”, has the command for the firewall.")),
        )  # fmt: skip
        again = Action(_("Try again"), self._connect, main=True)
        back = Action(_("Back"), self.home, leaving=True)
        self.show_beside(Screen("message", _("Nothing answered there"), blocks, (back, again)))
