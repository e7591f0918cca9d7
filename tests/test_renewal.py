"""The old key's word for a new certificate: what is signed, and what a renewal cannot bring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base import errors, limits
from countersign.transport.tls import loads_as_anchor
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId, device_id
from countersign.trust.identity import open_identity
from countersign.trust.renewal import Renewal, check_renewal, make_renewal
from tests.renewals import NOW, der_of, home, own_pair, signed_anyhow


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
