"""Preferences, icons, the menu entry and the advice about firewalls."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from countersign.base.errors import DiskProblem
from countersign.firewall import firewall_advice
from countersign.ui import icon
from countersign.ui.desktop_entry import add_to_menu, entry_text
from countersign.ui.preferences import PreferenceStore

pytestmark = pytest.mark.once


def test_choices_are_kept_beside_those_of_the_other_program(tmp_path: Path) -> None:
    one, other = PreferenceStore(tmp_path), PreferenceStore(tmp_path)
    one.change(lambda found: setattr(found, "looks", "dark"))
    other.change(lambda found: found.windows.update(sender="700x660+10+10"))
    assert one.read().looks == "dark"
    assert one.read().windows == {"sender": "700x660+10+10"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": 2}', b'{"looks": "pink"}', b"\xff\xfe", b"[" * 5000]
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    store = PreferenceStore(tmp_path)
    (tmp_path / "preferences.json").write_bytes(content)
    assert store.read().looks == "system"
    assert "set aside" in store.note
    [aside] = tmp_path.glob("preferences.json.damaged-*")
    assert aside.read_bytes() == content
    store.change(lambda found: setattr(found, "looks", "light"))
    assert store.read().looks == "light"


def test_a_cut_anywhere_is_never_fatal(tmp_path: Path) -> None:
    store = PreferenceStore(tmp_path)
    store.change(lambda found: found.addresses.update(ab="192.168.1.20"))
    whole = (tmp_path / "preferences.json").read_bytes()
    for end in range(len(whole)):
        (tmp_path / "preferences.json").write_bytes(whole[:end])
        assert store.read().looks == "system"


def test_folders_of_receipts_are_kept_within_bounds(tmp_path: Path) -> None:
    store = PreferenceStore(tmp_path)
    store.change(lambda found: found.folders.update({str(n): "x" for n in range(1000)}))
    assert len(store.read().folders) == 500
    assert "999" in store.read().folders


def test_a_choice_that_can_not_be_kept_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    store = PreferenceStore(tmp_path / "state")
    store.change(lambda found: setattr(found, "looks", "dark"))
    assert store.read().looks == "system"


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_icons_of_every_system(role: str) -> None:
    data = icon.png(role, 32)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (32, 32)
    root = ElementTree.fromstring(icon.svg(role))
    assert len(root) == len(icon.shapes(role))
    kind, count = struct.unpack("<HH", icon.ico(role)[2:6])
    assert (kind, count) == (1, 6)
    apple = icon.icns(role)
    assert apple[:4] == b"icns"
    assert struct.unpack(">I", apple[4:8])[0] == len(apple)
    assert apple[8:12] == b"ic07"


def test_a_menu_entry_is_written_for_this_user_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = add_to_menu("receiver")
    text = path.read_text()
    assert path.parent == tmp_path / "data" / "applications"
    assert "Exec=" in text
    assert Path(next(line[5:] for line in text.splitlines() if line.startswith("Icon="))).is_file()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(DiskProblem):
        add_to_menu("sender")


def test_strange_paths_in_a_menu_entry() -> None:
    path = '/opt/with space/50% "quoted" $HOME \\x/python'
    [line] = [line for line in entry_text("sender", [path], "i").splitlines() if line.startswith("Exec=")]
    # first the file's escapes, then the shell-like quotes, then the field codes
    unescaped = line[5:].replace("\\\\", "\\")
    assert (unescaped[0], unescaped[-1]) == ('"', '"')
    assert re.sub(r"\\(.)", r"\1", unescaped[1:-1]).replace("%%", "%") == path


@pytest.mark.parametrize(
    ("platform", "programs", "command"),
    [
        ("win32", [], "New-NetFirewallRule"),
        ("darwin", [], ""),
        ("linux", ["ufw", "nft"], "sudo ufw allow 4711/tcp"),
        ("linux", ["firewall-cmd"], "sudo firewall-cmd --add-port=4711/tcp"),
        ("linux", ["nft"], "dport 4711 accept"),
        ("linux", [], ""),
    ],
)
def test_advice_about_firewalls(platform: str, programs: list[str], command: str) -> None:
    advice = firewall_advice(4711, platform, lambda name: name in programs)
    assert advice.text
    assert command in advice.command
    assert bool(command) == bool(advice.command)
