"""Hostile messages that break one rule at a time, to a receiver and to a sender in an otherwise correct transfer.

After each: the one word that the list expects, nothing published, nothing written outside staging, and staging removed.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Iterable
from pathlib import Path

from countersign.seal.keys import KeyRing, stretch
from countersign.seal.keytext import parse_key
from countersign.session import status as st
from countersign.source.selection import Selection
from countersign.transport.addresses import Address
from countersign.transport.listening import Listener
from countersign.transport.tls import TlsLink
from countersign.wire import messages as m
from tests.hostile_peer import HostilePeer, Scene, bobs_door
from tests.long import to_receiver, to_sender
from tests.long.figures import Figure, quick_couple
from tests.transfers import Couple, Heard, snapshot
from tests.waiting import wait_until

_STATE = ("guesses.json", "guesses.lock", "staging", "transfers")
LET_IN = frozenset({"offer", "first batch", "key", "manifest", "batches", "answer", "data"})


def attack_receiver(couple: Couple, cases: Iterable[to_receiver.Case]) -> int:
    """Sends every case to Bob. Returns their number. AssertionError names one that was not refused as it should be."""
    count = 0
    with bobs_door(couple) as scene:
        before = tree(couple.root)
        for case in cases:
            _one(scene, case)
            assert tree(couple.root) == before, case.name
            count += 1
    return count


def _one(scene: Scene, case: to_receiver.Case) -> None:
    device = scene.couple.bob.device
    device.guesses.allow(scene.couple.alice.device.identity.id, device.now())
    scene.types_key = scene.decides = True
    scene.forget()
    ends, shown = len(scene.heard.all(st.Failed)), len(scene.heard.all(st.Listening))
    visit = to_receiver.PLACES[case.place][0](scene)
    case.say(visit)
    word = visit.hostile.last_word()
    visit.hostile.link.close()
    assert word in case.words, f"{case.name}: {word!r} instead of {sorted(case.words)}"
    if case.place in LET_IN:
        failed = scene.heard.wait(st.Failed, ends + 1)
        assert failed.problem.exit_code in (6, 8), case.name
        scene.heard.wait(st.Listening, shown + 1)  # with a new code
        wait_until(lambda: nothing_left(device.state), 10, f"staging to be gone after {case.name}")
    elif case.place == "code":
        wait_until(lambda: not scene.reception.guests, 10, "the guest to be gone")


def attack_sender(couple: Couple, cases: Iterable[to_sender.Case]) -> int:
    """Sends every case to Alice. Returns their number. AssertionError names one that did not end as it should."""
    for name, content in to_sender.FILES.items():
        (couple.folder / name).write_bytes(content)
    before = snapshot(couple.folder)
    links: queue.Queue[TlsLink] = queue.Queue()
    device = couple.bob.device
    listener = Listener(device.identity, device.peers, "127.0.0.1", 0, links.put, lambda: None)
    count = 0
    try:
        for case in cases:
            _one_sending(couple, Address("127.0.0.1", listener.port), links, case)
            assert snapshot(couple.folder) == before, case.name
            assert not os.listdir(couple.alice.device.receipts), case.name
            count += 1
    finally:
        listener.close()
        listener.join(10)
    return count


def _one_sending(couple: Couple, address: Address, links: queue.Queue[TlsLink], case: to_sender.Case) -> None:
    heard = Heard()
    session = couple.alice.sending(Selection((couple.folder,)), address, None, heard.report)

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.NeedCode) and case.place != "code":
            session.answers.code.give("0000")

    heard.on_status = on_status
    thread = threading.Thread(target=session.run, name="alice", daemon=True)
    thread.start()
    hostile = HostilePeer(links.get(timeout=30))
    alice, bob = couple.alice.device.identity, couple.bob.device.identity

    def ring_of(offer: m.Offer) -> KeyRing:
        key = parse_key(heard.wait(st.KeyShown).key)
        return KeyRing(stretch(key, offer.salt), offer.transfer_id, alice.id, bob.id)

    host = to_sender.Host(hostile, bob, alice.id, ring_of, sender_pem=alice.pem.decode())
    to_sender.PLACES[case.place][0](host)
    case.say(host)
    hostile.last_word()
    hostile.link.close()
    thread.join(30)
    assert not thread.is_alive(), case.name
    assert heard.code() in case.codes, f"{case.name}: {heard.code()!r} instead of {sorted(case.codes)}"


def nothing_left(state: Path) -> bool:
    """Whether no staging and no journal is left in this home."""
    folders = (state / "staging", state / "transfers")
    return not any(os.listdir(folder) for folder in folders if folder.is_dir())


def tree(root: Path) -> set[str]:
    """Every name under a root, except those of Bob's own state, which may change."""
    found: set[str] = set()
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside == os.path.join("bob", "state"):
            unknown = set(folders + files) - set(_STATE)
            assert not unknown, unknown
            folders.clear()
            continue
        # accepting an offer creates the empty target folder
        found.update(
            os.path.join(inside, name) for name in folders + files if name not in ("Desktop", "received_folder")
        )
    return found


def _end(runs: int | None, first: int) -> int | None:
    return None if runs is None else first + runs


def run(runs: int | None, first: int = 0) -> Figure:
    """The whole list, or `runs` cases from `first` on each side."""
    with quick_couple() as couple:
        received = attack_receiver(couple, itertools.islice(to_receiver.receiver_cases(), first, _end(runs, first)))
        sent = attack_sender(couple, itertools.islice(to_sender.sender_cases(), first, _end(runs, first)))
    text = f"{received + sent} hostile messages ({received} to a receiver, {sent} to a sender), each refused as listed;"
    text += " escapes 0, published 0"
    return Figure(text, runs is not None or received + sent > 1000)
