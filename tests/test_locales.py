"""L1: file names and locales that are not UTF-8: the right bytes on the disk, or a sentence; never a bug."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from countersign import console
from countersign.cli.commands import show_interrupted
from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.ui.preferences import PreferenceStore
from tests.programs import ROOT, Program
from tests.transfers import Couple, Exchange, fill, interrupt, make_couple, snapshot
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems know no names but text")

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = "en_US.ISO-8859-1"
ODD = os.fsdecode(b"caf\xc3\xa9 \xff\xfe")
LOCALES = ["utf8", "ascii", "latin"]


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for a Latin-1 locale. It is built here, because few computers still have one."""
    if not shutil.which("localedef"):
        pytest.skip("no localedef to make a Latin-1 locale with")
    made = tmp_path_factory.mktemp("locales")
    command = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(made / LATIN)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("localedef lacks its sources here")
    return {"LOCPATH": str(made), "LC_ALL": LATIN, "PYTHONUTF8": "0"}


@pytest.fixture(params=LOCALES)
def locale(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "latin":
        found: dict[str, str] = request.getfixturevalue("latin")
        return found
    return ASCII if request.param == "ascii" else {"LC_ALL": "C.UTF-8"}


def run(role: str, *arguments: str, environment: dict[str, str]) -> tuple[int, bytes, bytes]:
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("LC_", "LANG", "PYTHON", "DISPLAY", "WAYLAND"))}
    done = subprocess.run(
        [sys.executable, str(ROOT / f"{role}.py"), *arguments], env={**clean, **environment}, capture_output=True,
        timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert b"Traceback" not in told, told
    assert b'"bug"' not in told, told
    assert b"mistake of its own" not in told, told
    return done.returncode, done.stdout, done.stderr


def test_l1_a_home_under_any_name_in_any_locale(tmp_path: Path, locale: dict[str, str]) -> None:
    home = tmp_path / ODD
    code, out, _errors = run("sender", "--home", str(home), "--json", "--peers", environment=locale)
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()]
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xc3\xa9 \xff\xfe"]
    assert (home / "certs" / "key.pem").is_file()


def test_l1_what_is_said_is_in_the_terminals_own_encoding(tmp_path: Path, locale: dict[str, str]) -> None:
    profile = open_profile(Home(tmp_path / "home"))
    other = open_profile(Home(tmp_path / "other"))
    (profile.home.peers / "Grüße.pem").write_bytes(other.device.identity.pem)
    _code, out, _errors = run("sender", "--home", str(profile.home.root), "--peers", environment=locale)
    expected = {LATIN: "Grüße".encode("latin-1"), "C": b"Gr\\xfc\\xdfe", "C.UTF-8": "Grüße".encode()}
    assert expected[locale["LC_ALL"]] in out
    told = run("sender", "--home", str(profile.home.root), "--json", "--peers", environment=locale)[1]
    assert "Grüße" in [json.loads(line).get("name") for line in told.splitlines()]


def test_l1_a_person_whose_file_is_not_text(tmp_path: Path, locale: dict[str, str]) -> None:
    profile = open_profile(Home(tmp_path / "home"))
    other, third = (open_profile(Home(tmp_path / name)) for name in ("other", "third"))
    (profile.home.peers / os.fsdecode(b"bob \xff.pem")).write_bytes(other.device.identity.pem)
    (profile.home.peers / os.fsdecode(b"bob \xfe.pem")).write_bytes(third.device.identity.pem)
    (profile.home.peers / os.fsdecode(b"none \xff.pem")).write_bytes(b"x")
    code, out, _errors = run("sender", "--home", str(profile.home.root), "--json", "--peers", environment=locale)
    assert code == 0
    assert {"bob %FF", "bob %FE"} <= {json.loads(line).get("name") for line in out.splitlines()}
    code, _out, errors = run("sender", "--home", str(profile.home.root), "--forget", "bob %FF", environment=locale)
    assert code == 0, errors
    assert [peer.name for peer in profile.device.peers.all()] == ["bob %FE"]


ROWS = [
    ("sender", ["--folder", "{odd}", "--to", "127.0.0.1:9"], (3, 4, 9)),
    (
        "receiver",
        ["--into", "{odd}/no/such", "--bind", "127.0.0.1", "--port", "0"],
        (5, 6),
    ),  # nobody answers its questions
    ("sender", ["--import-cert", "{odd}"], (9,)),
    ("sender", ["--import-cert", "{cert}", "--name", ODD], (2,)),
    ("sender", ["--export-cert", "{odd}"], (0,)),
    ("sender", ["--verify-receipt", "{odd}", "{odd}"], (9,)),
    ("sender", ["--discard", ODD], (2,)),
    ("sender", ["--forget", ODD], (2,)),
    ("sender", ["--peer", ODD, "--to", "127.0.0.1:9"], (2, 4)),
    ("sender", ["--to", ODD], (2, 3)),
    ("receiver", ["--bind", ODD], (2,)),
    ("receiver", ["--bind", "a..b"], (2,)),
    ("sender", [ODD], (2,)),
    ("receiver", ["--port", ODD], (2,)),
    ("sender", ["--home", "~" + ODD, "--peers"], (0, 9)),
    ("sender", ["--home", "~nobody-of-that-name/x", "--peers"], (0, 9)),
]


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize(
    ("role", "options", "codes"), ROWS, ids=[" ".join(row[1][:1]) + str(n) for n, row in enumerate(ROWS)]
)
def test_l1_every_option_takes_a_name_that_is_not_text(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    options: list[str],
    codes: tuple[int, ...],
    as_json: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    profile = open_profile(Home(tmp_path / "home"))
    other = open_profile(Home(tmp_path / "other"))
    cert = tmp_path / "bob.pem"
    cert.write_bytes(other.device.identity.pem)
    filled = [option.format(odd=tmp_path / ODD, cert=cert) for option in options]
    home = [] if "--home" in options else ["--home", str(profile.home.root)]
    if role == "receiver" and "--into" in options:
        with Program(role, *filled, home=profile.home.root, json_events=as_json) as program:
            wait_until(lambda: any("127.0.0.1" in line for line in program.lines), 60, lambda: program.errors)
            program.interrupt()
            assert program.end() in codes
        return
    code, out, errors = run(role, *filled, *home, *(["--json"] if as_json else []), environment=ASCII)
    assert code in codes, (code, out, errors)
    if as_json:
        assert [json.loads(line) for line in out.splitlines()]
    else:
        assert (out + errors).strip()


@pytest.mark.parametrize("locale", ["ascii", "latin"], indirect=True)
def test_l1_a_whole_transfer_between_folders_whose_names_are_not_text(
    tmp_path: Path, locale: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    couple = make_couple(tmp_path)
    fill(couple.folder, large=100_000)
    odd, into = couple.root / ODD, couple.root / (ODD + "into")
    couple.folder.rename(odd)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    bob = Program(
        "receiver", "--bind", "127.0.0.1", "--port", "0", "--into", str(into), "--accept", home=couple.bob.home.root
    )
    listening = bob.until("listening")
    alice = Program(
        "sender", "--to", f"127.0.0.1:{listening['port']}", "--folder", str(odd), home=couple.alice.home.root
    )
    alice.say(str(listening["code"]))
    key = alice.until("key")["key"]
    bob.until("need_key")
    bob.say(str(key))
    done = bob.until("done")
    assert (alice.end(), bob.end()) == (0, 0)
    assert Path(str(done["path"])) == into
    assert snapshot(into) == snapshot(odd)
    [found] = into.glob("Gr*")
    assert os.fsencode(found.name) == "Grüße 写真.txt".encode()


def test_l1_an_interrupted_transfer_into_a_folder_whose_name_is_not_text(tmp_path: Path, couple: Couple) -> None:
    fill(couple.folder, large=60_000_000)
    odd = couple.root / ODD
    odd.mkdir()
    interrupt(couple, 20_000_000, into=odd)
    listed: list[dict[str, Any]] = []
    assert show_interrupted(couple.bob, lambda _text, event: listed.append(event)) == 0
    assert listed[0]["into"] == str(odd)
    assert json.loads(json.dumps(listed[0]))["into"] == str(odd)
    exchange = Exchange(couple, into=odd).run()
    assert exchange.codes == ("done", "done")
    assert snapshot(odd) == snapshot(couple.folder)


def test_l1_choices_of_places_whose_names_are_not_text_are_kept(tmp_path: Path) -> None:
    store = PreferenceStore(tmp_path)
    store.change(lambda found: setattr(found, "into", f"/{ODD}"))
    store.change(lambda found: found.folders.update({ODD: f"/{ODD}"}))
    assert store.read().into == f"/{ODD}"
    assert store.read().folders == {ODD: f"/{ODD}"}
    assert store.note == ""


def test_the_encoding_that_was_handed_on_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(console.OUTPUT, "latin-1")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    console.prepare_streams()
    print("ü写", flush=True)
    assert sys.stdout.encoding == "iso8859-1"
    assert written.getvalue() == b"\xfc\\u5199\n"
    assert console.OUTPUT not in os.environ
    monkeypatch.setenv(console.OUTPUT, "no such encoding")
    console.prepare_streams()
    assert sys.stdout.encoding == "iso8859-1"
