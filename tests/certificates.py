"""Certificates made by hand."""

from __future__ import annotations

import datetime

from cryptography import x509

from countersign.trust import certificate as certificates

NOW = datetime.datetime.now(datetime.timezone.utc)


def a_certificate() -> x509.Certificate:
    return certificates.self_signed(certificates.new_key(), NOW)
