"""Where nothing may be received: folders that run or are trusted at the next start. Checked by handles; nothing is created there."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.base import errors
from countersign.places.home import Home, program_folder
from countersign.session import status as st
from countersign.session.proposal import Decision
from tests.test_own import bound
from tests.transfers import Couple, Exchange, fill, snapshot

INSIDE_HOME = [".", "certs", "certs/peers", "certs/missing/deeper", "state", "receipts", "new", "SEND_FOLDER/../certs"]
STARTED = [
    ".", ".ssh", ".ssh/deeper", ".gnupg", ".config", ".config/autostart", ".config/autostart/deeper", ".config/systemd",
    ".config/systemd/user", ".local", ".local/share", ".local/share/applications", ".local/bin", "bin",
    "Library", "Library/LaunchAgents",
]  # fmt: skip


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home folder, for one test."""
    made = tmp_path / "user"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    monkeypatch.setenv("USERPROFILE", str(made))
    return made


def refused(couple: Couple, into: Path) -> errors.TargetRefused:
    with pytest.raises(errors.TargetRefused) as caught:
        couple.bob.reception(into, None, 0, print)
    return caught.value


def taken(couple: Couple, into: Path) -> None:
    couple.bob.reception(into, None, 0, print)


@pytest.mark.parametrize("where", INSIDE_HOME)
def test_p13_our_own_home_is_no_target(couple: Couple, where: str) -> None:
    before = snapshot(couple.bob.home.root)
    problem = refused(couple, couple.bob.home.root / where)
    assert str(couple.bob.home.root) in problem.message
    assert snapshot(couple.bob.home.root) == before


@pytest.mark.parametrize("where", ["received_folder", "received_folder/deeper", "SEND_FOLDER", "SEND_FOLDER/x"])
@pytest.mark.parametrize("there", [False, True])
def test_p13_what_is_for_people_in_our_home_is_a_target(couple: Couple, where: str, there: bool) -> None:
    into = couple.bob.home.root / where
    if there:
        into.mkdir(parents=True, exist_ok=True)
    taken(couple, into)
    fill(couple.folder, large=1000, small=2)
    assert Exchange(couple, into=into).run().codes == ("done", "done")


def test_p13_the_folder_of_the_program_is_no_target(couple: Couple) -> None:
    program = program_folder()
    assert program is not None
    for into in (program, program / "countersign", program / "countersign" / "ui" / "new", program / "new"):
        refused(couple, into)
        assert not (program / "new").exists()


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("where", STARTED)
def test_p13_what_is_started_or_loaded_is_no_target(couple: Couple, user: Path, where: str, there: bool) -> None:
    into = user / where
    if there:
        into.mkdir(parents=True, exist_ok=True)
    before = snapshot(user)
    refused(couple, into)
    assert snapshot(user) == before


@pytest.mark.parametrize(
    "where", ["Documents", "Desktop/received_folder", ".config/other", ".local/share/other", "bin/x"]
)
def test_p13_other_folders_of_a_person_are_targets(couple: Couple, user: Path, where: str) -> None:
    refused(couple, user / ".SSH" / "x")  # the same folder on many disks
    taken(couple, user / where / ".ssh" / "x")
    taken(couple, user / where)
    (user / where).mkdir(parents=True)
    taken(couple, user / where)
    taken(couple, user / where / ".ssh" / "x")


def test_p13_windows_start_folder_is_no_target(couple: Couple, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("APPDATA", "PROGRAMDATA"):
        base = user / variable
        base.mkdir()
        monkeypatch.setenv(variable, str(base))
        start = base / "Microsoft" / "Windows" / "Start Menu" / "Programs" / "Startup"
        refused(couple, start)
        start.mkdir(parents=True)
        refused(couple, start)
        refused(couple, start / "deeper")
        taken(couple, base / "else")


def test_p13_folders_of_programs_and_modules_are_no_target(
    couple: Couple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join(["", "relative", str(programs), str(tmp_path / "missing")]))
    refused(couple, programs)
    taken(couple, programs / "sub")
    refused(couple, tmp_path / "missing")
    monkeypatch.chdir(tmp_path)
    taken(couple, tmp_path)
    if sys.prefix != sys.base_prefix:
        refused(couple, Path(sys.prefix))
    for folder in site.getsitepackages():
        if os.access(folder, os.W_OK):
            refused(couple, Path(folder))
            refused(couple, Path(folder) / "new")


def test_p13_a_link_a_bind_mount_and_another_spelling_do_not_help(couple: Couple, user: Path) -> None:
    link = couple.root / "link"
    link.symlink_to(couple.bob.home.certs)
    for into in (link, link / "peers", link / "new", couple.bob.home.root / "SEND_FOLDER" / ".." / "certs"):
        refused(couple, into)
    received = couple.bob.home.root / "received_folder"
    received.symlink_to(couple.bob.home.peers)
    refused(couple, received)
    assert not (couple.bob.home.certs / "new").exists()
    with bound(couple.bob.home.peers, couple.root / "mounted"):
        refused(couple, couple.root / "mounted")
        refused(couple, couple.root / "mounted" / "new")


def test_p13_a_link_does_not_make_the_home_a_folder_for_people(couple: Couple) -> None:
    (couple.bob.home.root / "received_folder").symlink_to(".")
    for into in (couple.bob.home.root / "new", couple.bob.home.root / "received_folder" / "new"):
        refused(couple, into)


def test_p13_a_step_up_is_taken_from_where_a_link_leads(couple: Couple) -> None:
    link = couple.root / "link"
    link.symlink_to(couple.bob.home.certs)
    refused(couple, link / ".." / "certs" / "new")


def test_p13_a_bind_mount_of_a_folder_in_the_home(couple: Couple) -> None:
    (couple.bob.home.root / "modules").mkdir()
    with bound(couple.bob.home.root / "modules", couple.root / "mounted"):
        refused(couple, couple.root / "mounted" / "new")


@pytest.mark.skipif(sys.platform != "linux", reason="case says nothing there")
def test_p13_another_case_is_no_folder_for_people(couple: Couple) -> None:
    refused(couple, couple.bob.home.root / "Received_Folder")


def test_p13_a_program_that_was_unpacked_into_the_home_of_a_person(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then not everything around it is ours."""
    home = couple.bob.home.root
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    taken(couple, home / "Documents")
    for name in (".", "certs", "state/new", "receipts", ".ssh"):
        refused(couple, home / name)


def test_p13_a_home_in_a_folder_that_may_be_received_into(tmp_path: Path, couple: Couple) -> None:
    taken(couple, couple.root)
    assert Home(couple.root / "bob").root.parent == couple.root


# --- later than at the start ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["certs/peers", "certs/new", "countersign"])
def test_p13_a_target_chosen_at_the_decision_is_looked_at_too(couple: Couple, where: str) -> None:
    fill(couple.folder, large=1000, small=2)
    before = snapshot(couple.bob.home.certs)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    exchange.reception.answers.decision.give(Decision(True, into=couple.bob.home.root / where))
    exchange.join()
    assert exchange.codes == ("peer_disk", "bad_target")
    assert snapshot(couple.bob.home.certs) == before
    assert not (couple.bob.home.root / "countersign").exists()


@pytest.mark.parametrize("when", [st.NeedDecision, st.WaitingFor])
def test_p13_a_target_that_becomes_a_link_to_ours_meanwhile(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, when: type[st.Status]
) -> None:
    """Before acceptance, and again when everything has arrived: what counts is the folder that is opened then."""
    fill(couple.folder, large=1000, small=2)
    into = couple.root / "into"
    into.mkdir()
    before = snapshot(couple.bob.home.certs)
    exchange = Exchange(couple, into=into)
    answer = exchange.receiver.on_status

    def swapping(status: st.Status) -> None:
        late = isinstance(status, st.WaitingFor) and status.what == "disk"
        if (when is st.WaitingFor and late) or (when is st.NeedDecision and isinstance(status, st.NeedDecision)):
            into.rename(couple.root / "before")
            into.symlink_to(couple.bob.home.peers)
        answer(status)

    exchange.receiver.on_status = swapping
    exchange.run()
    assert exchange.codes == ("peer_disk", "bad_target")
    assert snapshot(couple.bob.home.certs) == before


def test_p13_the_program_itself_says_so(couple: Couple) -> None:
    command = [sys.executable, "receiver.py", "--json", "--port", "0", "--home", str(couple.bob.home.root), "--into",
               str(couple.bob.home.peers)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=program_folder())
    assert done.returncode == 9
    assert '"code": "bad_target"' in done.stdout
