"""Identity, contacts, fingerprints, counted guesses."""

from __future__ import annotations

import datetime
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from countersign.base import errors, limits
from countersign.transport.tls import loads_as_anchor
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint
from countersign.trust.guesses import HOUR, Guesses
from countersign.trust.identity import Identity, open_identity
from countersign.trust.peers import PeerStore
from tests.together import at_once

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
PEER = DeviceId(b"p" * 32)
OTHER = DeviceId(b"o" * 32)


def home(root: Path) -> Path:
    certs = root / "certs"
    (certs / "peers").mkdir(parents=True)
    return certs


def store(certs: Path) -> tuple[Identity, PeerStore]:
    identity = open_identity(certs, NOW)
    return identity, PeerStore(certs, {identity.id}, loads_as_anchor, NOW.timestamp)


# --- identity --------------------------------------------------------------------------------------------------------


def test_an_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    certs = home(tmp_path)
    first, second = open_identity(certs, NOW), open_identity(certs, NOW)
    assert first.id == second.id
    assert first.pem == (certs / "cert.pem").read_bytes()
    assert not first.notes


def test_the_certificates_profile(tmp_path: Path) -> None:
    made = x509.load_pem_x509_certificate(open_identity(home(tmp_path), NOW).pem)
    assert made.issuer == made.subject
    assert made.not_valid_before_utc < NOW - datetime.timedelta(hours=23)
    assert made.not_valid_after_utc > NOW + datetime.timedelta(days=365 * 40)
    find = made.extensions.get_extension_for_class
    assert find(x509.BasicConstraints).value == x509.BasicConstraints(False, None)
    assert find(x509.KeyUsage).value.digital_signature
    assert not find(x509.KeyUsage).value.key_cert_sign
    assert set(find(x509.ExtendedKeyUsage).value) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert find(x509.SubjectKeyIdentifier).value.digest == find(x509.AuthorityKeyIdentifier).value.key_identifier
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


def test_every_device_has_a_subject_of_its_own(tmp_path: Path) -> None:
    made = [x509.load_pem_x509_certificate(open_identity(home(tmp_path / n), NOW).pem) for n in "ab"]
    assert made[0].subject != made[1].subject


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, no modes")
def test_the_key_is_private_from_its_first_moment_and_mended_later(tmp_path: Path) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    key = certs / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    assert open_identity(certs, NOW).notes
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_first_run_that_was_cut_off_between_the_two_files(tmp_path: Path) -> None:
    certs = home(tmp_path)
    first = open_identity(certs, NOW)
    (certs / "cert.pem").unlink()
    second = open_identity(certs, NOW)
    assert second.id != first.id
    assert (certs / "key.pem").exists()


@pytest.mark.parametrize("damage", ["no key", "other key", "no certificate text", "no key text", "locked key"])
def test_half_an_identity_is_told_and_never_replaced(tmp_path: Path, damage: str) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    key, own = certs / "key.pem", certs / "cert.pem"
    if damage == "no key":
        key.unlink()
    elif damage == "other key":
        key.write_bytes(certificates.key_pem(certificates.new_key()))
    elif damage == "no certificate text":
        own.write_text("hello")
    elif damage == "no key text":
        key.write_text("hello")
    else:
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

        locked = certificates.new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
        key.write_bytes(locked)
    before = {path.name: path.read_bytes() for path in certs.iterdir() if path.is_file()}
    with pytest.raises(errors.IdentityDamaged):
        open_identity(certs, NOW)
    assert before == {path.name: path.read_bytes() for path in certs.iterdir() if path.is_file()}


def test_f6_a_clock_outside_the_dates_is_told(tmp_path: Path) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    [note] = open_identity(certs, NOW - datetime.timedelta(days=3650)).notes
    assert "clock" in note


def _open_in_a_process(certs: str, answers: object) -> None:
    answers.put(open_identity(Path(certs), NOW).id)  # type: ignore[attr-defined]


def test_f8_first_runs_at_the_same_moment_make_one_identity(tmp_path: Path) -> None:
    certs = home(tmp_path)
    found = at_once(_open_in_a_process, [(str(certs),)] * 4)
    assert set(found) == {open_identity(certs, NOW).id}


def test_no_text_form_shows_the_key(tmp_path: Path) -> None:
    identity = open_identity(home(tmp_path), NOW)
    assert "PrivateKey" not in repr(identity)


# --- contacts --------------------------------------------------------------------------------------------------------


def given_file(root: Path, name: str = "bob.pem", now: datetime.datetime = NOW) -> Path:
    key = certificates.new_key()
    path = root / name
    path.write_bytes(certificates.self_signed(key, now).public_bytes(Encoding.PEM))
    return path


def test_somebody_is_added_renamed_and_forgotten(tmp_path: Path) -> None:
    _own, peers = store(home(tmp_path))
    peer = peers.add(peers.examine(given_file(tmp_path), NOW))
    assert peer.name == "bob"
    assert peers.by_id(peer.id) == peer
    assert peers.by_name("BOB") == peer
    robert = peers.rename(peer, "Robert")
    assert [found.name for found in peers.all()] == ["Robert"]
    assert peers.rename(robert, "robert").name == "robert"
    peers.forget("robert")
    assert peers.all() == []
    with pytest.raises(errors.NoSuchPeer):
        peers.forget("robert")


def test_the_fingerprint_has_one_form() -> None:
    text = fingerprint(device_id(b"der"))
    assert [len(group) for group in text.split("-")] == [4] * 5
    assert fingerprint(DeviceId(bytes(32))) == "0000-0000-0000-0000-0000"
    assert fingerprint(DeviceId(b"\xff" * 32)) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ"


def test_der_is_read_too(tmp_path: Path) -> None:
    _own, peers = store(home(tmp_path))
    made = certificates.self_signed(certificates.new_key(), NOW)
    path = tmp_path / "bob.cer"
    path.write_bytes(made.public_bytes(Encoding.DER))
    assert peers.examine(path, NOW).id == device_id(made.public_bytes(Encoding.DER))


def _with_key() -> bytes:
    key = certificates.new_key()
    return certificates.self_signed(key, NOW).public_bytes(Encoding.PEM) + certificates.key_pem(key)


def _weak() -> bytes:
    key = rsa.generate_private_key(65537, 1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", errors.NotACertificate),
        (b"hello", errors.NotACertificate),
        (b"\x89PNG" + bytes(100), errors.NotACertificate),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", errors.NotACertificate),
        (bytes(limits.CERTIFICATE_FILE_CAP + 1), errors.NotACertificate),
        (_with_key(), errors.HoldsPrivateKey),
        (_weak(), errors.HoldsPrivateKey),
    ],
)
def test_files_that_are_not_somebodys_certificate(
    tmp_path: Path, content: bytes, problem: type[errors.Problem]
) -> None:
    _own, peers = store(home(tmp_path))
    path = tmp_path / "file.pem"
    path.write_bytes(content)
    with pytest.raises(problem) as caught:
        peers.examine(path, NOW)
    assert caught.value.exit_code == 4
    assert "file.pem" in str(caught.value)
    assert peers.all() == []


def test_two_certificates_in_a_file_are_refused(tmp_path: Path) -> None:
    _own, peers = store(home(tmp_path))
    path = given_file(tmp_path)
    path.write_bytes(path.read_bytes() + given_file(tmp_path, "other.pem").read_bytes())
    with pytest.raises(errors.NotACertificate):
        peers.examine(path, NOW)


def test_expired_own_and_known_certificates(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, peers = store(certs)
    with pytest.raises(errors.CertificateExpired):
        peers.examine(given_file(tmp_path, now=NOW - datetime.timedelta(days=365 * 60)), NOW)
    with pytest.raises(errors.OwnCertificate):
        peers.examine(certs / "cert.pem", NOW)
    path = given_file(tmp_path)
    peers.add(peers.examine(path, NOW), "Robert")
    with pytest.raises(errors.AlreadyKnown) as caught:
        peers.examine(path, NOW)
    assert "Robert" in str(caught.value)
    with pytest.raises(errors.DiskProblem):
        peers.examine(tmp_path / "missing.pem", NOW)


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a/b", "a\\b", "a\0", ".hidden", "a.", "x" * 61, "a\nb", "a:b", "\u202eevil"]
)
def test_names_that_nobody_can_have(tmp_path: Path, name: str) -> None:
    _own, peers = store(home(tmp_path))
    with pytest.raises(errors.BadName):
        peers.add(peers.examine(given_file(tmp_path), NOW), name)


def test_names_are_taken_whatever_their_case(tmp_path: Path) -> None:
    _own, peers = store(home(tmp_path))
    peers.add(peers.examine(given_file(tmp_path), NOW), "Bob")
    other = peers.examine(given_file(tmp_path, "bob.pem"), NOW)
    assert other.suggested == "bob 2"
    with pytest.raises(errors.NameTaken):
        peers.add(other, "bob")


def test_files_put_there_by_hand(tmp_path: Path) -> None:
    certs = home(tmp_path)
    _own, peers = store(certs)
    given_file(certs, "from a stick.pem")
    [(path, candidate)] = peers.found_by_hand(NOW)
    assert path.name == "from a stick.pem"
    assert candidate.suggested == "from a stick"
    assert peers.all() == []
    given_file(certs / "peers", "carol.crt")
    (certs / "peers" / "notes.txt").write_text("x")
    (certs / "peers" / "bad.pem").write_text("x")
    (certs / "peers" / "key.pem").write_bytes(_with_key())
    assert [peer.name for peer in peers.all()] == ["carol"]
    assert {type(problem) for problem in peers.problems()} == {errors.NotACertificate, errors.HoldsPrivateKey}


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
def test_signatures_of_every_kind_of_device_key(kind: str) -> None:
    key: object = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    name = x509.Name([])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=1))
    )
    from cryptography.hazmat.primitives.hashes import SHA256

    made = builder.sign(key, None if kind == "ed25519" else SHA256())  # type: ignore[arg-type]
    signature = certificates.sign(key, b"data")
    assert certificates.signature_fits(made, signature, b"data")
    assert not certificates.signature_fits(made, signature, b"Data")
    certificates.read_certificate(made.public_bytes(Encoding.PEM), "x")
    with pytest.raises(TypeError):
        certificates.sign(object(), b"data")


def test_weak_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    for command in (["rsa:1024"], ["ed448"]):
        out = tmp_path / "weak.pem"
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *command, "-nodes", "-keyout", str(tmp_path / "k"), "-out", str(out),
             "-subj", "/CN=x"], capture_output=True, check=False,
        )  # fmt: skip
        if made.returncode:
            pytest.skip("openssl cannot make such a certificate")
        with pytest.raises(errors.WeakCertificate):
            certificates.read_certificate(out.read_bytes(), "weak.pem")


# --- guesses ---------------------------------------------------------------------------------------------------------


def test_n7_a_handful_of_tries_an_hour(tmp_path: Path) -> None:
    guesses = Guesses(tmp_path)
    allowed = [guesses.begin_try(PEER, 1000.0 + n) for n in range(20)]
    assert allowed == [True] * limits.CODE_FAILURES_AN_HOUR + [False] * (20 - limits.CODE_FAILURES_AN_HOUR)
    assert guesses.locked(PEER, 1100.0)
    assert guesses.begin_try(OTHER, 1100.0)
    assert not guesses.locked(PEER, 1000.0 + HOUR + 20)


def test_n7_a_restart_forgets_nothing(tmp_path: Path) -> None:
    for n in range(limits.CODE_FAILURES_AN_HOUR):
        assert Guesses(tmp_path).begin_try(PEER, 1000.0 + n)
    assert not Guesses(tmp_path).begin_try(PEER, 1010.0)


def test_the_person_at_the_receiver_lets_a_peer_start_anew(tmp_path: Path) -> None:
    guesses = Guesses(tmp_path)
    for n in range(limits.CODE_FAILURES_AN_HOUR):
        guesses.begin_try(PEER, 1000.0 + n)
    guesses.allow(PEER, 1010.0)
    assert not guesses.locked(PEER, 1010.0)
    assert sum(guesses.begin_try(PEER, 1011.0) for _n in range(20)) == limits.CODE_FAILURES_AN_HOUR


def test_n7_a_right_code_takes_back_its_own_try_and_no_other(tmp_path: Path) -> None:
    """A thief of a certificate once got new tries whenever its owner sent something."""
    guesses = Guesses(tmp_path)
    for n in range(limits.CODE_FAILURES_AN_HOUR - 1):
        assert guesses.begin_try(PEER, 1000.0 + n)
    for n in range(10):
        assert guesses.begin_try(PEER, 1010.0 + n)
        guesses.succeeded(PEER, 1010.0 + n)
    assert guesses.begin_try(PEER, 1030.0)
    assert not guesses.begin_try(PEER, 1031.0)
    assert not guesses.locked(PEER, 1000.0 + HOUR + 1)


def test_n7_a_clock_set_back_does_not_lock_for_years(tmp_path: Path) -> None:
    guesses = Guesses(tmp_path)
    for n in range(limits.CODE_FAILURES_AN_HOUR):
        guesses.begin_try(PEER, 10**9 + n)
    assert guesses.locked(PEER, 1000.0)
    assert not guesses.locked(PEER, 1000.0 + HOUR + 1)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2, "failures": {}}', b"\xff" * 50])
def test_a_damaged_counter_locks_and_is_set_aside(tmp_path: Path, content: bytes) -> None:
    guesses = Guesses(tmp_path)
    (tmp_path / "guesses.json").write_bytes(content)
    assert not guesses.begin_try(PEER, 1000.0)
    assert [path.read_bytes() for path in tmp_path.glob("guesses.json.damaged-*")] == [content]
    assert "damaged" in guesses.take_notes()[0]
    assert guesses.take_notes() == []
    guesses.allow(PEER, 1001.0)
    assert guesses.begin_try(PEER, 1002.0)
