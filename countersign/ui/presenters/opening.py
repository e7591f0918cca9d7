"""A sending before its data moves: the code, the key that is read aloud, and waiting for the other side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.base.printable import printable
from countersign.session import status as st
from countersign.ui.presenters.code_entry import CodeEntry
from countersign.ui.presenters.running import Running
from countersign.ui.presenters.screens import Action, Block, KeyGroups, Screen, Text, Tone, Waiting, Window
from countersign.wording import keys_text, sentence_of, tries_text

OpeningStatus: TypeAlias = (
    st.Connected | st.NeedCode | st.CodeWrong | st.Ready | st.KeyShown | st.KeyWrong | st.WaitingFor
)


class Opening:
    """What two people do at the beginning of one sending."""

    def __init__(self, window: Window, running: Running, private_keys: Sequence[str]) -> None:
        """private_keys: paths of what looks like one; the person is warned on every screen."""
        self._window = window
        self._running = running
        self._private_keys = private_keys
        self._peer = ""
        self._code: CodeEntry | None = None
        self._key: st.KeyShown | None = None

    def take(self, status: OpeningStatus) -> None:
        """Shows what is to be done."""
        match status:
            case st.Connected():
                self._peer = status.peer
                self._code = CodeEntry(self._window, status.peer, self._code_given, self._running.cancel)
            case st.NeedCode():
                if self._code is not None:
                    self._code.ask()
            case st.CodeWrong():
                if self._code is not None:
                    self._code.wrong(status)
            case st.Ready():
                self._private_keys = status.private_keys
            case st.KeyShown():
                self._key = status
                self._show_key(status, Waiting(_("Waiting for them to type it …")))
            case st.KeyWrong():
                if self._key is not None:
                    text = _("They typed another key.") + " " + tries_text(status.tries_left)
                    self._show_key(self._key, Text(text, Tone.BAD))
            case st.WaitingFor():
                if status.what != "key":  # the screen with the key says that
                    self.wait(sentence_of(status))
            case _:
                assert_never(status)

    def wait(self, text: str) -> None:
        """Something takes a moment."""
        self._running.wait(text, *self._warning())

    def _warning(self) -> list[Block]:
        """What the person should know before anything is sent."""
        return [Text(keys_text(self._private_keys), Tone.BAD)] if self._private_keys else []

    def _code_given(self, code: str) -> None:
        self._running.session.answers.code.give(code)
        self.wait(_("Checking the code …"))

    def _show_key(self, key: st.KeyShown, said: Block) -> None:
        text = _("Read this key to {peer}. It seals the folder and is never sent.")
        blocks: list[Block] = [
            Text(text.format(peer=printable(self._peer))),
            KeyGroups(_columns(key), key.key),
            said,
            *self._warning(),
        ]
        actions = (Action(_("Cancel"), self._running.cancel, leaving=True),)
        self._window.show(Screen("key", _("Read them the key"), tuple(blocks), actions, centred=True))


def _columns(key: st.KeyShown) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each group of the key with the words of its signs."""
    spelled = [tuple(group.split(" ")) for group in key.spelled.split(", ")]
    return tuple(zip(key.key.split("-"), spelled, strict=False))
