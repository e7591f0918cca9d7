"""The terminal face of both programs, as processes with the real key derivation: events, exit codes, no secrets left."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.seal.keytext import new_key
from tests.cli_pair import receiver, sender
from tests.programs import Program, command
from tests.transfers import Couple, introduce, make_couple, snapshot


def test_a_whole_transfer_and_every_promised_event(pair: Couple) -> None:
    bob, listening = receiver(pair)
    assert set(listening) >= {"addresses", "port", "code", "fingerprint"}
    assert re.fullmatch(r"\d{4}", str(listening["code"]))
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    key = alice.until("key")
    sealed = bob.until("offer")
    assert (sealed["name"], sealed["files"], sealed["bytes"]) == (None, None, None)
    bob.until("need_key")
    bob.say(new_key())
    assert bob.until("key_wrong")["tries_left"] == 4
    bob.say(str(key["key"]).lower())
    offer = bob.until("offer")
    assert offer["name"] == "SEND_FOLDER"
    bob.until("list")
    bob.say("y")
    done = [program.until("done") for program in (alice, bob)]
    assert (alice.end(), bob.end()) == (0, 0)
    for event in done:
        assert set(event) >= {"path", "files", "bytes", "wire_bytes", "seconds", "skipped", "receipt"}
        assert event["files"] == offer["files"]
    names = [{event["event"] for event in program.events} for program in (alice, bob)]
    assert names[0] >= {"scanning", "connected", "ready", "key", "waiting", "progress", "done"}
    assert names[1] >= {"listening", "connected", "offer", "need_key", "key_wrong", "progress", "done"}
    assert snapshot(pair.into) == snapshot(pair.folder)
    progress = next(event for event in alice.events if event["event"] == "progress")
    assert set(progress) >= {"bytes_done", "bytes_total", "files_done", "files_total", "rate", "eta"}
    _no_secret_left(pair, [str(listening["code"]), str(key["key"]), str(key["key"]).replace("-", "")], [alice, bob])


def _no_secret_left(pair: Couple, secrets: list[str], programs: list[Program]) -> None:
    """D3: no secret in any file, in what was logged, or in argv."""
    # Four digits stand inside a port number or a time by chance: only a number of its own is the code.
    alone = re.compile("|".join(rf"(?<![\w.]){re.escape(secret)}(?!\w)" for secret in secrets))
    for program in programs:
        assert not alone.search(program.errors)
        assert not alone.search(" ".join(program.command).replace(str(pair.root), ""))
    long = [secret.encode() for secret in secrets if len(secret) > 4]
    for root in (pair.alice.home.root, pair.bob.home.root):
        for path in root.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not [secret for secret in long if secret in content], path


def test_accept_asks_for_the_key_only(pair: Couple) -> None:
    bob, listening = receiver(pair, "--accept")
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    key = alice.until("key")["key"]
    bob.until("need_key")
    bob.say(str(key))
    assert (alice.end(), bob.end()) == (0, 0)


def test_answers_may_be_there_before_their_questions(pair: Couple) -> None:
    bob, listening = receiver(pair)
    bob.say("y")
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    bob.say(str(alice.until("key")["key"]))
    assert (alice.end(), bob.end()) == (0, 0)


@pytest.mark.parametrize("how", ["n", "end of input"])
def test_declined(pair: Couple, how: str) -> None:
    bob, listening = receiver(pair)
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    bob.until("offer")
    if how == "n":
        bob.say("n")
    else:
        bob.hang_up()
    assert (alice.end(), bob.end()) == (6, 6)
    assert alice.events[-1]["code"] == "declined"
    assert not pair.into.exists()


@pytest.mark.once
def test_a_wrong_code(pair: Couple) -> None:
    bob, listening = receiver(pair)
    wrong = f"{(int(str(listening['code'])) + 1) % 10000:04d}"
    alice = sender(pair, listening["port"])
    for left in (2, 1, 0):
        alice.say(wrong)
        assert alice.until("code_wrong")["tries_left"] == left
        assert bob.until("code_wrong")["tries_left"] == left
    assert alice.end() == 5
    again = bob.until("listening")
    assert again["port"] == listening["port"]
    bob.interrupt()
    assert bob.end() == 6
    assert pair.visible() == []


@pytest.mark.parametrize(("typed", "code"), [("0000", 5), ("12", 2), (None, 6)])
def test_no_more_input_for_the_code(pair: Couple, typed: str | None, code: int) -> None:
    bob, listening = receiver(pair)
    alice = sender(pair, listening["port"])
    if typed is not None:
        alice.say("1111" if typed == listening["code"] else typed)
    alice.hang_up()
    assert alice.end() == code
    bob.interrupt()
    assert bob.end() == 6


@pytest.mark.once
def test_wrong_keys_only(pair: Couple) -> None:
    bob, listening = receiver(pair, "--accept")
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    for _n in range(5):
        bob.until("need_key")
        bob.say(new_key())
    assert (alice.end(), bob.end()) == (6, 6)
    assert [event["tries_left"] for event in bob.events if event["event"] == "key_wrong"] == [4, 3, 2, 1, 0]
    assert pair.visible() == []


def test_a_stranger(pair: Couple, tmp_path: Path) -> None:
    stranger = open_profile(Home(tmp_path / "stranger"))
    introduce(stranger, pair.bob, "bob")
    (stranger.home.send_folder / "x").write_text("x")
    bob, listening = receiver(pair)
    with Program("sender", "--to", f"127.0.0.1:{listening['port']}", home=stranger.home.root) as mallory:
        assert mallory.process.wait(60) == 4
        mallory.end()
        assert mallory.events[-1]["code"] == "they_do_not_trust_us"
    bob.until("stranger_refused")
    bob.interrupt()
    assert bob.end() == 6


def test_a_receiver_that_is_not_ones_peer(pair: Couple, tmp_path: Path) -> None:
    other = open_profile(Home(tmp_path / "other"))
    introduce(other, pair.alice, "alice")
    with Program("receiver", "--bind", "127.0.0.1", "--port", "0", home=other.home.root) as bob:
        port = bob.until("listening")["port"]
        alice = sender(pair, port)
        assert alice.end() == 4
        assert alice.events[-1]["code"] == "not_trusted"


def test_not_reachable(pair: Couple) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    alice = Program("sender", "--to", f"127.0.0.1:{port}", home=pair.alice.home.root, stdin=False)
    assert alice.end() == 3
    assert alice.events[-1] == {
        "event": "error",
        "code": "unreachable",
        "message": f"Nobody answers at 127.0.0.1:{port}.",
        "hint": "Is the receiver open there, on the same network, and let through by its firewall?",
    }


def test_nobody_among_ones_people(tmp_path: Path) -> None:
    result = command("sender", "--json", "--to", "127.0.0.1:9", home=tmp_path / "x")
    assert result.returncode == 4
    assert json.loads(result.stdout.splitlines()[-1])["code"] == "no_peers"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--cli"], 2, "--to is needed"),
        (["--cli", "--to", "1.2.3"], 2, "is not an address"),
        (["--cli", "--to", "127.0.0.1", "--peer", "nobody"], 2, "nobody called"),
        (["--cli", "--to", "127.0.0.1:9", "--folder", "/no/such/folder"], 9, "There is no folder"),
        (["--nonsense"], 2, "nonsense"),
        (["--name", "x", "--peers"], 2, "--name goes with"),
        (["--verify-receipt", "a", "b", "c"], 2, "a file and perhaps a folder"),
        (["--forget", "nobody"], 2, "nobody called"),
        (["--import-cert", "/no/such/file"], 9, "cannot be used"),
        (["--verify-receipt", "/no/such/file"], 9, "cannot be used"),
        (["--cli", "--to", "no-such-host.invalid"], 3, "no computer called"),
        (["--export-cert", "/no/such/folder/x.pem"], 9, "cannot be used"),
        (["--cli", "--port", "1"], 2, "port"),
    ],
)
def test_what_can_not_be_done_says_so(pair: Couple, arguments: list[str], code: int, text: str) -> None:
    result = command("sender", *arguments, home=pair.alice.home.root)
    assert result.returncode == code
    assert text in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3


def test_an_empty_folder(tmp_path: Path) -> None:
    pair = make_couple(tmp_path)
    result = command("sender", "--cli", "--to", "127.0.0.1:9", home=pair.alice.home.root)
    assert result.returncode == 9
    assert "nothing in" in result.stderr


def test_a_port_that_is_taken(pair: Couple) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        result = command("receiver", "--json", "--bind", "127.0.0.1", "--port", port, home=pair.bob.home.root)
    assert result.returncode == 3
    event = json.loads(result.stdout.splitlines()[-1])
    assert event["code"] == "port_taken"
    assert port in event["message"]
    assert "is free" in event["hint"]


def test_certificates_and_people(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    file = tmp_path / "one.pem"
    assert command("sender", "--export-cert", str(file), home=one).returncode == 0
    shown = command("receiver", "--export-cert", "-", home=one)
    assert shown.stdout == file.read_text()
    assert "PRIVATE" not in shown.stdout
    added = command("receiver", "--json", "--import-cert", str(file), "--name", "Aunt Ada", home=other)
    assert added.returncode == 0
    fingerprint = json.loads(added.stdout)["fingerprint"]
    mine = [json.loads(line) for line in command("sender", "--json", "--peers", home=one).stdout.splitlines()]
    assert mine == [{"event": "self", "fingerprint": fingerprint}]
    theirs = [json.loads(line) for line in command("sender", "--json", "--peers", home=other).stdout.splitlines()]
    assert {"event": "peer", "name": "Aunt Ada", "fingerprint": fingerprint} in theirs
    again = command("sender", "--import-cert", str(file), home=other)
    assert again.returncode == 0
    assert "Aunt Ada" in again.stdout
    key = command("sender", "--import-cert", str(one / "certs" / "key.pem"), home=other)
    assert key.returncode == 4
    assert "private key" in key.stderr
    assert command("sender", "--forget", "aunt ada", home=other).returncode == 0
    assert "Aunt Ada" not in command("sender", "--peers", home=other).stdout


@pytest.mark.once
def test_receipts_are_verified(pair: Couple) -> None:
    bob, listening = receiver(pair, "--accept")
    alice = sender(pair, listening["port"])
    alice.say(str(listening["code"]))
    bob.say(str(alice.until("key")["key"]))
    receipt = str(alice.until("done")["receipt"])
    assert (alice.end(), bob.end()) == (0, 0)
    home = pair.alice.home.root
    good = command("sender", "--verify-receipt", receipt, str(pair.folder), home=home)
    assert good.returncode == 0
    assert "received by bob" in good.stdout
    assert "Both have signed it" in good.stdout
    sums = pair.root / "sums"
    lists = command("receiver", "--verify-receipt", receipt, str(pair.into), "--export-checksums", str(sums), home=home)
    assert lists.returncode == 0
    assert (
        len(sums.read_text().splitlines())
        == json.loads(command("sender", "--json", "--verify-receipt", receipt, home=home).stdout)["files"]
    )
    assert "all of this, unchanged" in good.stdout
    assert "this computer" in command("receiver", "--verify-receipt", receipt, home=pair.bob.home.root).stdout
    (pair.into / "run.sh").write_text("#!/bin/sh\nrm\n")
    (pair.into / "empty").unlink()
    bad = command("sender", "--json", "--verify-receipt", receipt, str(pair.into), home=home)
    assert bad.returncode == 8
    assert {item["path"] for item in json.loads(bad.stdout)["differing"]} == {"run.sh", "empty"}
    forged = Path(receipt).with_name("forged.receipt")
    forged.write_bytes(Path(receipt).read_bytes().replace(b"run.sh", b"ran.sh"))
    assert command("sender", "--verify-receipt", str(forged), home=home).returncode == 8
    command("sender", "--forget", "bob", home=home)
    assert command("sender", "--verify-receipt", receipt, home=home).returncode == 4
