"""Caps that nothing else runs into: names together, messages that nobody reads, room on the disk, and who is a peer."""

from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from isal import isal_zlib

from countersign.base import limits
from countersign.base.errors import Declined, OfferRefused, OwnCertificate, ProtocolProblem, SealBroken, TooMuch
from countersign.pack import archive
from countersign.pack.archive import read_pack
from countersign.pack.compress import deflate
from countersign.pack.manifest import EntryKind, Manifest, Outline
from countersign.pack.plan import Piece
from countersign.session import inbox as inboxes, status as st
from countersign.session.inbox import Inbox
from countersign.session.proposal import Proposal
from countersign.source.scanning import scan_selection
from countersign.source.selection import Selection
from countersign.trust.renewal import make_renewal
from countersign.wire import messages as m
from tests.test_selection import NOBODY
from tests.transfers import Couple, Exchange, fill

FILE, LINK = int(EntryKind.FILE), int(EntryKind.LINK)
Usage = namedtuple("Usage", "total used free")


def test_z3_all_names_together_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten bytes are fine, one more is not; they are bytes and not characters, and a link's text counts."""
    monkeypatch.setattr(limits, "MAX_NAMES_BYTES", 10)
    for names in (("d", "e"), ("é",)):
        outline = Outline()
        outline.add(FILE, -1, "aaaa", "")
        outline.add(LINK, -1, "b", "ccc")
        for name in names:
            outline.add(FILE, -1, name, "")
        with pytest.raises(OfferRefused):
            outline.add(FILE, -1, "ê", "")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_sender_counts_the_texts_of_its_links_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_NAMES_BYTES", 10)
    (tmp_path / "aaaa").symlink_to("bbbbbb")
    scan_selection(Selection((tmp_path,)), lambda _f, _s: None, lambda: False, NOBODY)
    (tmp_path / "aaaa").unlink()
    (tmp_path / "aaaa").symlink_to("bbbbbbb")
    with pytest.raises(TooMuch):
        scan_selection(Selection((tmp_path,)), lambda _f, _s: None, lambda: False, NOBODY)


def sealed(size: int) -> m.Sealed:
    return m.Sealed(m.Kind.PACK, memoryview(bytes(size)))


def test_n11_unread_messages_are_counted() -> None:
    inbox = Inbox()
    for _n in range(inboxes._MOST):
        inbox.put(m.KeyAccepted())
    assert inbox.take() == m.KeyAccepted()
    inbox.put(m.KeyAccepted())  # there is room again
    with pytest.raises(ProtocolProblem):
        inbox.put(m.KeyAccepted())


def test_n11_unread_messages_are_weighed() -> None:
    inbox = Inbox()
    for _n in range(2):
        inbox.put(sealed(limits.PACK_CAP))
    assert inbox.take() is not None
    inbox.put(sealed(limits.PACK_CAP))
    with pytest.raises(ProtocolProblem):
        inbox.put(sealed(1))


def test_a_small_message_weighs_what_its_cap_allows() -> None:
    inbox = Inbox()
    inbox.put(sealed(2 * limits.PACK_CAP - limits.CONTROL_CAP))
    inbox.put(m.KeyAccepted())
    with pytest.raises(ProtocolProblem):
        inbox.put(sealed(1))


def test_a_stop_behind_everything_else_is_heard() -> None:
    inbox = Inbox()
    inbox.look_for_stop()
    inbox.put(m.KeyAccepted())
    inbox.look_for_stop()
    inbox.put(m.Stop("declined"))
    with pytest.raises(Declined):
        inbox.look_for_stop()
    inbox.take()
    with pytest.raises(Declined):
        inbox.take()


# --- room ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("free", "fits"), [(1999, False), (2000, True)])
def test_room_is_counted_to_the_byte(free: int, fits: bool) -> None:
    manifest = Manifest()
    manifest.add_file(FILE, -1, "a", 1500, 0)
    proposal = Proposal("alice", "folder", manifest, Path("x"), free, 0, 300, {}, (), records=800)
    assert proposal.fits is fits


def test_f2_what_has_no_room_is_refused_before_anything_is_written(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=1_000_000, small=3)
    usage = shutil.disk_usage(couple.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(usage.total, usage.used, 900_000))
    exchange = Exchange(couple).run()
    assert exchange.codes == ("peer_disk", "not_enough_space")
    assert exchange.receiver.all(st.NeedDecision)
    assert not couple.into.exists()
    assert not couple.bob.device.transfers.exists() or not list(couple.bob.device.transfers.iterdir())


# --- archives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [b"", b"\0", b"something behind it"])
def test_z1_nothing_may_stand_behind_a_deflated_member(behind: bytes) -> None:
    """Its sizes and its check are right, and every unzip would read it."""
    content = b"line\n" * 1000
    packed = deflate(content)
    assert packed is not None
    body = packed + behind
    facts = (b"0-0", archive.DEFLATED, isal_zlib.crc32(content), len(body), len(content))
    local, central = archive._local(*facts), archive._central(*facts, 0)
    made = local + body + central + archive._end(1, len(central), len(local) + len(body), b"")
    pieces = [Piece(0, 0, len(content))]
    if behind:
        with pytest.raises(SealBroken):
            read_pack(memoryview(made), pieces)
    else:
        assert read_pack(memoryview(made), pieces).members == [(pieces[0], content)]


# --- people ----------------------------------------------------------------------------------------------------------


def test_our_own_certificate_is_no_peer(couple: Couple) -> None:
    device = couple.alice.device
    own = couple.root / "mine.pem"
    own.write_bytes(device.identity.pem)
    with pytest.raises(OwnCertificate):
        device.peers.examine(own, device.local_time())
    before = [peer.id for peer in device.peers.pinned()]
    by_hand = couple.alice.home.root / "certs" / "peers" / "myself.pem"
    by_hand.write_bytes(device.identity.pem)
    assert [type(problem) for problem in device.peers.problems()] == [OwnCertificate]
    assert [peer.id for peer in device.peers.pinned()] == before
    assert device.peers.by_id(device.identity.id) is None


def test_a_renewal_to_our_own_certificate_is_refused(couple: Couple) -> None:
    """Bob signs for Alice's certificate as his next one."""
    alice, bob = couple.alice.device, couple.bob.device
    own = der(couple.alice.device.identity.pem)
    renewal = make_renewal(bob.identity._key, der(bob.identity.pem), own)
    with pytest.raises(OwnCertificate):
        alice.peers.renew(couple.peer_bob(), renewal)
    assert alice.peers.by_id(alice.identity.id) is None


def der(pem: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
