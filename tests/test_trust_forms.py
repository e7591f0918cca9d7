"""Certificates, fingerprints and counted guesses at their edges: every date at its last second, every count at its last try."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from countersign.base import errors, limits
from countersign.trust import certificate as certificates, identity as identities
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint
from countersign.trust.guesses import HOUR, Guesses
from countersign.trust.identity import open_identity
from tests.test_trust import NOW, home

SECOND, DAY = datetime.timedelta(seconds=1), datetime.timedelta(days=1)
ONE, OTHER = DeviceId(b"1" * 32), DeviceId(b"2" * 32)
MOST = limits.CODE_FAILURES_AN_HOUR


# --- fingerprints ----------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_the_first_hundred_bits_in_the_keys_alphabet() -> None:
    assert fingerprint(DeviceId(bytes(32))) == "0000-0000-0000-0000-0000"
    assert fingerprint(DeviceId(b"\xff" * 32)) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ"
    first = int("".join(f"{n:05b}" for n in range(20)), 2)
    identity = DeviceId((first << 156 | (1 << 156) - 1).to_bytes(32, "big"))
    assert fingerprint(identity) == "0123-4567-89AB-CDEF-GHJK"
    assert fingerprint(DeviceId((1 << 156).to_bytes(32, "big"))) == "0000-0000-0000-0000-0001"


# --- certificates ----------------------------------------------------------------------------------------------------


def test_the_certificate_that_we_make_is_just_this() -> None:
    key = certificates.new_key()
    made = certificates.self_signed(key, NOW)
    assert isinstance(key.curve, ec.SECP256R1)
    assert made.not_valid_before_utc == NOW - DAY
    assert made.not_valid_after_utc == NOW + 365 * 50 * DAY
    assert made.public_key() == key.public_key()
    [name] = made.subject
    assert name.oid == NameOID.COMMON_NAME
    assert isinstance(name.value, str)
    assert name.value.startswith("Countersign ")
    assert len(name.value) == len("Countersign ") + 16
    found = {type(extension.value): extension for extension in made.extensions}
    assert [found[kind].critical for kind in (x509.BasicConstraints, x509.KeyUsage)] == [True, True]
    optional = (x509.ExtendedKeyUsage, x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier)
    assert [found[kind].critical for kind in optional] == [False] * 3
    assert len(found) == 5
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    flags = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign")  # fmt: skip
    assert [getattr(usage, flag) for flag in flags] == [True] + [False] * 6
    assert certificates.is_device_alone(made)


def test_a_certificate_may_begin_at_another_time() -> None:
    made = certificates.self_signed(certificates.new_key(), NOW, NOW - 30 * DAY)
    assert made.not_valid_before_utc == NOW - 30 * DAY
    assert made.not_valid_after_utc == NOW + 365 * 50 * DAY


def test_f6_a_certificate_is_valid_from_its_first_to_its_last_second() -> None:
    made = certificates.self_signed(certificates.new_key(), NOW)
    first, last = made.not_valid_before_utc, made.not_valid_after_utc
    for moment in (first, last, NOW):
        certificates.check_dates(made, moment, "x")
    for moment in (first - SECOND, last + SECOND):
        with pytest.raises(errors.CertificateExpired):
            certificates.check_dates(made, moment, "x")


@pytest.mark.parametrize(
    ("count", "most", "right"), [(0, 2, False), (1, 1, True), (2, 2, True), (2, 1, False), (3, 2, False)]
)
def test_how_many_certificates_a_file_may_hold(count: int, most: int, right: bool) -> None:
    made = [certificates.self_signed(certificates.new_key(), NOW) for _n in range(count)]
    data = b"".join(one.public_bytes(Encoding.PEM) for one in made)
    if right:
        assert certificates.read_certificates(data, "x", most) == made
    else:
        with pytest.raises(errors.NotACertificate):
            certificates.read_certificates(data, "x", most)


@pytest.mark.parametrize(
    ("size", "right"), [(limits.CERTIFICATE_FILE_CAP, True), (limits.CERTIFICATE_FILE_CAP + 1, False)]
)
def test_n12_how_large_a_certificates_file_may_be(size: int, right: bool) -> None:
    data = certificates.self_signed(certificates.new_key(), NOW).public_bytes(Encoding.PEM)
    data += b"\n" * (size - len(data))
    if right:
        assert certificates.read_certificate(data, "x")
    else:
        with pytest.raises(errors.NotACertificate):
            certificates.read_certificate(data, "x")


@pytest.mark.parametrize("ca", [True, None])
def test_what_does_not_say_that_it_is_alone_is_not(ca: bool | None) -> None:
    key = certificates.new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + DAY)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    assert certificates.is_device_alone(builder.sign(key, SHA256())) is False


def test_which_keys_are_too_weak_or_too_slow() -> None:
    found = certificates.SMALLEST_RSA, certificates.LARGEST_RSA, certificates.SMALLEST_CURVE
    assert found == (2048, 8192, 256)


def test_a_certificates_file_with_a_key_in_it_is_told_and_no_other() -> None:
    data = certificates.self_signed(certificates.new_key(), NOW).public_bytes(Encoding.PEM)
    assert certificates.read_certificate(b"PRIVATE KE\n" + data, "x")
    with pytest.raises(errors.HoldsPrivateKey):
        certificates.read_certificate(b"PRIVATE KEY\n" + data, "x")


def test_signatures_are_checked_and_only_by_kinds_that_we_use() -> None:
    key = certificates.new_key()
    made = certificates.self_signed(key, NOW)
    signature = certificates.sign(key, b"data")
    assert certificates.signature_fits(made, signature, b"data") is True
    assert certificates.signature_fits(made, signature, b"date") is False
    assert certificates.signature_fits(made, b"", b"data") is False
    with pytest.raises(TypeError):
        certificates.sign(x25519.X25519PrivateKey.generate(), b"data")
    assert certificates.sign(ed25519.Ed25519PrivateKey.generate(), b"data")
    assert certificates.sign(rsa.generate_private_key(65537, 2048), b"data")


# --- guesses ---------------------------------------------------------------------------------------------------------


def failures(folder: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = json.loads((folder / "guesses.json").read_text())["failures"]
    return found


def used_up(folder: Path, at: float = 1000.0) -> Guesses:
    guesses = Guesses(folder)
    for _n in range(MOST):
        assert guesses.begin_try(ONE, at) is True
    return guesses


def test_n7_a_try_counts_for_an_hour_and_not_a_second_longer(tmp_path: Path) -> None:
    guesses = used_up(tmp_path)
    assert HOUR == 3600.0
    assert guesses.begin_try(ONE, 1000.0 + HOUR - 1) is False
    assert guesses.locked(ONE, 1000.0 + HOUR - 1) is True
    assert guesses.locked(ONE, 1000.0 + HOUR) is False
    assert guesses.begin_try(ONE, 1000.0 + HOUR) is True
    assert failures(tmp_path) == {ONE.hex(): [1000.0 + HOUR]}


def test_n7_a_refused_try_makes_nobody_wait_longer(tmp_path: Path) -> None:
    guesses = used_up(tmp_path)
    for n in range(10):
        assert guesses.begin_try(ONE, 1001.0 + n) is False
    assert failures(tmp_path) == {ONE.hex(): [1000.0] * MOST}


def test_n7_a_right_try_takes_back_the_last_one(tmp_path: Path) -> None:
    guesses = Guesses(tmp_path)
    guesses.begin_try(ONE, 1000.0)
    guesses.begin_try(OTHER, 1001.0)
    guesses.begin_try(ONE, 1002.0)
    guesses.succeeded(ONE, 1003.0)
    assert failures(tmp_path) == {ONE.hex(): [1000.0], OTHER.hex(): [1001.0]}
    guesses.succeeded(DeviceId(b"3" * 32), 1003.0)
    assert failures(tmp_path) == {ONE.hex(): [1000.0], OTHER.hex(): [1001.0]}


def test_n7_allowing_somebody_allows_nobody_else(tmp_path: Path) -> None:
    guesses = used_up(tmp_path)
    for _n in range(MOST):
        guesses.begin_try(OTHER, 1000.0)
    guesses.allow(ONE, 1001.0)
    assert (guesses.locked(ONE, 1001.0), guesses.locked(OTHER, 1001.0)) == (False, True)
    assert Guesses(tmp_path).locked(ONE, 1001.0) is False


def test_n7_times_to_come_count_from_now_and_that_is_written_down(tmp_path: Path) -> None:
    guesses = used_up(tmp_path, at=9000.0)
    assert guesses.locked(ONE, 1000.0) is True
    assert failures(tmp_path) == {ONE.hex(): [1000.0] * MOST}
    assert guesses.locked(ONE, 1000.0 + HOUR) is False


def test_n7_a_look_writes_nothing_that_has_not_changed(tmp_path: Path) -> None:
    guesses = used_up(tmp_path)
    before = (tmp_path / "guesses.json").stat().st_ino
    assert guesses.locked(ONE, 1000.0) is True
    assert (tmp_path / "guesses.json").stat().st_ino == before


def test_n7_a_damaged_counter_locks_everybody_for_an_hour(tmp_path: Path) -> None:
    (tmp_path / "guesses.json").write_bytes(b"{}")
    guesses = Guesses(tmp_path)
    assert guesses.locked(ONE, 1000.0) is True
    assert guesses.locked(OTHER, 1000.0 + HOUR - 1) is True
    assert guesses.locked(OTHER, 1000.0 + HOUR) is False
    assert len(guesses.take_notes()) == 1


@pytest.mark.parametrize(("size", "read"), [(4 * limits.MIB, True), (4 * limits.MIB + 1, False)])
def test_l1_a_counter_may_have_four_mebibytes(tmp_path: Path, size: int, read: bool) -> None:
    guesses = used_up(tmp_path)
    path = tmp_path / "guesses.json"
    path.write_bytes(path.read_bytes().ljust(size))
    assert guesses.locked(OTHER, 1000.0) is not read
    assert bool(guesses.take_notes()) is not read


# --- identity --------------------------------------------------------------------------------------------------------


def test_a_successor_is_made_ninety_days_before_the_end_to_the_second(tmp_path: Path) -> None:
    certs = home(tmp_path)
    first = open_identity(certs, NOW)
    ends = x509.load_pem_x509_certificate(first.pem).not_valid_after_utc
    assert identities.NEAR_END == 90 * DAY
    assert open_identity(certs, ends - 90 * DAY - SECOND).successor is None
    assert not (certs / "next-cert.pem").exists()
    near = open_identity(certs, ends - 90 * DAY)
    assert near.successor is not None
    assert near.fingerprint == fingerprint(near.id)
    assert near.successor.since == ends
    assert near.id == first.id
    assert near.ids == {first.id, device_id(near.successor.certificate)}
    assert open_identity(certs, ends).id == first.id
    assert open_identity(certs, ends + SECOND).id == device_id(near.successor.certificate)


def test_a_successor_begins_a_day_before_it_may_be_looked_for(tmp_path: Path) -> None:
    certs = home(tmp_path)
    ends = x509.load_pem_x509_certificate(open_identity(certs, NOW).pem).not_valid_after_utc
    for before in (90 * DAY, 10 * DAY, SECOND):
        for path in certs.glob("next-*.pem"):
            path.unlink()
        made = open_identity(certs, ends - before).successor
        assert made is not None
        found = x509.load_der_x509_certificate(made.certificate)
        assert found.not_valid_before_utc == ends - 91 * DAY
        assert found.not_valid_after_utc == ends - before + certificates.LIFE


def test_an_identity_is_valid_from_its_first_to_its_last_second(tmp_path: Path) -> None:
    certs = home(tmp_path)
    first = x509.load_pem_x509_certificate(open_identity(certs, NOW).pem)
    assert open_identity(certs, first.not_valid_before_utc).notes == ()
    [note] = open_identity(certs, first.not_valid_before_utc - SECOND).notes
    assert "not valid now" in note


def test_a_damaged_successor_is_made_anew_up_to_the_last_second(tmp_path: Path) -> None:
    certs = home(tmp_path)
    first = open_identity(certs, NOW)
    ends = x509.load_pem_x509_certificate(first.pem).not_valid_after_utc
    open_identity(certs, ends - DAY)
    (certs / "next-key.pem").write_bytes(b"damaged")
    again = open_identity(certs, ends)
    assert again.id == first.id
    assert again.successor is not None
    (certs / "next-key.pem").write_bytes(b"damaged")
    with pytest.raises(errors.SuccessorDamaged):
        open_identity(certs, ends + SECOND)


def test_what_is_wrong_with_an_identity_is_said(tmp_path: Path) -> None:
    certs = home(tmp_path)
    open_identity(certs, NOW)
    good = (certs / "cert.pem").read_bytes(), (certs / "key.pem").read_bytes()
    for file, content, words in (
        ("key.pem", b"damaged", "key.pem is not a key without password"),
        ("cert.pem", b"damaged", "cert.pem is not a certificate"),
        ("key.pem", certificates.key_pem(certificates.new_key()), "cert.pem does not belong to key.pem"),
    ):
        (certs / file).write_bytes(content)
        with pytest.raises(errors.IdentityDamaged, match=words):
            open_identity(certs, NOW)
        (certs / "cert.pem").write_bytes(good[0])
        (certs / "key.pem").write_bytes(good[1])
    assert open_identity(certs, NOW).pem == good[0]


def test_the_old_end_is_told_for_ninety_days(tmp_path: Path) -> None:
    certs = home(tmp_path)
    ends = x509.load_pem_x509_certificate(open_identity(certs, NOW).pem).not_valid_after_utc
    open_identity(certs, ends - DAY)
    assert len(open_identity(certs, ends + 90 * DAY).notes) == 1
    assert open_identity(certs, ends + 90 * DAY + SECOND).notes == ()
