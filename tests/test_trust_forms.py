"""Certificates, fingerprints and counted guesses at their edges: every date at its last second, every count at its last try."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from countersign.base import errors, limits
from countersign.trust import certificate as certificates, identity as identities
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint
from countersign.trust.guesses import HOUR, Guesses
from countersign.trust.identity import open_identity
from countersign.trust.peers import LONGEST_NAME, MOST_NAME_BYTES, PeerStore
from tests.test_trust import NOW, home, store

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
    assert near.successor.since == ends
    assert near.id == first.id
    assert near.ids == {first.id, device_id(near.successor.certificate)}
    assert open_identity(certs, ends).id == first.id
    assert open_identity(certs, ends + SECOND).id == device_id(near.successor.certificate)


def test_the_old_end_is_told_for_ninety_days(tmp_path: Path) -> None:
    certs = home(tmp_path)
    ends = x509.load_pem_x509_certificate(open_identity(certs, NOW).pem).not_valid_after_utc
    open_identity(certs, ends - DAY)
    assert len(open_identity(certs, ends + 90 * DAY).notes) == 1
    assert open_identity(certs, ends + 90 * DAY + SECOND).notes == ()


# --- people ----------------------------------------------------------------------------------------------------------


def given(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(certificates.self_signed(certificates.new_key(), NOW).public_bytes(Encoding.PEM))
    return path


def added(people: PeerStore, folder: Path, name: str) -> str:
    return people.add(people.examine(given(folder, "given.pem"), NOW), name).name


@pytest.mark.parametrize(
    "name", ["x" * LONGEST_NAME, "\u5199" * (MOST_NAME_BYTES // 3), "a", " a ", "O'Neil (2) & Co., x-y_z+.w"]
)
def test_names_that_people_may_have(tmp_path: Path, name: str) -> None:
    _own, people = store(home(tmp_path))
    assert added(people, tmp_path, name) == name.strip()
    assert (LONGEST_NAME, MOST_NAME_BYTES) == (60, 120)


@pytest.mark.parametrize(
    "name", ["x" * (LONGEST_NAME + 1), "\u5199" * (MOST_NAME_BYTES // 3 + 1), "", " ", ".a", "a.", "a/b", "a\0"]
)
def test_names_that_nobody_may_have(tmp_path: Path, name: str) -> None:
    _own, people = store(home(tmp_path))
    with pytest.raises(errors.BadName):
        added(people, tmp_path, name)
    assert people.all() == []


@pytest.mark.parametrize(
    ("file", "suggested"),
    [("carol.pem", "carol"), ("a:b.pem", "a-b"), ("...pem", "peer"), (" .x. .pem", "x"), ("y" * 70 + ".pem", "y" * 56),
     ("\u5199" * 50 + ".pem", "\u5199" * 38)],
)  # fmt: skip
def test_names_that_are_suggested(tmp_path: Path, file: str, suggested: str) -> None:
    _own, people = store(home(tmp_path))
    assert people.examine(given(tmp_path, file), NOW).suggested == suggested


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    for expected in ("Carol", "Carol 2", "Carol 3"):
        assert people.add(people.examine(given(tmp_path, "Carol.pem"), NOW)).name == expected
    assert people.examine(given(tmp_path, "cAROL.pem"), NOW).suggested == "cAROL 4"


def test_renaming_to_ones_own_name_in_another_case_is_no_clash(tmp_path: Path) -> None:
    _own, people = store(home(tmp_path))
    added(people, tmp_path, "carol")
    added(people, tmp_path, "dave")
    renamed = people.rename(people.by_name("carol"), " CAROL ")
    assert (renamed.name, renamed.path.name) == ("CAROL", "CAROL.pem")
    with pytest.raises(errors.NameTaken):
        people.rename(renamed, "Dave")
    assert {peer.name for peer in people.all()} == {"CAROL", "dave"}
