"""A certificate that ends: its successor, the old key's word for it, and those who take it over."""

from __future__ import annotations

import dataclasses
import datetime
import multiprocessing
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors, limits
from countersign.base.locks import hold
from countersign.cli.commands import show_peers
from countersign.profile import Profile, open_profile
from countersign.receipts.checking import check_receipt
from countersign.receipts.history import list_past_transfers
from countersign.session import status as st
from countersign.transport.link import LinkLostError
from countersign.transport.tls import loads_as_anchor
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId, device_id
from countersign.trust.identity import NEAR_END, Identity, open_identity
from countersign.trust.peers import Peer, PeerStore
from countersign.trust.renewal import Renewal, check_renewal, make_renewal
from countersign.wire import messages as m
from tests.doors import hall, visit
from tests.hostile_peer import Scene, bobs_door, file, sending
from tests.patched import patched
from tests.transfers import Couple, Exchange, introduce
from tests.waiting import wait_until

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
OWN_FILES = ("key.pem", "cert.pem", "next-key.pem", "next-cert.pem")


def home(root: Path, now: datetime.datetime = NOW, left: datetime.timedelta = 30 * DAY) -> Path:
    """A certs folder whose own certificate ends so long after `now`."""
    certs = root / "certs"
    (certs / "peers").mkdir(parents=True, exist_ok=True)
    key = certificates.new_key()
    (certs / "key.pem").write_bytes(certificates.key_pem(key))
    (certs / "key.pem").chmod(0o600)
    made = certificates.self_signed(key, now + left - certificates.LIFE)
    (certs / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return certs


def content(certs: Path) -> dict[str, bytes]:
    return {name: (certs / name).read_bytes() for name in OWN_FILES if (certs / name).exists()}


# --- the own pairs ---------------------------------------------------------------------------------------------------


def test_a_successor_is_made_ninety_days_before_the_end_and_not_sooner(tmp_path: Path) -> None:
    certs = home(tmp_path, left=NEAR_END + DAY)
    first = open_identity(certs, NOW)
    assert first.successor is None
    assert set(content(certs)) == {"key.pem", "cert.pem"}
    later = open_identity(certs, NOW + 2 * DAY)
    assert later.id == first.id, "the first stays in use"
    assert later.successor is not None
    assert set(content(certs)) == set(OWN_FILES)
    new = x509.load_der_x509_certificate(later.successor.certificate)
    assert new == x509.load_pem_x509_certificate((certs / "next-cert.pem").read_bytes())
    assert new.not_valid_after_utc > NOW + 40 * 365 * DAY
    assert later.ids == {first.id, device_id(later.successor.certificate)}
    assert open_identity(certs, NOW + 3 * DAY).successor == later.successor, "it is made once"


def test_the_successor_takes_its_place_when_the_first_has_ended(tmp_path: Path) -> None:
    certs = home(tmp_path)
    before = open_identity(certs, NOW)
    assert before.successor is not None
    files_before = content(certs)
    after = open_identity(certs, NOW + 31 * DAY)
    assert after.id == device_id(before.successor.certificate)
    assert (after.certificate_path.name, after.key_path.name) == ("next-cert.pem", "next-key.pem")
    assert after.pem == (certs / "next-cert.pem").read_bytes()
    assert after.successor is None
    assert after.ids == before.ids
    new = x509.load_pem_x509_certificate(after.pem)
    assert certificates.signature_fits(new, after.sign(b"receipt"), b"receipt"), "the key is the one that belongs to it"
    assert content(certs) == files_before, "nothing is switched on the disk"


def test_a_certificate_that_ended_before_the_program_was_opened_again(tmp_path: Path) -> None:
    certs = home(tmp_path, left=-DAY)
    identity = open_identity(certs, NOW)
    assert identity.certificate_path.name == "next-cert.pem"
    assert identity.successor is None
    assert "ended" in identity.notes[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, no modes")
def test_the_successors_key_is_private_from_its_first_moment_and_mended_later(tmp_path: Path) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    key = certs / "next-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    assert any("next-key.pem" in note for note in open_identity(certs, NOW).notes)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_notes_say_when_it_ends_and_who_takes_the_new_one_over(tmp_path: Path) -> None:
    certs = home(tmp_path, left=NEAR_END + DAY)
    assert not open_identity(certs, NOW).notes
    [note] = open_identity(certs, NOW + 2 * DAY).notes
    assert "2026" in note
    assert "by themselves" in note
    [note] = open_identity(certs, NOW + NEAR_END + 2 * DAY).notes
    assert "ended" in note
    assert not open_identity(certs, NOW + 3 * NEAR_END).notes, "after a while it is no news"


@pytest.mark.parametrize("days", [-365 * 60, -40, -10, 25, 40, 365 * 10, 365 * 60])
@pytest.mark.parametrize("left", [NEAR_END + 10 * DAY, 30 * DAY])
def test_f6_one_opening_with_a_wrong_clock_changes_nothing(tmp_path: Path, days: int, left: datetime.timedelta) -> None:
    certs = home(tmp_path, left=left)
    before, known = open_identity(certs, NOW), content(certs)
    open_identity(certs, NOW + days * DAY)
    assert {name: (certs / name).read_bytes() for name in known} == known, "what people may have is still there"
    after = open_identity(certs, NOW)
    assert after.id == before.id
    assert after.successor == before.successor
    assert list(certs.glob("*damaged*")) == []


@pytest.mark.parametrize("days", [-365 * 60, -40, 365 * 60])
def test_f6_a_wrong_clock_after_the_successor_has_taken_over(tmp_path: Path, days: int) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    in_use, known = open_identity(certs, NOW + 40 * DAY), content(certs)
    wrong = open_identity(certs, NOW + 40 * DAY + days * DAY)
    assert content(certs) == known
    if abs(days) > 365:
        assert wrong.certificate_path.name == "cert.pem", "where neither is valid, the first"
        assert any("clock" in note for note in wrong.notes)
    assert open_identity(certs, NOW + 40 * DAY).id == in_use.id


def test_f6_a_successor_from_a_wrong_clock_serves_when_its_time_has_come(tmp_path: Path) -> None:
    """Opened once with a clock that is sixty years ahead, long before the end; then that end comes."""
    certs = home(tmp_path, left=1000 * DAY)
    open_identity(certs, NOW + 365 * 60 * DAY)
    made = content(certs)["next-cert.pem"]
    assert open_identity(certs, NOW).successor is None, "nobody is told of it while the first is good for long"
    near = open_identity(certs, NOW + 950 * DAY)
    assert near.successor is not None
    assert content(certs)["next-cert.pem"] == made
    assert open_identity(certs, NOW + 1001 * DAY).id == device_id(near.successor.certificate)


def test_a_successor_that_has_ended_is_made_anew_while_the_first_is_valid(tmp_path: Path) -> None:
    certs = home(tmp_path)
    key = certificates.new_key()
    (certs / "next-key.pem").write_bytes(certificates.key_pem(key))
    over = certificates.self_signed(key, NOW - certificates.LIFE - DAY)
    (certs / "next-cert.pem").write_bytes(over.public_bytes(Encoding.PEM))
    identity = open_identity(certs, NOW)
    assert identity.successor is not None
    new = x509.load_der_x509_certificate(identity.successor.certificate)
    assert new.not_valid_before_utc <= NOW <= new.not_valid_after_utc


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no key": lambda certs: (certs / "next-key.pem").unlink(),
    "no key text": lambda certs: (certs / "next-key.pem").write_text("hello"),
    "no certificate text": lambda certs: (certs / "next-cert.pem").write_text("hello"),
    "other key": lambda certs: (certs / "next-key.pem").write_bytes(certificates.key_pem(certificates.new_key())),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_successor_is_replaced_while_the_first_is_valid(tmp_path: Path, damage: str) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    DAMAGES[damage](certs)
    damaged = {content(certs).get("next-key.pem"), content(certs).get("next-cert.pem")} - {None}
    identity = open_identity(certs, NOW)
    assert identity.successor is not None
    assert any("set aside" in note for note in identity.notes)
    assert {path.read_bytes() for path in certs.glob("*damaged*")} == damaged
    assert open_identity(certs, NOW).successor == identity.successor


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_successor_that_is_in_use_is_told_and_never_replaced(tmp_path: Path, damage: str) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    DAMAGES[damage](certs)
    before = content(certs)
    with pytest.raises(errors.SuccessorDamaged) as caught:
        open_identity(certs, NOW + 31 * DAY)
    assert "next-" in caught.value.message
    assert "next-cert.pem" in caught.value.hint
    assert content(certs) == before


def test_a_damaged_successor_is_left_alone_while_nobody_needs_it(tmp_path: Path) -> None:
    certs = home(tmp_path, left=1000 * DAY)
    (certs / "next-key.pem").write_text("hello")
    assert open_identity(certs, NOW).successor is None
    assert (certs / "next-key.pem").read_text() == "hello"


class Killed(BaseException):
    """The program ends here."""


def killed_at_each_write(action: Callable[[], object], begin: Callable[[], object]) -> Iterator[int]:
    """Does `begin`, then the action, killed before its first write, before its second, and so on until it comes through."""
    for step in range(20):
        begin()
        left = iter(range(step))
        real = os.replace

        def replace(
            source: Path, target: Path, left: Iterator[int] = left, real: Callable[[Path, Path], None] = real
        ) -> None:
            if next(left, None) is None:
                raise Killed
            real(source, target)

        try:
            with patched(os, replace=replace):
                action()
        except Killed:
            yield step
        else:
            assert step
            yield step
            return
    raise AssertionError("it never came through")


@pytest.mark.parametrize("left", [30 * DAY, -DAY])
def test_f1_killed_between_any_two_writes_of_a_successor(tmp_path: Path, left: datetime.timedelta) -> None:
    folders = iter(tmp_path / str(n) for n in range(100))
    certs = Path()

    def begin() -> None:
        nonlocal certs
        certs = home(next(folders), left=left)

    steps = 0
    for _step in killed_at_each_write(lambda: open_identity(certs, NOW), begin):
        steps += 1
        identity = open_identity(certs, NOW)
        assert len(identity.ids) == 2
        assert set(content(certs)) == set(OWN_FILES)
        assert open_identity(certs, NOW).ids == identity.ids
    assert steps == 3, "two files are written"


def _open_in_a_process(certs: str, answers: object) -> None:
    answers.put(sorted(open_identity(Path(certs), NOW).ids))  # type: ignore[attr-defined]


def test_f8_both_apps_at_once_make_one_successor(tmp_path: Path) -> None:
    certs = home(tmp_path)
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    together = [context.Process(target=_open_in_a_process, args=(str(certs), answers)) for _n in range(4)]
    for process in together:
        process.start()
    found = [answers.get(timeout=60) for _n in together]
    for process in together:
        process.join(60)
    answers.close()
    answers.join_thread()
    assert found == [sorted(open_identity(certs, NOW).ids)] * 4


def test_no_text_form_of_a_successor_shows_a_key(tmp_path: Path) -> None:
    assert "PrivateKey" not in repr(open_identity(home(tmp_path), NOW))


# --- the statement ---------------------------------------------------------------------------------------------------


def own_pair(now: datetime.datetime = NOW) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = certificates.new_key()
    return key, certificates.self_signed(key, now)


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def checked(pinned: x509.Certificate, renewal: Renewal, own: frozenset[DeviceId] = frozenset()) -> x509.Certificate:
    return check_renewal(pinned, renewal, own, loads_as_anchor)


def test_a_renewal_is_the_new_certificate_signed_by_the_old_key(tmp_path: Path) -> None:
    identity = open_identity(home(tmp_path), NOW)
    assert identity.successor is not None
    renewal = identity.successor.renewal()
    old = x509.load_pem_x509_certificate(identity.pem)
    assert der_of(checked(old, renewal)) == identity.successor.certificate
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(renewal), type=Renewal)
    assert again == renewal


def test_what_is_signed_is_as_it_is_written_down() -> None:
    (key, old), (_new_key, new) = own_pair(), own_pair()
    from hashlib import sha256

    said = b"countersign/1 renewal\0" + sha256(der_of(old)).digest() + sha256(der_of(new)).digest()
    assert certificates.signature_fits(old, make_renewal(key, der_of(old), der_of(new)).signature, said)
    assert checked(old, Renewal(der_of(new), certificates.sign(key, said))) == new
    for other in (said[22:], said.replace(b"/1 ", b"/2 "), said + b"\0"):
        with pytest.raises(errors.RenewalRefused):
            checked(old, Renewal(der_of(new), certificates.sign(key, other)))


def test_a_renewal_signed_by_another_key_is_refused() -> None:
    (_key, old), (new_key, new) = own_pair(), own_pair()
    for signer in (new_key, certificates.new_key()):
        with pytest.raises(errors.RenewalRefused):
            checked(old, make_renewal(signer, der_of(old), der_of(new)))


def test_a_renewal_is_for_one_person_and_one_certificate_only() -> None:
    """Replayed: with another person's pin, and with another certificate under the same signature."""
    (key, old), (_k, new), (_k2, other) = own_pair(), own_pair(), own_pair()
    renewal = make_renewal(key, der_of(old), der_of(new))
    for pinned, said in ((other, renewal), (old, Renewal(der_of(other), renewal.signature))):
        with pytest.raises(errors.RenewalRefused):
            checked(pinned, said)


def signed_anyhow(public: object, ca: bool | None = False, name: str = "x", padding: int = 0) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + 100 * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if padding:
        filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(padding))
        builder = builder.add_extension(filler, critical=False)
    return der_of(builder.sign(certificates.new_key(), SHA256()))


def not_for_openssl() -> bytes:
    return der_of(own_pair()[1]).replace(b"Countersign ", b"\xf5ountersign ")


REFUSED: dict[str, tuple[Callable[[], bytes], type[errors.Problem]]] = {
    "64 KiB": (lambda: signed_anyhow(certificates.new_key().public_key(), padding=63 << 10), errors.RenewalRefused),
    "no certificate": (lambda: b"hello", errors.NotACertificate),
    "weak": (lambda: signed_anyhow(rsa.generate_private_key(65537, 1024).public_key()), errors.WeakCertificate),
    "no such curve": (
        lambda: signed_anyhow(ec.generate_private_key(ec.SECP256K1()).public_key()),
        errors.UnsupportedKey,
    ),
    "an authority": (lambda: signed_anyhow(certificates.new_key().public_key(), ca=True), errors.RenewalRefused),
    "says nothing of authority": (
        lambda: signed_anyhow(certificates.new_key().public_key(), ca=None),
        errors.RenewalRefused,
    ),
    "private key": (lambda: certificates.key_pem(certificates.new_key()), errors.HoldsPrivateKey),
    "as text": (lambda: own_pair()[1].public_bytes(Encoding.PEM), errors.RenewalRefused),
    "for one parser only": (not_for_openssl, errors.UnusableCertificate),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_renewal_cannot_bring(tmp_path: Path, case: str) -> None:
    made, problem = REFUSED[case]
    key, old = own_pair()
    renewal = make_renewal(key, der_of(old), made())
    with pytest.raises(problem) as caught:
        checked(old, renewal)
    assert type(caught.value) is problem
    assert caught.value.message


def test_a_renewal_cannot_bring_our_own_certificate() -> None:
    (key, old), (_k, own) = own_pair(), own_pair()
    with pytest.raises(errors.OwnCertificate):
        checked(old, make_renewal(key, der_of(old), der_of(own)), frozenset({device_id(der_of(own))}))


def test_a_signature_that_is_too_long_is_refused() -> None:
    (_key, old), (_k, new) = own_pair(), own_pair()
    with pytest.raises(errors.RenewalRefused, match="large"):
        checked(old, Renewal(der_of(new), bytes(limits.SIGNATURE_CAP + 1)))


# --- people ----------------------------------------------------------------------------------------------------------


class Person:
    """Somebody with a chain of certificates, each signed for by the one before or by the first."""

    def __init__(self) -> None:
        self.pairs = [own_pair()]

    def id(self, number: int) -> DeviceId:
        return device_id(der_of(self.pairs[number][1]))

    def next(self, signer: int = -1) -> Renewal:
        key, old = self.pairs[signer]
        self.pairs.append(own_pair())
        return make_renewal(key, der_of(old), der_of(self.pairs[-1][1]))


def a_store(root: Path) -> PeerStore:
    certs = home(root, left=1000 * DAY)
    return PeerStore(certs, open_identity(certs, NOW).ids, loads_as_anchor, NOW.timestamp)


def pinned(store: PeerStore, person: Person, name: str) -> Peer:
    path = store._certs / "given.txt"
    path.write_bytes(person.pairs[0][1].public_bytes(Encoding.PEM))
    return store.add(store.examine(path, NOW), name)


def test_a_renewal_adds_a_certificate_and_the_person_stays_one(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
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
    store, ada, bob = a_store(tmp_path), Person(), Person()
    store.renew(pinned(store, ada, "Ada"), ada.next())
    pinned(store, bob, "Bob")
    (store._folder / "copy.pem").write_bytes((store._folder / "Ada.pem").read_bytes())
    store.forget("ada")
    assert [peer.name for peer in store.pinned()] == ["Bob"]
    assert store.by_id(ada.id(0)) is None
    assert store.by_id(ada.id(1)) is None


def test_renaming_keeps_every_certificate(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
    store.renew(pinned(store, ada, "Ada"), ada.next())
    store.rename(store.by_name("Ada"), "Countess")
    assert {peer.name for peer in store.pinned()} == {"Countess"}
    assert len(store.pinned()) == 2


def test_of_many_renewals_the_first_and_the_latest_stay(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
    peer = pinned(store, ada, "Ada")
    for _n in range(6):
        peer = store.renew(peer, ada.next())
    assert [found.id for found in store.pinned()] == [ada.id(n) for n in (0, 4, 5, 6)]
    assert peer.person == ada.id(0)


def test_the_certificate_that_is_in_use_never_leaves_for_its_own_renewal(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
    first = pinned(store, ada, "Ada")
    second = store.renew(first, ada.next())
    for _n in range(4):
        store.renew(second, ada.next(signer=1))
    assert [found.id for found in store.pinned()] == [ada.id(n) for n in (0, 1, 4, 5)]


def test_a_renewal_of_somebody_elses_certificate_changes_nothing(tmp_path: Path) -> None:
    store, ada, bob = a_store(tmp_path), Person(), Person()
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
    store, ada, bob = a_store(tmp_path), Person(), Person()
    pinned(store, ada, "Ada")
    bob_here = pinned(store, bob, "Bob")
    with open(store._folder / "Ada.pem", "ab") as out:
        out.write(bob.pairs[0][1].public_bytes(Encoding.PEM))
    assert store.by_id(bob.id(0)) == bob_here


def test_a_renewal_for_somebody_who_was_forgotten_or_is_somebody_else_now(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
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
    store, ada = a_store(tmp_path), Person()
    (store._folder / "Ada.cer").write_bytes(der_of(ada.pairs[0][1]))
    store.renew(store.by_name("Ada"), ada.next())
    assert {peer.id for peer in store.pinned(store.by_name("Ada"))} == {ada.id(0), ada.id(1)}
    assert [path.name for path in store._folder.iterdir()] == ["Ada.cer"]


def test_f1_killed_while_a_renewal_is_taken_over(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
    peer, renewal = pinned(store, ada, "Ada"), ada.next()
    for step in killed_at_each_write(lambda: store.renew(peer, renewal), lambda: None):
        assert store.by_name("Ada") == peer
        assert len(store.pinned()) == 1 + step
        assert store.problems() == []


def test_every_change_of_a_peers_file_has_the_folder_alone(tmp_path: Path) -> None:
    store, ada = a_store(tmp_path), Person()
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
    store, ada = a_store(tmp_path), Person()
    pinned(store, ada, "Ada")
    renewals = [ada.next(signer=0) for _n in range(3)]
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    together = [
        context.Process(target=_renew_in_a_process, args=(str(store._certs), "Ada", renewal, answers))
        for renewal in renewals
    ]
    for process in together:
        process.start()
    found = {answers.get(timeout=60) for _n in together}
    for process in together:
        process.join(60)
    answers.close()
    answers.join_thread()
    assert found | {ada.id(0)} == {peer.id for peer in store.pinned()}


# --- over TLS --------------------------------------------------------------------------------------------------------

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


def identity_of(profile: Profile) -> Identity:
    return profile.device.identity


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
            hostile, theirs, own = scene.greeted()
            code = f"{(int(scene.heard.all(st.Listening)[-1].code) + 1) % 10000:04d}"
            hostile.say(scene.proof(theirs, own, code))
            assert isinstance(hostile.hear(), m.CodeRefused)
            hostile.link.close()
        scene.heard.wait(st.PeerLocked)


def test_guests_of_one_person_make_room_for_each_other_by_whichever_certificate(ending: Couple) -> None:
    take_over(ending)
    with bobs_door(ending) as scene:
        first = scene.greeted()[0]
        scene.couple = Couple(ending.root, renewed(ending), ending.bob)
        others = [scene.greeted()[0] for _n in range(limits.GUESTS_OF_ONE)]
        wait_until(lambda: len(scene.reception.guests) == limits.GUESTS_OF_ONE, 10, "the oldest to make room")
        assert first.last_word() == "busy"
        for hostile in (first, *others):
            hostile.link.close()


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
