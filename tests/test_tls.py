"""The listener, over real TLS on loopback: who gets in, and that everyone else ends with exactly the right error."""

from __future__ import annotations

import datetime
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from countersign.base import errors, limits
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.transport.addresses import Address, parse_address
from countersign.transport.dialing import connect
from countersign.transport.link import LinkLostError
from countersign.transport.listening import Listener
from countersign.transport.tls import make_context
from countersign.trust import certificate as certificates
from countersign.trust.identity import open_identity
from tests.doors import NEVER, first_byte, hall, visit
from tests.transfers import Couple, introduce
from tests.waiting import wait_until


def test_two_who_know_each_other(couple: Couple) -> None:
    with hall(couple.bob) as bob:
        assert visit(couple.alice, bob.address) == b"!"
        assert bob.welcomed == [couple.alice.device.identity.id]
        assert bob.refused == 0


def test_n5_a_stranger_who_knows_the_receiver(couple: Couple, tmp_path: Path) -> None:
    stranger = open_profile(Home(tmp_path / "stranger"))
    introduce(stranger, couple.bob, "bob")
    with hall(couple.bob) as bob:
        with pytest.raises(LinkLostError) as caught:
            visit(stranger, bob.address)
        assert isinstance(caught.value.problem, errors.TheyDoNotTrustUs)
        wait_until(lambda: bob.refused == 1, 10, "the refusal")
        assert bob.welcomed == []


def test_n5_a_receiver_whom_the_sender_does_not_know(couple: Couple, tmp_path: Path) -> None:
    stranger = open_profile(Home(tmp_path / "stranger"))
    introduce(stranger, couple.alice, "alice")
    with hall(stranger) as there:
        with pytest.raises(errors.NotTrusted) as caught:
            visit(couple.alice, there.address)
        assert caught.value.exit_code == 4
        wait_until(lambda: there.refused == 1, 10, "the refusal")


def test_n5_only_the_chosen_peer(couple: Couple, tmp_path: Path) -> None:
    carol = open_profile(Home(tmp_path / "carol"))
    introduce(couple.alice, carol, "carol")
    introduce(carol, couple.alice, "alice")
    only = [couple.alice.device.peers.by_name("carol")]
    with hall(couple.bob) as bob, pytest.raises(errors.NotTrusted):
        first_byte(connect(bob.address, couple.alice.device.identity, only, NEVER))


def test_n5_no_certificate_at_all(couple: Couple) -> None:
    with hall(couple.bob) as bob:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        tls = context.wrap_socket(socket.create_connection(("127.0.0.1", bob.address.port)))
        with tls, pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
            tls.recv(1)
        wait_until(lambda: bob.refused == 1, 10, "the refusal")


def test_tls_1_2_is_refused(couple: Couple) -> None:
    with hall(couple.bob) as bob:
        context = make_context(couple.alice.device.identity, couple.alice.device.peers.all(), listening=False)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", bob.address.port)) as raw, pytest.raises(ssl.SSLError):
            context.wrap_socket(raw)
        wait_until(lambda: bob.refused == 1, 10, "the refusal")


def _replace_identity(
    profile: Profile, certificate: x509.Certificate, key: object, now: Callable[[], float] = time.time
) -> Profile:
    certs = profile.home.certs
    (certs / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    (certs / "key.pem").write_bytes(data)
    return open_profile(profile.home, now)


def test_n5_an_expired_certificate(couple: Couple) -> None:
    key = certificates.new_key()
    long_ago = datetime.datetime(1970, 1, 3, tzinfo=datetime.timezone.utc)
    alice = _replace_identity(couple.alice, certificates.self_signed(key, long_ago), key, long_ago.timestamp)
    (couple.bob.home.peers / "alice.pem").write_bytes(alice.device.identity.pem)
    with hall(couple.bob) as bob:
        with pytest.raises(LinkLostError) as caught:
            visit(alice, bob.address)
        assert isinstance(caught.value.problem, errors.CertificateNotYetValid)


def test_f6_a_certificate_from_a_clock_that_is_ahead(couple: Couple) -> None:
    key = certificates.new_key()
    ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3650)
    bob = _replace_identity(couple.bob, certificates.self_signed(key, ahead), key)
    (couple.alice.home.peers / "bob.pem").write_bytes(bob.device.identity.pem)
    with hall(bob) as there, pytest.raises(errors.CertificateNotYetValid):
        visit(couple.alice, there.address)


def test_n5_a_pinned_authority_vouches_for_nobody(couple: Couple, tmp_path: Path) -> None:
    """Alice's certificate says CA:TRUE and signs Mallory's. OpenSSL accepts the chain; the pin does not."""
    now = datetime.datetime.now(datetime.timezone.utc)
    authority_key, mallory_key = certificates.new_key(), certificates.new_key()

    def made(name: str, key: object, issuer: str, signer: object, authority: bool) -> x509.Certificate:
        subject, issued_by = (
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer)
        )
        usage = x509.KeyUsage(True, False, False, False, False, authority, False, False, False)
        public = key.public_key()  # type: ignore[attr-defined]
        signer_public = signer.public_key()  # type: ignore[attr-defined]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issued_by)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=100))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_public), critical=False)
            .sign(signer, SHA256())  # type: ignore[arg-type]
        )

    authority = made("authority", authority_key, "authority", authority_key, True)
    (couple.bob.home.peers / "alice.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    mallory = open_profile(Home(tmp_path / "mallory"))
    introduce(mallory, couple.bob, "bob")
    leaf = made("mallory", mallory_key, "authority", authority_key, False)
    mallory = _replace_identity(mallory, leaf, mallory_key)
    with hall(couple.bob) as bob:
        with pytest.raises((LinkLostError, errors.PeerSilent)):
            visit(mallory, bob.address)
        wait_until(lambda: bob.refused == 1, 10, "the refusal")
        assert bob.welcomed == []


def test_a_certificate_made_by_hand_works(couple: Couple) -> None:
    certs = couple.alice.home.certs
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=same",
         "-keyout", str(certs / "key.pem"), "-out", str(certs / "cert.pem")], capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not on this computer")
    alice = open_profile(couple.alice.home)
    (couple.bob.home.peers / "alice.pem").write_bytes(alice.device.identity.pem)
    with hall(couple.bob) as bob:
        assert visit(alice, bob.address) == b"!"


def test_equal_subjects_of_several_peers(couple: Couple, tmp_path: Path) -> None:
    settings = []
    for name in ("one", "two", "three"):
        profile = open_profile(Home(tmp_path / name))
        certs = profile.home.certs
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=same", "-keyout", str(certs / "key.pem"), "-out", str(certs / "cert.pem")],
            capture_output=True, check=False,
        )  # fmt: skip
        if made.returncode:
            pytest.skip("openssl is not on this computer")
        settings.append(open_profile(profile.home))
        introduce(couple.bob, settings[-1], name)
        introduce(settings[-1], couple.bob, "bob")
    with hall(couple.bob) as bob:
        assert [visit(profile, bob.address) for profile in settings] == [b"!"] * 3


def test_n3_a_silent_connection_blocks_nobody(couple: Couple) -> None:
    with hall(couple.bob) as bob:
        silent = [socket.create_connection(("127.0.0.1", bob.address.port)) for _n in range(5)]
        assert visit(couple.alice, bob.address) == b"!"
        for raw in silent:
            raw.close()
        wait_until(lambda: bob.refused == 5, 10, "the refusals")


def test_n3_a_silent_connection_ends_by_itself(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.2)
    with hall(couple.bob) as bob:
        with socket.create_connection(("127.0.0.1", bob.address.port)) as raw:
            raw.settimeout(10)
            assert raw.recv(1) == b""
        wait_until(lambda: bob.refused == 1, 10, "the refusal")


def test_n1_strangers_are_capped_and_somebody_known_still_gets_in(couple: Couple) -> None:
    with hall(couple.bob) as bob:
        crowd = [socket.create_connection(("127.0.0.1", bob.address.port)) for _n in range(limits.STRANGERS * 2)]
        try:
            assert visit(couple.alice, bob.address) == b"!"
            wait_until(
                lambda: _connections() <= limits.STRANGERS + 1, 10, lambda: f"{_connections()} threads to be fewer"
            )
        finally:
            for raw in crowd:
                raw.close()
        wait_until(lambda: bob.refused == limits.STRANGERS * 2, 20, "the refusals")


def _connections() -> int:
    return len([t for t in threading.enumerate() if t.name == "connection"])


@pytest.mark.parametrize(
    "words", [b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 64, b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"SSH-2.0-x\r\n"]
)
def test_n1_babbling_strangers(couple: Couple, words: bytes) -> None:
    with hall(couple.bob) as bob:
        with socket.create_connection(("127.0.0.1", bob.address.port)) as raw:
            raw.settimeout(10)
            try:
                raw.sendall(words)
                answer = raw.recv(4096)
            except ConnectionError:
                answer = b""
            assert len(answer) <= 16  # at most an alert
        wait_until(lambda: bob.refused == 1, 10, "the refusal")


def test_something_else_answers(couple: Couple) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            raw, _where = server.accept()
            with raw:
                raw.sendall(b"220 mail.example ESMTP\r\n")
                raw.settimeout(5)
                raw.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(errors.NotCountersign):
            visit(couple.alice, Address("127.0.0.1", server.getsockname()[1]))
        thread.join()


def test_nobody_answers(couple: Couple) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(errors.Unreachable):
        visit(couple.alice, Address("127.0.0.1", port))
    with pytest.raises(errors.Unreachable):
        visit(couple.alice, Address("no-such-host.invalid", 1))


def test_connecting_can_be_cancelled(couple: Couple) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        filling = [socket.socket() for _n in range(4)]
        for raw in filling:
            raw.setblocking(False)
            raw.connect_ex(("127.0.0.1", port))
        with pytest.raises((errors.Cancelled, errors.NotCountersign, errors.PeerSilent)):
            connect(
                Address("127.0.0.1", port), couple.alice.device.identity, couple.alice.device.peers.all(), lambda: True
            )
        for raw in filling:
            raw.close()


def test_a_taken_port_names_its_owner_and_a_free_one(couple: Couple) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        device = couple.bob.device
        with pytest.raises(errors.PortTaken) as caught:
            Listener(device.identity, device.peers, "127.0.0.1", port, lambda _link: None, lambda: None)
        assert str(port) in caught.value.message
        assert caught.value.facts["free"] != port


def test_an_address_that_is_not_ours(couple: Couple) -> None:
    device = couple.bob.device
    with pytest.raises(errors.CannotListen):
        Listener(device.identity, device.peers, "192.0.2.1", 0, lambda _link: None, lambda: None)


def test_sslkeylogfile_is_not_obeyed(couple: Couple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "secrets"))
    with hall(couple.bob) as bob:
        visit(couple.alice, bob.address)
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("192.168.1.20", "192.168.1.20", 12346), (" 10.0.0.1:80 ", "10.0.0.1", 80), ("laptop.local", "laptop.local", 12346),
        ("::1", "::1", 12346), ("[::1]:5", "::1", 5), ("[fe80::1%eth0]", "fe80::1%eth0", 12346), ("büro:99", "büro", 99),
    ],
)  # fmt: skip
def test_addresses(typed: str, host: str, port: int) -> None:
    assert parse_address(typed) == Address(host, port)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "1.2.3",
        "1.2.3.4.5",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "a b",
        "[::1",
        "[::1]x",
        "http://x",
        "-x",
        "::x",
        "x" * 254,
    ],
)
def test_what_is_not_an_address(typed: str) -> None:
    with pytest.raises(errors.BadAddress):
        parse_address(typed)


def test_the_identity_of_a_home_is_the_one_that_others_pin(tmp_path: Path) -> None:
    profile = open_profile(Home(tmp_path / "x"))
    again = open_identity(profile.home.certs, datetime.datetime.now(datetime.timezone.utc))
    assert again.id == profile.device.identity.id
