"""The running receiver seen from outside, by third-party tools: `openssl s_client` and sslyze; for the code, bandit and pip-audit.

Expected: TLS 1.3 and nothing older, not a byte without a pinned certificate, no resumption, no early data, no renegotiation, no
compression. sslyze, bandit and pip-audit run in their own environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign.places.home import Home
from countersign.profile import open_profile
from tests.long.environments import ROOT, NotHereError, environment
from tests.long.figures import Figure
from tests.programs import Program
from tests.transfers import Couple, introduce, make_couple

TOOLS = ("sslyze==6.3.1", "bandit==1.9.4", "pip-audit==2.10.1")
# asserts are for our own bugs; the only programs started are our own Python and the system's file manager, without a shell
EXPLAINED = "B101,B404,B603,B606"
_NO_RESUMPTION = frozenset({"NOT_SUPPORTED", "SERVER_IS_TLS_1_3_ONLY"})
_OLD = ("-tls1", "-tls1_1", "-tls1_2")


@dataclass(frozen=True)
class Door:
    """A running receiver, and a contact of it."""

    couple: Couple
    port: int

    @property
    def pinned(self) -> tuple[str, ...]:
        certs = self.couple.alice.home.certs
        return "-cert", str(certs / "cert.pem"), "-key", str(certs / "key.pem")


@contextlib.contextmanager
def running_receiver() -> Iterator[Door]:
    """A receiver as people start it, in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        couple = make_couple(Path(folder))
        arguments = ("--bind", "127.0.0.1", "--port", "0", "--into", str(couple.into), "--keep-listening")
        with Program("receiver", *arguments, home=couple.bob.home.root) as bob:
            yield Door(couple, int(bob.until("listening")["port"]))


def s_client(door: Door, *arguments: str) -> tuple[str, bytes]:
    """(what openssl reports of the connection, the bytes that the receiver sent inside TLS)."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{door.port}", "-ign_eof", *arguments]
    try:
        told = subprocess.run(
            [*command, "-quiet"], capture_output=True, check=False, timeout=30, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as late:  # the receiver waits for our hello as long as it would for a person
        return _text(late.stderr), late.stdout or b""
    return _text(told.stderr), told.stdout


def _text(data: bytes | None) -> str:
    return (data or b"").decode(errors="replace")


def _connected(door: Door, *arguments: str) -> str:
    """Everything openssl prints about a connection that it closes at once."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{door.port}", *arguments]
    done = subprocess.run(command, input=b"Q\n", capture_output=True, check=False, timeout=30)
    return _text(done.stdout + done.stderr)


def by_openssl(door: Door) -> list[str]:
    """What openssl finds wrong."""
    wrong = []
    for version in _OLD:
        said = _connected(door, version, *door.pinned)
        if "Cipher is (NONE)" not in said and "Cipher    : 0000" not in said:
            wrong.append(f"{version} is spoken")
        if "-----BEGIN CERTIFICATE-----" in said:
            wrong.append(f"{version} gets a certificate")
    said = _connected(door, "-tls1_3", *door.pinned)
    for expected in ("New, TLSv1.3", "Compression: NONE"):
        if expected not in said:
            wrong.append(f"a pinned peer does not see “{expected}”")
    if "New Session Ticket" in said or "Reused" in said:
        wrong.append("a session can be resumed")
    if "Early data was not sent" not in said and "Max Early Data" in said:
        wrong.append("early data is offered")
    return wrong + _nothing_for_strangers(door)


def _nothing_for_strangers(door: Door) -> list[str]:
    stranger = open_profile(Home(door.couple.root / "stranger"))
    introduce(stranger, door.couple.bob, "bob")
    certs = stranger.home.certs
    own = ("-cert", str(certs / "cert.pem"), "-key", str(certs / "key.pem"))
    wrong = []
    for who, arguments in {"without a certificate": (), "with a stranger's certificate": own}.items():
        said, data = s_client(door, "-tls1_3", *arguments)
        if data:
            wrong.append(f"{len(data)} bytes are told to somebody {who}")
        if "alert" not in said:
            wrong.append(f"somebody {who} is not told by an alert: {said[-200:]}")
    return wrong


def by_sslyze(door: Door, programs: Path) -> list[str]:
    """What sslyze finds wrong."""
    certs = door.couple.alice.home.certs
    report = door.couple.root / "sslyze.json"
    scans = (
        "sslv2",
        "sslv3",
        "tlsv1",
        "tlsv1_1",
        "tlsv1_2",
        "tlsv1_3",
        "compression",
        "reneg",
        "resum",
        "early_data",
        "heartbleed",
    )
    command = [str(programs / "sslyze"), *(f"--{scan}" for scan in scans), "--cert", str(certs / "cert.pem"),
               "--key", str(certs / "key.pem"), "--json_out", str(report), f"127.0.0.1:{door.port}"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if not report.exists():
        return [f"sslyze gave no report: {(done.stdout + done.stderr)[-300:]}"]
    [scanned] = json.loads(report.read_text())["server_scan_results"]
    if scanned["scan_status"] != "COMPLETED":
        return [f"sslyze: {scanned['scan_status']} {scanned.get('connectivity_error_trace')}"]
    return _judge(scanned["scan_result"])


def _judge(found: dict[str, Any]) -> list[str]:
    wrong = []
    for scan, outcome in found.items():
        if scan.endswith("_cipher_suites"):
            spoken = bool(outcome["result"] and outcome["result"]["accepted_cipher_suites"])
            if spoken != (scan == "tls_1_3_cipher_suites"):
                wrong.append(f"sslyze: {scan} {'accepted' if spoken else 'refused'}")
    yes = {
        "tls_compression": "supports_compression", "tls_1_3_early_data": "supports_early_data", "heartbleed": "is_vulnerable_to_heartbleed",
        "session_renegotiation": "is_vulnerable_to_client_renegotiation_dos",
    }  # fmt: skip
    wrong += [f"sslyze: {scan}" for scan, key in yes.items() if found[scan]["result"] and found[scan]["result"][key]]
    resumed = found["session_resumption"]["result"] or {}
    for kind in ("session_id", "tls_ticket"):
        if resumed.get(f"{kind}_resumption_result", "NOT_SUPPORTED") not in _NO_RESUMPTION:
            wrong.append(f"sslyze: {kind} resumption {resumed[f'{kind}_resumption_result']}")
    return wrong


def by_bandit(programs: Path) -> list[str]:
    command = [
        str(programs / "bandit"),
        "-q",
        "-r",
        "countersign",
        "sender.py",
        "receiver.py",
        "-s",
        EXPLAINED,
        "-f",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return [
        f"bandit: {item['test_id']} {item['filename']}:{item['line_number']}"
        for item in json.loads(done.stdout)["results"]
    ]


def by_pip_audit(programs: Path) -> tuple[list[str], str]:
    """(known weaknesses of the pinned packages, how many could be looked up)."""
    command = [str(programs / "pip-audit"), "-r", "requirements.txt", "--require-hashes", "--disable-pip", "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    with contextlib.suppress(ValueError):
        listed = json.loads(done.stdout)["dependencies"]
        looked_up = [item for item in listed if "skip_reason" not in item]
        wrong = [f"pip-audit: {item['name']} {weak['id']}" for item in looked_up for weak in item["vulns"]]
        return wrong, f"pip-audit could look up {len(looked_up)} of {len(listed)} packages"
    return [], "pip-audit could look up nothing"


def run(runs: int | None, first: int = 0) -> Figure:
    """Runs all tools; with `runs`, openssl alone."""
    if shutil.which("openssl") is None:
        return Figure("openssl is not on this computer", False, skipped=True)
    words = ["openssl s_client"]
    with running_receiver() as door:
        wrong = by_openssl(door)
        if runs is None:
            try:
                programs = environment("outside", *TOOLS)
            except NotHereError as error:
                return Figure(str(error), False, skipped=True)
            wrong += by_sslyze(door, programs) + by_bandit(programs)
            known, said = by_pip_audit(programs)
            wrong += known
            words += ["sslyze", "bandit", said]
    return Figure(f"{', '.join(words)}: {'as expected' if not wrong else os.linesep.join(wrong)}", not wrong)
