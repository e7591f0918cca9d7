"""The receiving program: code on the screen, key from the phone, the list, then it arrives."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from countersign.base.errors import DiskProblem, PortTaken, Problem
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.base.printable import printable
from countersign.session import status as st
from countersign.session.proposal import Decision, Proposal
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.interrupted import InterruptedList
from countersign.ui.presenters.key_entry import KeyEntry
from countersign.ui.presenters.listening import ListeningActions, ListeningScreen, News
from countersign.ui.presenters.offered_list import OfferedList
from countersign.ui.presenters.running import Running
from countersign.ui.presenters.screens import Action, MenuItem
from countersign.wording import sentence_of


class ReceiverPresenter(Presenter):
    """One reception after another: it listens, somebody offers something (a key, a list), data moves."""

    def __init__(self, context: Context, options: Namespace) -> None:
        super().__init__(context)
        self._into = self.profile.into(options.into or self._kept_folder())
        self._bind: str | None = options.bind
        self._port: int = options.port
        self._interrupted = InterruptedList(self.profile, self.window, self.show_beside, self.home)
        self._listening = ListeningScreen(
            self.profile.device,
            self.window,
            ListeningActions(self._choose_folder, self.show_people, self._show_interrupted, self._show_listening),
        )
        self._offer: KeyEntry | None = None  # from the moment that somebody offers something until the reception ends
        self._beside = False  # another screen than the program's own way is shown
        self._restarts = False  # another reception follows as soon as this one has ended

    def _kept_folder(self) -> str | None:
        """Where the last thing went, while it is still there."""
        kept = self.context.preferences.read().into
        return kept if kept and Path(kept).is_dir() else None

    def heading_moving(self) -> str:
        return _("Receiving")

    def back_label(self) -> str:
        return _("Receive again")

    # --- menus -------------------------------------------------------------------------------------------------------

    def own_place(self) -> tuple[str, str]:
        return _("Receive"), "receive"

    def own_title(self) -> str:
        return _("Receive")

    def own_items(self) -> tuple[MenuItem | None, ...]:
        return (
            MenuItem(_("Receive into …"), self._choose_folder, "Ctrl+O", self.free and self.running is not None),
            MenuItem(_("Interrupted transfers"), self._show_interrupted, "Ctrl+I", self.free),
            None,
        )

    def port(self) -> int:
        return self._listening.port or self._port

    @property
    def free(self) -> bool:
        running = self.running
        return running is None or running.is_over or (self._offer is None and not running.is_moving)

    def aside(self) -> None:
        self._beside = True

    def _show_interrupted(self) -> None:
        if self.free:
            self._interrupted.show()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def home(self) -> None:
        """Ready to receive; or the guide for the first time."""
        self._beside = False
        if not self.people.anybody:
            self.people.show_first_time()
        elif self.running is None:
            self._listen()
        elif self.running.is_over:
            self._restarts = True  # the port is free once it has ended
        else:
            self._show_listening()

    def _listen(self) -> None:
        self._listening.reset()
        try:
            reception = self.profile.reception(self._into, self._bind, self._port, self.context.report)
        except Problem as problem:
            self._show_failed(problem)
            return
        self.begin(reception)

    def _show_listening(self) -> None:
        """Shows the code, where neither another screen, nor somebody's offer, nor how it ended is before the person."""
        waits = self.running is not None and not self.running.is_over
        if waits and self.free and not self._beside:
            self._listening.show(self._into, self._interrupted.count_text())

    def _choose_folder(self) -> None:
        def then(path: Path) -> None:
            if self.running is not None and self.free:  # nobody has come meanwhile
                self._keep_folder(path)
                self._restart(self.running)

        self.window.choose_folder(_("Receive into"), self._into, then)

    def _choose_after_problem(self) -> None:
        def then(path: Path) -> None:
            self._keep_folder(path)
            self.home()

        self.window.choose_folder(_("Receive into"), self._into, then)

    def _keep_folder(self, path: Path) -> None:
        self._into = path
        self.context.preferences.change(lambda found: setattr(found, "into", str(path)))

    def _restart(self, running: Running) -> None:
        """A reception knows its folder from the start, so another folder needs another one."""
        self._restarts = True
        running.stop()

    def after_end(self) -> None:
        self._offer = None
        if self._restarts:
            self._restarts = False
            self.home()

    # --- statuses ------------------------------------------------------------------------------------------------------

    def on_status(self, status: st.Status) -> None:
        """Takes a status of the reception."""
        match status:
            case st.Listening():
                self._listening.listening(status)
                self._show_listening()
                self.show_menus()
            case st.StrangerRefused() | st.Connected() | st.CodeWrong() | st.PeerLocked() | st.Note():
                self._take_news(status)
            case st.OfferSeen() | st.NeedKey() | st.KeyWrong() | st.KeyChecking() | st.NeedDecision() | st.WaitingFor():
                if self.running is not None:
                    self._take_offer(self.running, status)
            case st.Failed() if self._restarts:
                pass
            case st.Progress() | st.Paused() | st.Reconnecting() | st.Done() | st.Failed():
                self.on_shared(status)
            case (
                st.NeedCode() | st.Scanning() | st.Ready() | st.KeyShown()  # the sender's
                | st.OfferOpened() | st.StageTimes()  # the list says more; nobody reads stages in a window
            ):  # fmt: skip
                pass
            case _:
                assert_never(status)

    def _take_news(self, news: News) -> None:
        if isinstance(news, st.Note) and not self.free and self.running is not None:
            self.running.notes.append(news.text)  # told with the end: the person is busy with an offer
        else:
            self._listening.take(news)
            self._show_listening()

    def _take_offer(
        self,
        running: Running,
        status: st.OfferSeen | st.NeedKey | st.KeyWrong | st.KeyChecking | st.NeedDecision | st.WaitingFor,
    ) -> None:
        match status:
            case st.OfferSeen():
                self._begin_offer(running, status.peer)
            case st.NeedKey():
                if self._offer is not None:
                    self._offer.ask()
            case st.KeyWrong():
                if self._offer is not None:
                    self._offer.wrong(status)
            case st.KeyChecking():
                running.wait(_("Checking the key …"))
            case st.NeedDecision():
                self._show_list(running, status.proposal)
            case st.WaitingFor():
                running.wait(sentence_of(status))
            case _:
                assert_never(status)

    def _begin_offer(self, running: Running, peer: str) -> None:
        running.opens()
        self.history.close()
        self._beside = False
        self._offer = KeyEntry(self.window, running.session.answers, peer)
        self.show_menus()

    def _show_list(self, running: Running, proposal: Proposal) -> None:
        def decide(decision: Decision) -> None:
            if decision.accept:
                running.data_begins()
            running.session.answers.decision.give(decision)
            if decision.accept:
                running.wait(_("Getting ready …"))

        what = printable(proposal.name, 60)
        running.about = _("{what} from {peer}").format(what=what, peer=printable(proposal.peer))
        OfferedList(self.window, proposal, decide).show()

    # --- the end -------------------------------------------------------------------------------------------------------

    def done_heading(self) -> str:
        return _("It is all here")

    def again_label(self) -> str:
        return _("Receive another")

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        if isinstance(problem, DiskProblem) and self.running is None:
            return (Action(_("Choose another folder …"), self._choose_after_problem, main=True),)
        if isinstance(problem, PortTaken):
            free = problem.facts["free"]
            assert isinstance(free, int)
            return (Action(_("Use port {port}").format(port=free), lambda: self._use_port(free), main=True),)
        return super().extra_actions(problem)

    def _use_port(self, port: int) -> None:
        self._port = port
        self.home()
