"""Bytes through Python's TLS and nothing else: `send PORT FOLDER SIZE` or `receive FOLDER SIZE`, each in its own process.

Both ends reuse one buffer; nothing is read from a disk and nothing is kept. This is the limit of the stack below us.
"""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path

_BLOCK = 1 << 18


def context(folder: Path, *, listening: bool) -> ssl.SSLContext:
    """TLS 1.3 with a certificate on both sides."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if listening else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    made.load_verify_locations(folder / "cert.pem")
    return made


def receive(folder: Path, size: int) -> None:
    """Prints its port on standard output, then reads `size` bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        raw, _address = listener.accept()
        with context(folder, listening=True).wrap_socket(raw, server_side=True) as stream:
            buffer = memoryview(bytearray(_BLOCK))
            while size > 0:
                count = stream.recv_into(buffer)
                if not count:
                    raise SystemExit("it ended too early")
                size -= count
            stream.send(b"1")


def send(port: int, folder: Path, size: int) -> None:
    """Sends `size` bytes and waits until they were read."""
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context(folder, listening=False).wrap_socket(raw) as stream:
            block = memoryview(bytearray(_BLOCK))
            while size > 0:
                size -= stream.send(block[: min(_BLOCK, size)])
            stream.recv(1)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    else:
        receive(Path(sys.argv[2]), int(sys.argv[3]))
