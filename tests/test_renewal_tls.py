"""Renewals told in transfers, and connections with the old and the new certificate."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors, limits
from countersign.cli.commands import show_peers
from countersign.profile import Profile, open_profile
from countersign.receipts.checking import check_receipt
from countersign.receipts.history import list_past_transfers
from countersign.session import status as st
from countersign.transport.link import LinkLostError
from countersign.transport.tls import loads_as_anchor
from countersign.trust.fingerprint import DeviceId
from countersign.trust.identity import Identity, open_identity
from countersign.trust.peers import PeerStore
from countersign.wire import messages as m
from tests.doors import hall, visit
from tests.hostile_peer import Scene, bobs_door, file, sending
from tests.patched import patched
from tests.renewals import DAY, NOW, home, own_pair
from tests.transfers import Couple, Exchange, introduce
from tests.waiting import wait_until

TODAY = datetime.datetime.now(datetime.timezone.utc)


@pytest.fixture
def ending(couple: Couple) -> Couple:
    """Alice's certificate ends in thirty days. Bob has it."""
    home(couple.alice.home.root, TODAY)
    couple.bob.device.peers.forget("alice")
    alice = open_profile(couple.alice.home)
    introduce(couple.bob, alice, "alice")
    return Couple(couple.root, alice, couple.bob)


def renewed(couple: Couple) -> Profile:
    """Alice after the end of her first certificate."""
    return open_profile(couple.alice.home, (TODAY + 31 * DAY).timestamp)


def take_over(couple: Couple) -> None:
    successor = couple.alice.device.identity.successor
    assert successor is not None
    couple.bob.device.peers.renew(couple.peer_alice(), successor.renewal())


def identity_of(setting: Profile) -> Identity:
    return setting.device.identity


@pytest.mark.parametrize("ending_side", ["sender", "receiver"])
def test_a_transfer_brings_the_new_certificate_and_the_next_one_uses_it(ending: Couple, ending_side: str) -> None:
    """Whichever side's certificate ends: nobody does anything, and after the end both still connect."""
    sends = ending_side == "sender"
    couple = ending if sends else Couple(ending.root, ending.bob, ending.alice)
    (couple.folder / "a").write_text("a")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    told = exchange.receiver if sends else exchange.sender
    assert [note for note in told.all(st.Note) if "new certificate" in note.text]
    assert len(ending.bob.device.peers.pinned(ending.peer_alice())) == 2
    (couple.folder / "b").write_text("b")
    after = renewed(ending)
    later = Couple(ending.root, after, ending.bob) if sends else Couple(ending.root, ending.bob, after)
    again = Exchange(later).run()
    assert again.codes == ("done", "done")
    assert not [note for heard in (again.sender, again.receiver) for note in heard.all(st.Note)]
    end = again.receiver.end()
    assert isinstance(end, st.Done)
    assert end.receipt is not None
    assert check_receipt(end.receipt, later.into).countersigned


@pytest.mark.parametrize(
    "payload", [b"\xc0", b"x", bytes(9000), msgspec.msgpack.encode({"certificate": b"x", "signature": b"y"})]
)
def test_a_renewal_that_is_refused_ends_nothing(
    ending: Couple, monkeypatch: pytest.MonkeyPatch, payload: bytes
) -> None:
    monkeypatch.setattr("countersign.transfer.offering.renewal_told", lambda _device: payload)
    (ending.folder / "a").write_text("a")
    exchange = Exchange(ending).run()
    assert exchange.codes == ("done", "done")
    assert [note for note in exchange.receiver.all(st.Note) if "refused" in note.text]
    assert len(ending.bob.device.peers.pinned(ending.peer_alice())) == 1


def test_whoever_took_the_renewal_over_is_connected_with_the_new_certificate(ending: Couple) -> None:
    with hall(ending.bob) as bob:
        assert visit(ending.alice, bob.address) == b"!"
        take_over(ending)
        assert visit(ending.alice, bob.address) == b"!", "the old one still connects"
        alice = renewed(ending)
        assert visit(alice, bob.address) == b"!"
        assert bob.welcomed[-1] == identity_of(alice).id != identity_of(ending.alice).id
    with hall(alice) as there:
        assert visit(ending.bob, there.address) == b"!"


def test_whoever_did_not_take_it_over_is_not(ending: Couple) -> None:
    with hall(ending.bob) as bob, pytest.raises(LinkLostError) as caught:
        visit(renewed(ending), bob.address)
    assert isinstance(caught.value.problem, errors.TheyDoNotTrustUs)
    with hall(renewed(ending)) as there, pytest.raises(errors.NotTrusted):
        visit(ending.bob, there.address)


def test_whoever_was_forgotten_is_refused_with_every_certificate(ending: Couple) -> None:
    take_over(ending)
    ending.bob.device.peers.forget("alice")
    with hall(ending.bob) as bob:
        for alice in (ending.alice, renewed(ending)):
            with pytest.raises(LinkLostError):
                visit(alice, bob.address)
        assert bob.welcomed == []


def test_a_chosen_peer_is_reached_by_any_of_their_certificates(ending: Couple, quick_key: None) -> None:
    """Bob sends to Alice, by name, after she has renewed."""
    take_over(ending)
    alice = renewed(ending)
    swapped = Couple(ending.root / "swapped", ending.bob, alice)
    (swapped.folder / "a.txt").write_text("hello")
    with hall(alice) as there:
        session = ending.bob.sending(
            ending.bob.selection(None), there.address, ending.peer_alice(), lambda _status: None
        )
        link = session._connections._connect(lambda: False)
        assert link.peer_id == identity_of(alice).id
        link.close()
        ending.bob.device.peers.forget("alice")
        with pytest.raises(errors.PeerForgotten):
            session._connections._connect(lambda: False)


def test_a_transfer_after_a_renewal_is_one_of_the_same_person(ending: Couple) -> None:
    (ending.folder / "a.txt").write_text("hello")
    take_over(ending)
    after = Couple(ending.root, renewed(ending), ending.bob)
    assert Exchange(after).run().codes == ("done", "done")
    assert [peer.name for peer in ending.bob.device.peers.all()] == ["alice"]
    assert len(list_past_transfers(after.alice.device.receipts, identity_of(after.alice).ids)) == 1
    bobs = {DeviceId(bytes(32)), identity_of(ending.bob).id, DeviceId(b"\xff" * 32)}
    assert [exchange.received for exchange in list_past_transfers(ending.bob.device.receipts, bobs)] == [True]
    back = open_profile(after.alice.home)
    assert identity_of(back).id != identity_of(after.alice).id
    assert len(list_past_transfers(back.device.receipts, identity_of(back).ids)) == 1, "under each of its names"


def test_n7_a_renewal_gives_no_new_guesses(ending: Couple) -> None:
    (ending.folder / "a.txt").write_text("hello")
    take_over(ending)
    device = ending.bob.device
    for _n in range(limits.CODE_FAILURES_AN_HOUR):
        assert device.guesses.begin_try(ending.peer_alice().id, device.now())
    exchange = Exchange(Couple(ending.root, renewed(ending), ending.bob)).start()
    exchange.receiver.wait(st.PeerLocked)
    peer = device.peers.by_id(identity_of(renewed(ending)).id)
    assert peer is not None
    exchange.reception.allow(peer)
    assert not device.guesses.locked(ending.peer_alice().id, device.now())
    exchange.session.controls.cancel()
    exchange.reception.controls.cancel()
    exchange.join()


def test_n7_tries_of_both_certificates_add_up(ending: Couple) -> None:
    take_over(ending)
    device, person = ending.bob.device, ending.peer_alice().id
    for _n in range(limits.CODE_FAILURES_AN_HOUR - 2):
        assert device.guesses.begin_try(person, device.now())
    with bobs_door(ending) as scene:
        scene.couple = Couple(ending.root, renewed(ending), ending.bob)
        scene.admit().link.close()  # a right code counts no more, by whichever certificate
        scene.heard.wait(st.Failed)
        for _n in range(2):
            assert not device.guesses.locked(person, device.now())
            rude, theirs, own = scene.greeted()
            code = f"{(int(scene.heard.all(st.Listening)[-1].code) + 1) % 10000:04d}"
            rude.say(scene.proof(theirs, own, code))
            assert isinstance(rude.hear(), m.CodeRefused)
            rude.link.close()
        scene.heard.wait(st.PeerLocked)


def test_guests_of_one_person_make_room_for_each_other_by_whichever_certificate(ending: Couple) -> None:
    take_over(ending)
    with bobs_door(ending) as scene:
        first = scene.greeted()[0]
        scene.couple = Couple(ending.root, renewed(ending), ending.bob)
        others = [scene.greeted()[0] for _n in range(limits.GUESTS_OF_ONE)]
        wait_until(lambda: len(scene.reception.guests) == limits.GUESTS_OF_ONE, 10, "the oldest to make room")
        assert first.last_word() == "busy"
        for rude in (first, *others):
            rude.link.close()


def waits(scene: Scene) -> bool:
    """Whether the receiver waits for a sender that it has lost."""
    session = scene.reception.turn.session_of(scene.couple.peer_alice())
    return session is not None and session.way_back.is_waiting


def test_a_sender_that_was_lost_comes_back_with_its_new_certificate(ending: Couple) -> None:
    take_over(ending)
    with bobs_door(ending) as scene, patched(limits, REJOIN_SECONDS=30.0):
        scene.decides = False
        before = sending(scene)
        before.offer(1, 3, 1)
        before.manifest([file("a.txt")])
        before.hostile.link.close()
        wait_until(lambda: waits(scene), 20, "the receiver to wait")
        scene.couple = Couple(ending.root, renewed(ending), ending.bob)
        again = scene.admit()
        again.link.close()
        limits.REJOIN_SECONDS = 0.2  # nobody comes back; `patched` sets it as it was


def test_the_own_successor_is_nobodys_certificate(ending: Couple) -> None:
    certs = ending.alice.home.certs
    with pytest.raises(errors.OwnCertificate):
        ending.alice.device.peers.examine(certs / "next-cert.pem", TODAY)
    assert ending.alice.device.peers.found_by_hand(TODAY) == []


def test_a_successor_that_could_not_be_read_is_not_offered_as_somebodys(tmp_path: Path) -> None:
    certs = home(tmp_path, left=1000 * DAY)
    (certs / "next-cert.pem").write_bytes(own_pair()[1].public_bytes(Encoding.PEM))
    store = PeerStore(certs, open_identity(certs, NOW).ids, loads_as_anchor, NOW.timestamp)
    assert store.found_by_hand(NOW) == []


def test_people_are_one_line_each_and_the_own_line_says_when_it_renews(ending: Couple) -> None:
    take_over(ending)
    said: list[dict[str, object]] = []
    assert show_peers(ending.bob, lambda _text, event: said.append(event)) == 0
    assert [event["event"] for event in said] == ["self", "peer"]
    assert "renews" not in said[0]
    said.clear()
    show_peers(ending.alice, lambda _text, event: said.append(event))
    assert str(said[0]["renews"]).startswith(str((TODAY + 30 * DAY).date()))
