"""Parses an address that a person types. No socket here, so faces can check their input."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from countersign.base import limits
from countersign.base.errors import BadAddress
from countersign.base.printable import printable


@dataclass(frozen=True)
class Address:
    """A host name or IP address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == limits.DEFAULT_PORT else f"{host}:{self.port}"


def parse_address(typed: str) -> Address:
    """HOST, HOST:PORT, [V6]:PORT or a bare V6. Raises BadAddress."""
    text = typed.strip()
    host, port = text, str(limits.DEFAULT_PORT)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadAddress(address=printable(typed))
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _colon, port = text.partition(":")
    if not _is_host(host) or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadAddress(address=printable(typed))
    return Address(host, int(port))


def _is_host(host: str) -> bool:
    if not host or len(host) > 253:
        return False
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        pass  # then a name, unless it looks like a number
    if ":" in host or all(c.isdigit() or c == "." for c in host):
        return False
    labels = host.rstrip(".").split(".")
    return all(
        0 < len(label) < 64
        and all(c.isalnum() or c in "-_" for c in label)
        and not (label.startswith("-") or label.endswith("-"))
        for label in labels
    )
