"""A renewal that is taken over: the person stays one, whatever happens to the file meanwhile."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors
from countersign.base.locks import hold
from countersign.transport.tls import loads_as_anchor
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId
from countersign.trust.identity import open_identity
from countersign.trust.peers import PeerStore
from countersign.trust.renewal import Renewal, make_renewal
from tests.patched import patched
from tests.renewals import DAY, NOW, DesktopUser, der_of, home, killed_at_each_write, own_pair, pinned, signed_anyhow
from tests.together import at_once


def a_store(root: Path) -> PeerStore:
    certs = home(root, left=1000 * DAY)
    return PeerStore(certs, open_identity(certs, NOW).ids, loads_as_anchor, NOW.timestamp)


def test_a_renewal_adds_a_certificate_and_the_person_stays_one(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    first = pinned(store, ada, "Ada")
    renewal = ada.next()
    new = store.renew(first, renewal)
    assert (new.id, new.person, new.name) == (ada.id(1), first.id, "Ada")
    assert store.all() == [first], "one line for a person, by the certificate that was compared"
    assert store.by_name("ada") == first
    assert store.by_id(ada.id(0)) == first
    assert store.by_id(ada.id(1)) == new
    assert new.certificate == ada.pairs[1][1]
    assert (
        {peer.id for peer in store.pinned(new)} == {peer.id for peer in store.pinned(first)} == {ada.id(0), ada.id(1)}
    )
    assert store.pinned() == store.pinned(new) == [first, new]
    written = first.path.read_bytes()
    assert store.renew(first, renewal) == new, "the same again"
    assert first.path.read_bytes() == written
    path = tmp_path / "new.cer"
    path.write_bytes(der_of(ada.pairs[1][1]))
    with pytest.raises(errors.AlreadyKnown):
        store.examine(path, NOW)


def test_forgetting_ends_every_certificate_of_a_person_in_every_file(tmp_path: Path) -> None:
    store, ada, bob = a_store(tmp_path), DesktopUser(), DesktopUser()
    store.renew(pinned(store, ada, "Ada"), ada.next())
    pinned(store, bob, "Bob")
    (store._folder / "copy.pem").write_bytes((store._folder / "Ada.pem").read_bytes())
    store.forget("ada")
    assert [peer.name for peer in store.pinned()] == ["Bob"]
    assert store.by_id(ada.id(0)) is None
    assert store.by_id(ada.id(1)) is None


def test_renaming_keeps_every_certificate(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    store.renew(pinned(store, ada, "Ada"), ada.next())
    store.rename(store.by_name("Ada"), "Countess")
    assert {peer.name for peer in store.pinned()} == {"Countess"}
    assert len(store.pinned()) == 2


def test_of_many_renewals_the_first_and_the_latest_stay(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    peer = pinned(store, ada, "Ada")
    for _n in range(6):
        peer = store.renew(peer, ada.next())
    assert [found.id for found in store.pinned()] == [ada.id(n) for n in (0, 4, 5, 6)]
    assert peer.person == ada.id(0)


def test_the_certificate_that_is_in_use_never_leaves_for_its_own_renewal(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    first = pinned(store, ada, "Ada")
    second = store.renew(first, ada.next())
    for _n in range(4):
        store.renew(second, ada.next(signer=1))
    assert [found.id for found in store.pinned()] == [ada.id(n) for n in (0, 1, 4, 5)]


def test_a_renewal_of_somebody_elses_certificate_changes_nothing(tmp_path: Path) -> None:
    store, ada, bob = a_store(tmp_path), DesktopUser(), DesktopUser()
    ada_here, bob_here = pinned(store, ada, "Ada"), pinned(store, bob, "Bob")
    bobs_second = store.renew(bob_here, bob.next())
    key, old = ada.pairs[0]
    for theirs in (0, 1):
        taken = make_renewal(key, der_of(old), der_of(bob.pairs[theirs][1]))
        with pytest.raises(errors.RenewalRefused, match="Bob"):
            store.renew(ada_here, taken)
    assert {peer.id for peer in store.pinned(ada_here)} == {ada.id(0)}
    assert store.by_id(bobs_second.id) == bobs_second
    with pytest.raises(errors.RenewalRefused):
        store.renew(bob_here, ada.next())


def test_a_later_certificate_in_a_file_never_takes_somebodys_place(tmp_path: Path) -> None:
    """Ada's file, first by name, holds Bob's certificate as if it were hers."""
    store, ada, bob = a_store(tmp_path), DesktopUser(), DesktopUser()
    pinned(store, ada, "Ada")
    bob_here = pinned(store, bob, "Bob")
    with open(store._folder / "Ada.pem", "ab") as out:
        out.write(bob.pairs[0][1].public_bytes(Encoding.PEM))
    assert store.by_id(bob.id(0)) == bob_here


def test_a_renewal_for_somebody_who_was_forgotten_or_is_somebody_else_now(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    peer = pinned(store, ada, "Ada")
    with pytest.raises(errors.PeerForgotten):
        store.renew(dataclasses.replace(peer, person=DeviceId(b"e" * 32)), ada.next())
    store.forget("Ada")
    with pytest.raises(errors.PeerForgotten):
        store.renew(peer, ada.next())
    assert not (store._folder / "Ada.pem").exists()


def test_renewals_of_a_file_that_is_nearly_full_are_refused_and_lose_nobody(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    key = certificates.new_key()
    large = signed_anyhow(key.public_key(), padding=47 << 10)
    (store._folder / "Ada.cer").write_bytes(large)
    peer = store.by_name("Ada")
    with pytest.raises(errors.RenewalRefused, match="large"):
        store.renew(peer, make_renewal(key, large, der_of(own_pair()[1])))
    assert store.by_name("Ada") == peer


def test_a_file_may_hold_four_certificates_but_no_chain_of_authorities(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    pems = [own_pair()[1].public_bytes(Encoding.PEM) for _n in range(5)]
    path = store._folder / "Ada.pem"
    path.write_bytes(b"".join(pems[:4]))
    assert len(store.pinned()) == 4
    assert len(store.all()) == 1
    path.write_bytes(b"".join(pems))
    assert [type(problem) for problem in store.problems()] == [errors.NotACertificate]
    authority = x509.load_der_x509_certificate(signed_anyhow(certificates.new_key().public_key(), ca=True))
    path.write_bytes(pems[0] + authority.public_bytes(Encoding.PEM))
    assert [type(problem) for problem in store.problems()] == [errors.NotACertificate]
    assert store.pinned() == []


def test_a_peers_file_that_was_read_as_der_is_renewed_too(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    (store._folder / "Ada.cer").write_bytes(der_of(ada.pairs[0][1]))
    store.renew(store.by_name("Ada"), ada.next())
    assert {peer.id for peer in store.pinned(store.by_name("Ada"))} == {ada.id(0), ada.id(1)}
    assert [path.name for path in store._folder.iterdir()] == ["Ada.cer"]


def test_f1_killed_while_a_renewal_is_taken_over(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    peer, renewal = pinned(store, ada, "Ada"), ada.next()
    for step in killed_at_each_write(lambda: store.renew(peer, renewal), lambda: None):
        assert store.by_name("Ada") == peer
        assert len(store.pinned()) == 1 + step
        assert store.problems() == []


def test_every_change_of_a_peers_file_has_the_folder_alone(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    looked: list[bool] = []

    def alone() -> None:
        lock = hold(store._certs / ".lock")
        looked.append(lock is None)
        if lock is not None:
            lock.close()

    def watched(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            alone()
            return real(*arguments, **named)

        return call

    with (
        patched(os, replace=watched(os.replace)),
        patched(Path, rename=watched(Path.rename), unlink=watched(Path.unlink)),  # Python 3.10 has these from before
    ):
        peer = pinned(store, ada, "Ada")
        store.renew(peer, ada.next())
        store.rename(store.by_name("Ada"), "Countess")
        store.forget("Countess")
    assert looked == [True] * 4


def _renew_in_a_process(certs: str, name: str, renewal: Renewal, answers: object) -> None:
    store = PeerStore(Path(certs), (), loads_as_anchor, NOW.timestamp)
    answers.put(store.renew(store.by_name(name), renewal).id)  # type: ignore[attr-defined]


def test_f8_both_apps_take_over_at_once_and_lose_nothing(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), DesktopUser()
    pinned(store, ada, "Ada")
    renewals = [ada.next(signer=0) for _n in range(3)]
    found = at_once(_renew_in_a_process, [(str(store._certs), "Ada", renewal) for renewal in renewals])
    assert {*found} | {ada.id(0)} == {peer.id for peer in store.pinned()}
