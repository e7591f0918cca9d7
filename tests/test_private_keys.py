"""What counts as somebody's private key: every form that programs write, broken ones and locked ones too, and what is none."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from countersign.trust.private_keys import holds_key, may_hold_key, public_half, public_halves

KEY = ec.generate_private_key(ec.SECP256R1())
LOCK = BestAvailableEncryption(b"secret")
FORMS = {
    "PKCS 8 in PEM": (Encoding.PEM, PrivateFormat.PKCS8),
    "SEC 1 in PEM": (Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    "OpenSSH": (Encoding.PEM, PrivateFormat.OpenSSH),
    "PKCS 8 in DER": (Encoding.DER, PrivateFormat.PKCS8),
    "SEC 1 in DER": (Encoding.DER, PrivateFormat.TraditionalOpenSSL),
}


def written(form: str, lock: KeySerializationEncryption) -> bytes:
    encoding, kind = FORMS[form]
    return KEY.private_bytes(encoding, kind, lock)


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_known_in_every_form_and_so_is_its_public_half(form: str) -> None:
    data = written(form, NoEncryption())
    assert holds_key(data) is True
    assert holds_key(bytearray(data)) is True
    assert public_halves(data) == {public_half(KEY.public_key())}
    assert public_half(KEY.public_key()) == KEY.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("form", ["PKCS 8 in PEM", "PKCS 8 in DER", "OpenSSH"])
def test_a_key_with_a_password_is_a_key_without_a_half_that_can_be_read(form: str) -> None:
    if form == "OpenSSH":
        pytest.importorskip("bcrypt")
    data = written(form, LOCK)
    assert holds_key(data) is True
    assert public_halves(data) == frozenset()


def test_every_key_of_a_file_is_found() -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    third = rsa.generate_private_key(65537, 2048)
    data = b"words before\n" + b"and between\n".join(
        [
            written("OpenSSH", NoEncryption()),
            other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            b"-----BEGIN PRIVATE KEY-----\nbroken\n-----END PRIVATE KEY-----\n",
            third.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        ]
    )
    assert public_halves(data) == {public_half(key.public_key()) for key in (KEY, other, third)}


@pytest.mark.parametrize(
    "data",
    [
        b"-----BEGIN PRIVATE KEY-----\nbroken",
        b"PuTTY-User-Key-File-3: ssh-ed25519\nComment: x",
        b"-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_a_broken_or_foreign_key_is_one_without_a_half(data: bytes) -> None:
    assert holds_key(data) is True
    assert public_halves(data) == frozenset()


@pytest.mark.parametrize(
    "data", [b"", b"0", b"0\x82", b"\x30" * 60, b"x PuTTY-User-Key-File-3", b"PUBLIC KEY", b"private key", b"\x31" * 60]
)
def test_what_is_no_key(data: bytes) -> None:
    assert holds_key(data) is False
    assert public_halves(data) == frozenset()


def test_a_public_key_is_none() -> None:
    for encoding in (Encoding.DER, Encoding.PEM):
        data = KEY.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        assert holds_key(data) is False


@pytest.mark.parametrize(
    ("name", "worth"),
    [("a.pem", True), ("a.PEM", True), ("id_rsa", True), ("id_rsa.pub", True), ("secret", True), (".key", True), ("a.p8", True),
     ("a.pk8", True), ("a.der", True), ("a.ppk", True), ("a.key", True), ("a.txt", False), ("a.pem.txt", False), ("pem.", False)],
)  # fmt: skip
def test_which_names_are_worth_a_look(name: str, worth: bool) -> None:
    assert may_hold_key(name, 200) is worth


@pytest.mark.parametrize(("size", "worth"), [(39, False), (40, True), (65536, True), (65537, False)])
def test_which_sizes_are_worth_a_look(size: int, worth: bool) -> None:
    assert may_hold_key("a.pem", size) is worth
