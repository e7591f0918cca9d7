"""A new certificate replaces one that expires: the old key signs it, and peers that pinned the old one accept it.

Pure: no file, no clock. The statement names both certificates, so it is valid for no other person or certificate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base.errors import OwnCertificate, RenewalRefused, UnusableCertificate
from countersign.base.i18n import _
from countersign.base.limits import RENEWAL_CAP, SIGNATURE_CAP
from countersign.trust.certificate import is_device_alone, read_certificate, sign, signature_fits
from countersign.trust.fingerprint import DeviceId, device_id

_LABEL = b"countersign/1 renewal\0"


class Renewal(msgspec.Struct, frozen=True):
    """The new certificate in DER, and the old key's signature over `statement`."""

    certificate: Annotated[bytes, msgspec.Meta(min_length=1, max_length=RENEWAL_CAP)]
    signature: Annotated[bytes, msgspec.Meta(min_length=1, max_length=SIGNATURE_CAP)]


def statement(old: bytes, new: bytes) -> bytes:
    """The signed bytes: they state that certificate `new` follows `old`, both in DER."""
    return _LABEL + hashlib.sha256(old).digest() + hashlib.sha256(new).digest()


def make_renewal(old_key: object, old: bytes, new: bytes) -> Renewal:
    """Signs the new certificate with the old key."""
    return Renewal(new, sign(old_key, statement(old, new)))


def check_renewal(
    pinned: x509.Certificate, renewal: Renewal, own: Collection[DeviceId], usable: Callable[[bytes], bool]
) -> x509.Certificate:
    """The new certificate of the person with this pinned one. own, usable: as for PeerStore.

    Raises RenewalRefused, OwnCertificate, or what `read_certificate` raises. TLS checks the dates at each connection.
    """
    new = renewal.certificate
    if len(new) > RENEWAL_CAP or len(renewal.signature) > SIGNATURE_CAP:
        raise RenewalRefused(detail=_("it is too large"))
    if not signature_fits(pinned, renewal.signature, statement(pinned.public_bytes(Encoding.DER), new)):
        raise RenewalRefused(detail=_("it is not signed with the key of the certificate that you have"))
    file = _("the new certificate")
    certificate = read_certificate(new, file)
    if certificate.public_bytes(Encoding.DER) != new:
        raise RenewalRefused(detail=_("it is not in the form that is sent"))
    if device_id(new) in own:
        raise OwnCertificate(file=file)
    if not is_device_alone(certificate):
        raise RenewalRefused(detail=_("it could vouch for others"))
    if not usable(certificate.public_bytes(Encoding.PEM)):
        raise UnusableCertificate(file=file)
    return certificate
