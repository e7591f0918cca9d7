"""Makes and reads certificates: plain functions, no files.

The profile: P-256, CA:FALSE, digitalSignature, both extended usages, key identifiers, a unique subject per device.
(With equal subjects and no key identifiers, OpenSSL tries only the first of several pinned peers.)
"""

from __future__ import annotations

import datetime
import secrets

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, PublicKeyAlgorithmOID

from countersign.base.errors import (
    CertificateExpired,
    HoldsPrivateKey,
    NotACertificate,
    UnsupportedKey,
    WeakCertificate,
)
from countersign.base.limits import CERTIFICATE_FILE_CAP

LIFE = datetime.timedelta(days=365 * 50)
BACKDATED = datetime.timedelta(days=1)  # a slightly wrong clock must not refuse a new certificate
SMALLEST_RSA = 2048
LARGEST_RSA = 8192  # signing with a larger key takes seconds
SMALLEST_CURVE = 256
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)  # the only ones in RFC 8446, 4.2.3


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new device key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def self_signed(
    key: ec.EllipticCurvePrivateKey, now: datetime.datetime, since: datetime.datetime | None = None
) -> x509.Certificate:
    """A self-signed certificate for this key, valid from a day ago or from `since`. Times are aware."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Countersign {secrets.token_hex(8)}")])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or now - BACKDATED)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_only(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(key_identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False)
    )
    return builder.sign(key, SHA256())


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def read_certificate(data: bytes, file: str) -> x509.Certificate:
    """The single certificate in a file's content, PEM or DER. `file` is the name for the error text.

    Raises HoldsPrivateKey, NotACertificate or WeakCertificate. `check_dates` checks the dates.
    """
    return read_certificates(data, file, most=1)[0]


def read_certificates(data: bytes, file: str, most: int) -> list[x509.Certificate]:
    """The certificates in a file's content, one to `most`. Raises like `read_certificate`."""
    if len(data) > CERTIFICATE_FILE_CAP:
        raise NotACertificate(file=file)
    if b"PRIVATE KEY" in data:
        raise HoldsPrivateKey(file=file)
    try:
        found = (
            x509.load_pem_x509_certificates(data) if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]
        )
    except (ValueError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        raise NotACertificate(file=file) from error
    if not 1 <= len(found) <= most:
        raise NotACertificate(file=file)
    for certificate in found:
        _check_key(certificate, file)
    return found


def _check_key(certificate: x509.Certificate, file: str) -> None:
    """Refuses a key that is too weak, that TLS 1.3 cannot sign with, or that we do not use for receipts."""
    try:
        key = certificate.public_key()
    except Exception as error:  # cryptography raises several kinds, depending on the unknown curve or algorithm
        raise WeakCertificate(file=file) from error
    if isinstance(key, rsa.RSAPublicKey):
        weak = key.key_size < SMALLEST_RSA
        # an RSASSA-PSS-only key may be bound to a hash that TLS 1.3 lacks, and must not sign receipts (RFC 4055, 1.2)
        fits = key.key_size <= LARGEST_RSA and (
            certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5
        )
    elif isinstance(key, ec.EllipticCurvePublicKey):
        weak, fits = key.curve.key_size < SMALLEST_CURVE, isinstance(key.curve, CURVES)
    else:
        weak, fits = False, isinstance(key, ed25519.Ed25519PublicKey)
    if weak:
        raise WeakCertificate(file=file)
    if not fits:
        raise UnsupportedKey(file=file)


def is_device_alone(certificate: x509.Certificate) -> bool:
    """Whether it declares that it vouches for no other certificate, as ours do."""
    try:
        return not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False


def check_dates(certificate: x509.Certificate, now: datetime.datetime, file: str) -> None:
    """Raises CertificateExpired if `now` (aware) is outside its dates."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateExpired(file=file)


def signature_fits(certificate: x509.Certificate, signature: bytes, data: bytes) -> bool:
    """Whether this certificate's device signed these bytes."""
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def sign(key: object, data: bytes) -> bytes:
    """Signs these bytes for this device. Raises TypeError for a kind of key that we do not use."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    raise TypeError("a device key is EC, RSA or Ed25519")
