"""A whole transfer between two throw-away homes on this computer, with everything real but the people."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from countersign import __version__
from countersign.base.errors import EXIT_CONTENT_REFUSED, EXIT_DONE, Problem
from countersign.base.figures import size_text, time_text
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.receipts.checking import check_receipt
from countersign.session import status as st
from countersign.session.answers import Slot
from countersign.session.proposal import Decision
from countersign.source.selection import Selection
from countersign.transfer.sending import SendingSession
from countersign.transport.addresses import Address

_LARGE = 24 * 1024 * 1024
_SMALL_FILES = 400
_PATIENCE = 120.0


class SelftestFailedError(Exception):
    """Something was not as it should be; the text says what."""


def selftest(as_json: bool) -> int:
    """Runs it and says what it did. Exit code 0 where all was right."""
    begun = time.monotonic()

    def say(text: str) -> None:
        print(json.dumps({"event": "selftest", "text": text}) if as_json else text, flush=True)

    say(_("Countersign {version} tests itself on this computer.").format(version=__version__))
    folder = Path(tempfile.mkdtemp(prefix="countersign-selftest-"))
    try:
        _run(folder, say)
    except (Problem, SelftestFailedError) as error:
        say(_("It failed: {error}").format(error=error))
        return error.exit_code if isinstance(error, Problem) else EXIT_CONTENT_REFUSED
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(_("All of it worked, in {time}. Nothing was left behind.").format(time=time_text(time.monotonic() - begun)))
    return EXIT_DONE


def _run(folder: Path, say: Callable[[str], None]) -> None:
    sender, receiver = (open_profile(Home(folder / name)) for name in ("sender", "receiver"))
    say(
        _("Two computers were made up; the sender is {fingerprint}").format(
            fingerprint=sender.device.identity.fingerprint
        )
    )
    _exchange(sender, receiver)
    say(_("They exchanged their certificates."))
    files, size = _fill(sender.home.send_folder)
    say(_("{files} files with {size} lie in SEND_FOLDER.").format(files=files, size=size_text(size)))
    into = folder / "Desktop" / "received_folder"
    done = _Ritual(sender, receiver, into, say).run()
    say(
        _("Sent over TLS 1.3 on loopback: {size} in {time}, {wire} on the wire.").format(
            size=size_text(done.bytes), time=time_text(done.seconds), wire=size_text(done.wire_bytes)
        )
    )
    _compare(sender.home.send_folder, into)
    say(_("Every file, time and mode is the same on both sides."))
    assert done.receipt is not None
    checked = check_receipt(done.receipt, into)
    if checked.differing or checked.files != files or not checked.countersigned:
        raise SelftestFailedError(_("the receipt does not fit"))
    say(_("The receipt is signed by both and fits the folder."))


def _exchange(one: Profile, other: Profile) -> None:
    for here, there, name in ((one, other, "receiver"), (other, one, "sender")):
        file = here.home.root / "theirs.pem"
        file.write_bytes(there.device.identity.pem)
        here.device.peers.add(here.device.peers.examine(file, here.device.local_time()), name)


def _fill(folder: Path) -> tuple[int, int]:
    """Something of everything: large, many, empty, deep, in other scripts, executable, linked."""
    source = random.Random(4)  # noqa: S311  # nosec B311 - content for a test, no secret
    (folder / "large.bin").write_bytes(source.randbytes(_LARGE))
    (folder / "empty.txt").write_bytes(b"")
    (folder / "empty folder").mkdir()
    many = folder / "many" / "small" / "files"
    many.mkdir(parents=True)
    for number in range(_SMALL_FILES):
        (many / f"{number:04d}.txt").write_text(f"{number}\n" * source.randrange(200))
    for name in ("Grüße.txt", "写真.txt", "Фото.txt", "صورة.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    program = folder / "program.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    if sys.platform != "win32":
        (folder / "link").symlink_to("many/small")
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return len(sizes), sum(sizes)


class _People:
    """Both persons: they answer what the two sessions ask, with what the other one says aloud."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._heard: dict[str, str] = {}
        self.ends: dict[str, st.End] = {}

    def hear(self, what: str, text: str) -> None:
        with self._lock:
            self._heard.setdefault(what, text)
            self._lock.notify_all()

    def listen(self, what: str) -> str:
        with self._lock:
            if not self._lock.wait_for(lambda: what in self._heard, _PATIENCE):
                raise SelftestFailedError(_("nobody said the {what}").format(what=what))
            return self._heard[what]


class _Ritual:
    """One transfer: each person answers what their side asks with what the other one says aloud."""

    def __init__(self, sender: Profile, receiver: Profile, into: Path, say: Callable[[str], None]) -> None:
        self._sender = sender
        self._say = say
        self._people = _People()
        self._reception = receiver.reception(into, "127.0.0.1", 0, self._receiving)
        self._session: SendingSession | None = None

    def run(self) -> st.Done:
        """Plays it to its end. Raises the problem of whoever had one."""
        people = self._people
        waiting = threading.Thread(target=self._reception.run, name="selftest-receiver", daemon=True)
        waiting.start()
        port = people.listen("port")
        if port:
            address = Address("127.0.0.1", int(port))
            self._session = self._sender.sending(
                Selection((self._sender.home.send_folder,)), address, None, self._sending
            )
            self._session.run()
        waiting.join(_PATIENCE)
        for end in people.ends.values():
            if isinstance(end, st.Failed):
                raise end.problem
        done = people.ends.get("sender")
        if not isinstance(done, st.Done) or not isinstance(people.ends.get("receiver"), st.Done):
            raise SelftestFailedError(_("it did not come to an end"))
        return done

    def _receiving(self, status: st.Status) -> None:
        match status:
            case st.Listening():
                self._say(_("The receiver waits and reads its code aloud."))
                self._people.hear("code", status.code)
                self._people.hear("port", str(status.port))
            case st.NeedKey():
                self._answer(self._reception.answers.key, "key")
            case st.NeedDecision():
                self._say(_("The receiver sees the list: {n} entries.").format(n=len(status.proposal.manifest)))
                self._reception.answers.decision.give(Decision(True))
            case st.Done() | st.Failed():
                self._people.ends["receiver"] = status
                self._people.hear("port", "")  # where it could not even listen, nobody must wait for it
            case (
                st.StrangerRefused() | st.Connected() | st.NeedCode() | st.CodeWrong() | st.PeerLocked() | st.Scanning()
                | st.Ready() | st.KeyShown() | st.OfferSeen() | st.OfferOpened() | st.KeyChecking() | st.KeyWrong()
                | st.WaitingFor() | st.Progress() | st.Paused() | st.Reconnecting() | st.Note() | st.StageTimes()
            ):  # fmt: skip
                pass
            case _:
                assert_never(status)

    def _sending(self, status: st.Status) -> None:
        assert self._session is not None
        match status:
            case st.NeedCode():
                self._answer(self._session.answers.code, "code")
            case st.KeyShown():
                self._say(_("The sender reads its key aloud."))
                self._people.hear("key", status.key)
            case st.Done() | st.Failed():
                self._people.ends["sender"] = status
            case (
                st.Listening() | st.StrangerRefused() | st.Connected() | st.CodeWrong() | st.PeerLocked() | st.Scanning()
                | st.Ready() | st.OfferSeen() | st.OfferOpened() | st.NeedKey() | st.KeyChecking() | st.KeyWrong()
                | st.NeedDecision() | st.WaitingFor() | st.Progress() | st.Paused() | st.Reconnecting() | st.Note()
                | st.StageTimes()
            ):  # fmt: skip
                pass
            case _:
                assert_never(status)

    def _answer(self, slot: Slot[str], question: str) -> None:
        """Waits for the other one's word beside the session, which must not wait for its own face."""

        def work() -> None:
            slot.give(self._people.listen(question))

        threading.Thread(target=work, name="selftest-person", daemon=True).start()


def _compare(left: Path, right: Path) -> None:
    found = [{path.relative_to(root): _facts(path) for path in root.rglob("*")} for root in (left, right)]
    if found[0] != found[1]:
        differing = sorted(str(path) for path in set(found[0].items()) ^ set(found[1].items()))
        raise SelftestFailedError(_("these differ: {names}").format(names=differing[:5]))


def _facts(path: Path) -> tuple[object, ...]:
    if path.is_symlink():
        return ("link", os.readlink(path))
    status = path.stat()
    mode = status.st_mode & 0o111 if sys.platform != "win32" else 0
    if path.is_dir():
        return ("folder", status.st_mtime_ns if sys.platform != "win32" else 0)
    return ("file", status.st_mtime_ns, mode, hashlib.sha256(path.read_bytes()).hexdigest())
