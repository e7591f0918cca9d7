"""B1: nothing beside the programs or in the current folder is run or imported, except the package itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from countersign import bootstrap
from countersign.console import OUTPUT
from tests.programs import ROOT

PLANTED = (
    "json", "ssl", "os", "warnings", "types", "contextlib", "threading", "functools", "re", "typing", "importlib",
    "encodings", "pathlib", "socket", "tkinter", "pip", "ensurepip", "venv", "sitecustomize", "babel", "cryptography",
    "msgspec", "rich", "platformdirs",
)  # fmt: skip
VARIABLES = ("PYTHONPATH", "DISPLAY", "WAYLAND_DISPLAY", "COUNTERSIGN_STARTED_AGAIN")


def plant(folder: Path, names: tuple[str, ...] = PLANTED) -> Path:
    """Plants modules and packages that write their name into a file when imported. Returns that file."""
    told = folder / "who was run"
    for name in names:
        code = f"import io\nio.open({str(told)!r}, 'a').write(__name__ + ' ')\n"
        (folder / f"{name}.py").write_text(code)
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(code)
    return told


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A folder with both programs, the package, and planted modules beside them."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for role in ("sender", "receiver"):
        shutil.copy(ROOT / f"{role}.py", folder)
    shutil.copytree(ROOT / "countersign", folder / "countersign", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env={**clean, **environment}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("flags", [(), ("-I",), ("-B", "-W", "error")], ids=" ".join)
@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_b1_what_is_planted_beside_the_programs_is_never_imported(
    downloads: Path, role: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    told = plant(downloads)
    done = run(downloads, *flags, f"{role}.py", "--home", str(tmp_path / "home"), "--peers")
    assert done.returncode == 0, done.stderr
    assert "You are" in done.stdout
    assert not told.exists(), told.read_text()


def test_b1_a_link_to_a_program_is_as_safe(downloads: Path, tmp_path: Path) -> None:
    told = plant(downloads)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    also_told = plant(elsewhere)
    (elsewhere / "send").symlink_to(downloads / "sender.py")
    done = run(elsewhere, "send", "--home", str(tmp_path / "home"), "--peers")
    assert done.returncode == 0, done.stderr
    assert not told.exists()
    assert not also_told.exists()


def test_b1_a_path_variable_that_names_the_programs_folder(downloads: Path, tmp_path: Path) -> None:
    told = plant(downloads, ("babel", "msgspec", "cryptography"))
    done = run(downloads, "sender.py", "--home", str(tmp_path / "home"), "--peers", PYTHONPATH=f"{downloads}")
    assert done.returncode == 0, done.stderr
    assert not told.exists()


def test_b1_a_whole_transfer_beside_what_is_planted(downloads: Path) -> None:
    told = plant(downloads)
    done = run(downloads, "receiver.py", "--selftest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not told.exists(), told.read_text()


def test_both_programs_start_in_the_same_way() -> None:
    sender, receiver = ((ROOT / f"{role}.py").read_text() for role in ("sender", "receiver"))
    assert sender.replace('start("sender")', 'start("receiver")').replace("sending", "receiving") == receiver


@pytest.mark.skipif(os.name != "posix", reason="a script in the place of Python")
def test_b1_pip_is_not_taken_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    told = plant(here)
    environment = tmp_path / ".venv"
    python = bootstrap.python_of(environment)
    python.parent.mkdir(parents=True)
    called = tmp_path / "called"
    # pip gets all its options; the real pip runs, but only prints its version
    python.write_text(
        f'#!/bin/sh\npwd > {called}\necho "$@" >> {called}\nexec {sys.executable} "$1" "$2" "$3" --version\n'
    )
    python.chmod(0o755)
    (environment / "countersign-ready.json").write_text("{}")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("")
    monkeypatch.chdir(here)
    bootstrap._make(environment, requirements, lambda _text: None)
    where, options = called.read_text().splitlines()
    assert where == str(environment)
    assert "--only-binary :all:" in options
    assert "--require-hashes" in options
    assert not told.exists()
    assert "pip" in (environment / "setup.log").read_text()


def flags_after(*flags: str, isolated: bool, **environment: str) -> dict[str, object]:
    """The flags that a Python started with these flags passes to the next one."""
    show = (
        "import sys; print(dict(isolated=sys.flags.isolated, bytecode=sys.flags.dont_write_bytecode, utf8=sys.flags.utf8_mode,"
        " names=sys.getfilesystemencoding(), warnings=sys.warnoptions, here='' in sys.path))"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path; from countersign.bootstrap import again;"
        f" sys.exit(again(Path(sys.executable), ['-c', {show!r}], isolated={isolated}))"
    )
    done = run(ROOT, *flags, "-c", code, **environment)
    assert done.returncode == 0, done.stderr
    found = eval(done.stdout)
    assert isinstance(found, dict)
    return found


def test_b1_a_new_start_is_isolated_and_keeps_what_was_asked_for() -> None:
    plain = flags_after(isolated=True, PYTHONDONTWRITEBYTECODE="")
    assert plain["isolated"] == 1
    assert plain["bytecode"] == 0
    assert plain["warnings"] == []
    assert not plain["here"]
    asked = flags_after("-B", "-X", "utf8", "-W", "error::UserWarning", "-W", "ignore::ImportWarning", isolated=True)
    assert asked["isolated"] == 1
    assert asked["bytecode"] == 1
    assert asked["utf8"] == 1
    assert asked["warnings"] == ["error::UserWarning", "ignore::ImportWarning"]
    by_variable = flags_after(isolated=True, PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1", PYTHONWARNINGS="error")
    assert (by_variable["bytecode"], by_variable["utf8"], by_variable["warnings"]) == (1, 1, ["error"])


def test_tests_are_started_again_from_the_checkout() -> None:
    assert flags_after(isolated=False)["isolated"] == 0


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process cannot be replaced")
def test_tests_hand_no_encoding_to_the_programs_that_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    handed_on: list[bool] = []
    monkeypatch.setattr(os, "execve", lambda _path, _command, environment: handed_on.append(OUTPUT in environment))
    monkeypatch.setattr(subprocess, "call", lambda *_a, **_k: 0)
    bootstrap.again(Path(sys.executable), ["-m", "tests"])
    bootstrap.again(Path(sys.executable), ["sender.py"], isolated=True)
    assert handed_on == [False, True]


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_b1_the_programs_start_again_isolated(role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], bool]] = []

    def again(python: Path, arguments: list[str], *, isolated: bool = False) -> int:
        started.append(([str(python), *arguments], isolated))
        return 0

    monkeypatch.setattr(bootstrap, "all_there", lambda _modules: False)
    monkeypatch.setattr(bootstrap, "prepared", lambda *_a: tmp_path / "python")
    monkeypatch.setattr(bootstrap, "again", again)
    monkeypatch.setattr(sys, "argv", [f"{role}.py", "--peers"])
    assert bootstrap.start(role) == 0
    [(command, isolated)] = started
    assert isolated
    assert command[0] == str(tmp_path / "python")
    assert Path(command[1]).is_absolute()
    assert command[2:] == ["--peers"]
