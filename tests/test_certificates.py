"""Certificates and keys: what one parser reads and another does not, and which keys connect."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from countersign.base import errors
from countersign.profile import open_profile
from countersign.transport.addresses import Address
from countersign.transport.tls import make_context
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import device_id
from countersign.trust.identity import Identity
from countersign.trust.peers import Peer
from tests.certificates import NOW, a_certificate
from tests.doors import hall, visit
from tests.transfers import Couple

FLIPS = 3000


# a serial number that is not positive: cryptography warns that it will refuse it one day
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")


def with_a_name_that_is_not_utf8() -> bytes:
    """A certificate in DER that cryptography reads and OpenSSL does not."""
    der = a_certificate().public_bytes(Encoding.DER)
    return der.replace(b"Countersign ", b"\xf5ountersign ")


def pem_of(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def test_n12_a_certificate_that_only_one_parser_reads_is_not_imported(couple: Couple, tmp_path: Path) -> None:
    der = with_a_name_that_is_not_utf8()
    assert x509.load_der_x509_certificate(der)
    given = tmp_path / "carol.pem"
    for content in (der, pem_of(der)):
        given.write_bytes(content)
        with pytest.raises(errors.UnusableCertificate) as caught:
            couple.bob.device.peers.examine(given, couple.bob.device.local_time())
        assert "carol.pem" in str(caught.value)
        assert caught.value.exit_code == errors.EXIT_NOT_TRUSTED


def test_n12_a_certificate_that_only_one_parser_reads_shuts_the_door_to_nobody(couple: Couple) -> None:
    der = with_a_name_that_is_not_utf8()
    for profile, name in ((couple.alice, "aaron.pem"), (couple.bob, "carol.pem")):
        (profile.home.peers / name).write_bytes(pem_of(der))
        [problem] = profile.device.peers.problems()
        assert isinstance(problem, errors.UnusableCertificate)
        assert name in str(problem)
        assert len(profile.device.peers.pinned()) == 1
    with hall(couple.bob) as bob:
        assert visit(couple.alice, bob.address) == b"!"


def test_n12_a_context_leaves_out_what_openssl_does_not_read(couple: Couple, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever pinned it, and however: the others are in the context."""
    der = with_a_name_that_is_not_utf8()
    bad = Peer("carol", device_id(der), pem_of(der).decode(), Path("carol.pem"), device_id(der))
    good = couple.bob.device.peers.all()
    for peers in ([bad, *good], [*good, bad], [bad]):
        context = make_context(couple.bob.device.identity, peers, listening=True)
        assert context.cert_store_stats()["x509"] == len(peers) - 1
    assert bad.fingerprint in caplog.text
    assert "BEGIN" not in caplog.text


def flipped(seed: int) -> list[bytes]:
    """Certificates in DER with one or two bits that are not as they were."""
    chance = random.Random(seed)
    whole = a_certificate().public_bytes(Encoding.DER)
    found = []
    for _n in range(FLIPS):
        data = bytearray(whole)
        for _bit in range(chance.randint(1, 2)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        found.append(bytes(data))
    return found


def test_n12_whatever_bits_are_flipped_in_a_file_among_the_peers_others_still_connect(couple: Couple) -> None:
    flips = flipped(seed=12)
    for number, data in enumerate(flips):
        path = couple.bob.home.peers / f"flip {number}.cer"
        path.write_bytes(data)
        os.utime(path, (1e9, 1e9))  # files of this moment are read again at each look, which is not what is tried here
    peers = couple.bob.device.peers
    kinds = [type(problem) for problem in peers.problems()]
    assert {errors.UnusableCertificate, errors.NotACertificate} <= set(kinds)
    assert len(peers.all()) > FLIPS / 4
    with hall(couple.bob) as bob:
        assert visit(couple.alice, bob.address) == b"!"


def test_n12_whatever_bits_are_flipped_import_gives_a_problem_or_somebody(couple: Couple, tmp_path: Path) -> None:
    given = tmp_path / "carol.cer"
    refused = 0
    for data in flipped(seed=13):
        given.write_bytes(data)
        try:
            couple.bob.device.peers.examine(given, NOW)
        except errors.UnusableCertificate:
            refused += 1
        except errors.Problem:
            continue
    assert refused > 5


CONNECTING: dict[str, Callable[[], object]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA 3072": lambda: rsa.generate_private_key(65537, 3072),
}


UNSUPPORTED: dict[str, Callable[[], object]] = {
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "brainpoolP384r1": lambda: ec.generate_private_key(ec.BrainpoolP384R1()),
    "brainpoolP512r1": lambda: ec.generate_private_key(ec.BrainpoolP512R1()),
    "Ed448": ed448.Ed448PrivateKey.generate,
}


def certificate_of(public: object, signer: object) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "by hand")])
    edwards = isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=365))
        .sign(signer, None if edwards else SHA256())  # type: ignore[arg-type]
    )


def text_of(key: object) -> bytes:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    return text


def pinned_without_a_look(couple: Couple, certificate: x509.Certificate, key: bytes) -> tuple[Identity, Peer]:
    """Alice with another certificate, and what Bob would have of her, both without any check of ours."""
    file, key_file = couple.root / "other.pem", couple.root / "other-key.pem"
    pem = certificate.public_bytes(Encoding.PEM)
    file.write_bytes(pem)
    key_file.write_bytes(key)
    identity = device_id(certificate.public_bytes(Encoding.DER))
    return Identity(identity, file, key_file, pem), Peer("alice", identity, pem.decode(), file, identity)


def shakes_hands(couple: Couple, alice: Identity, alice_at_bobs: Peer) -> bool:
    """Whether TLS with this certificate works, at either end."""
    bob = couple.bob.device.identity
    bob_at_alices = couple.alice.device.peers.all()
    calling = make_context(alice, bob_at_alices, listening=False), make_context(bob, [alice_at_bobs], listening=True)
    called = make_context(bob, [alice_at_bobs], listening=False), make_context(alice, bob_at_alices, listening=True)
    return _one_byte(*calling) and _one_byte(*called)


def _one_byte(client: ssl.SSLContext, server: ssl.SSLContext) -> bool:
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(10)

    def serve() -> None:
        with contextlib.suppress(OSError), server.wrap_socket(ends[0], server_side=True) as tls:
            tls.sendall(b"!")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ends[1]) as tls:
            return tls.recv(1) == b"!"
    except OSError:
        return False
    finally:
        ends[1].close()
        thread.join()


@pytest.mark.parametrize("kind", CONNECTING)
def test_a_key_that_is_imported_connects(couple: Couple, kind: str) -> None:
    key = CONNECTING[kind]()
    made = certificate_of(key.public_key(), key)  # type: ignore[attr-defined]
    certificates.read_certificate(made.public_bytes(Encoding.PEM), "alice.pem")
    assert shakes_hands(couple, *pinned_without_a_look(couple, made, text_of(key)))
    assert certificates.signature_fits(made, certificates.sign(key, b"receipt"), b"receipt")


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_a_kind_of_key_that_cannot_connect_is_refused(couple: Couple, tmp_path: Path, kind: str) -> None:
    key = UNSUPPORTED[kind]()
    made = certificate_of(key.public_key(), key)  # type: ignore[attr-defined]
    given = tmp_path / "carol.pem"
    given.write_bytes(made.public_bytes(Encoding.PEM))
    with pytest.raises(errors.UnsupportedKey) as caught:
        couple.bob.device.peers.examine(given, NOW)
    assert "carol.pem" in caught.value.message
    assert "P-256" in caught.value.hint


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP192R1()], ids=lambda curve: curve.name)
def test_a_weak_curve_is_said_to_be_weak(curve: ec.EllipticCurve) -> None:
    data = certificate_of(ec.generate_private_key(curve).public_key(), certificates.new_key()).public_bytes(
        Encoding.PEM
    )
    with pytest.raises(errors.WeakCertificate) as caught:
        certificates.read_certificate(data, "x")
    assert type(caught.value) is errors.WeakCertificate


def test_a_curve_that_tls_does_not_have_cannot_connect(couple: Couple) -> None:
    key = UNSUPPORTED["secp256k1"]()
    made = certificate_of(key.public_key(), key)  # type: ignore[attr-defined]
    assert not shakes_hands(couple, *pinned_without_a_look(couple, made, text_of(key)))


def test_rsa_keys_for_pss_alone_are_refused_since_some_of_them_cannot_connect(couple: Couple, tmp_path: Path) -> None:
    for bound in ([], ["rsa_pss_keygen_md:sha1", "rsa_pss_keygen_mgf1_md:sha1"]):
        given, key_file = tmp_path / "carol.pem", tmp_path / "key"
        extra = [part for option in ["rsa_keygen_bits:2048", *bound] for part in ("-pkeyopt", option)]
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa-pss", *extra, "-nodes", "-days", "30", "-subj", "/CN=x",
             "-keyout", str(key_file), "-out", str(given)], capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip("openssl cannot make such a certificate")
        with pytest.raises(errors.UnsupportedKey):
            couple.bob.device.peers.examine(given, NOW)
        made = x509.load_pem_x509_certificate(given.read_bytes())
        # as OpenSSL wrote it: read and written by others it is a key for everything
        assert shakes_hands(couple, *pinned_without_a_look(couple, made, key_file.read_bytes())) is not bool(bound)


@pytest.mark.parametrize(
    ("bits", "problem"),
    [(2040, errors.WeakCertificate), (2048, None), (8192, None), (8200, errors.UnsupportedKey)],
)
def test_how_large_an_rsa_key_may_be(bits: int, problem: type[errors.Problem] | None) -> None:
    public = rsa.RSAPublicNumbers(65537, (1 << bits) - 1).public_key()  # nobody has the other half
    data = certificate_of(public, certificates.new_key()).public_bytes(Encoding.PEM)
    if problem is None:
        assert certificates.read_certificate(data, "x")
        return
    with pytest.raises(problem) as caught:
        certificates.read_certificate(data, "x")
    assert type(caught.value) is problem


def test_an_own_key_that_cannot_connect_is_told_at_the_start(couple: Couple) -> None:
    key = UNSUPPORTED["secp256k1"]()
    made = certificate_of(key.public_key(), key)  # type: ignore[attr-defined]
    certs = couple.alice.home.certs
    (certs / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (certs / "key.pem").write_bytes(text_of(key))
    with pytest.raises(errors.IdentityDamaged) as caught:
        open_profile(couple.alice.home)
    assert "kind" in caught.value.message


def test_own_files_that_openssl_refuses_are_told_before_anybody_connects(couple: Couple) -> None:
    key = certificates.new_key()
    der = certificates.self_signed(key, NOW).public_bytes(Encoding.DER).replace(b"Countersign ", b"\xf5ountersign ")
    certs = couple.alice.home.certs
    (certs / "cert.pem").write_bytes(pem_of(der))
    (certs / "key.pem").write_bytes(certificates.key_pem(key))
    alice = open_profile(couple.alice.home)
    with pytest.raises(errors.IdentityDamaged) as caught, hall(alice):
        pass
    assert "cert.pem" in caught.value.message
    with pytest.raises(errors.IdentityDamaged):
        visit(alice, Address("127.0.0.1", 1))
