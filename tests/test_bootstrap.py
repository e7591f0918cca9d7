"""The first run: what can be missing, and what the person is told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from countersign import bootstrap
from tests.programs import ROOT


def test_nothing_but_the_standard_library_is_imported_before_it_is_there() -> None:
    code = (
        "import sys, countersign.bootstrap\n"
        "ours = [name for name in sys.modules if name.startswith('countersign.')]\n"
        "wanted = {'bootstrap', 'console', 'display', 'base', 'base.files', 'base.handles', 'base.i18n', 'base.locks'}\n"
        "assert set(ours) == {'countersign.' + name for name in wanted}, ours\n"
        "assert not set(sys.modules) & set(countersign.bootstrap.MODULES)\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_dependency_is_looked_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    listed = text.split("dependencies = [")[1].split("]")[0]
    called_otherwise = {"pillow": "PIL"}
    names = {name.replace("-", "_") for name in re.findall(r'"([a-z0-9-]+)', listed)}
    assert {called_otherwise.get(name, name) for name in names} == set(bootstrap.MODULES)


def test_a_marker_belongs_to_one_list_of_pins(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("x==1")
    environment = tmp_path / ".venv"
    python = bootstrap.python_of(environment)
    python.parent.mkdir(parents=True)
    python.write_text("")
    marker = environment / "countersign-ready.json"
    assert not bootstrap.is_ready(environment, requirements)
    marker.write_text(json.dumps({"requirements.txt": bootstrap._digest(requirements)}))
    assert bootstrap.is_ready(environment, requirements)
    requirements.write_text("x==2")
    assert not bootstrap.is_ready(environment, requirements)
    marker.write_text("half a fi")
    assert not bootstrap.is_ready(environment, requirements)


def run_without(tmp_path: Path, hidden: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the sender in a copy without an environment, with some modules hidden from Python."""
    copy = tmp_path / "copy"
    if not copy.exists():
        copy.mkdir()
        for name in ("sender.py", "requirements.txt", "countersign"):
            (copy / name).symlink_to(ROOT / name)
    hook = tmp_path / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(
        "import sys\nclass Hide:\n    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {hidden.split()!r}: raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "import importlib.util as u\nreal = u.find_spec\n"
        f"u.find_spec = lambda name, package=None: None if name in {hidden.split()!r} else real(name, package)\n"
    )
    clean = {
        k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "COUNTERSIGN_STARTED_AGAIN")
    }
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[0] = {str(copy / 'sender.py')!r}; sys.path.insert(0, {str(copy)!r}); "
         "from countersign import bootstrap; bootstrap.__file__ = " + repr(str(copy / "countersign" / "bootstrap.py")) + "; "
         "from pathlib import Path; Path.resolve = lambda self, strict=False: self.absolute(); "
         "sys.exit(bootstrap.start('sender'))", *arguments],
        env={**clean, "PYTHONPATH": str(hook), **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_no_venv_module(tmp_path: Path) -> None:
    done = run_without(tmp_path, "msgspec ensurepip venv", "--selftest")
    assert done.returncode == bootstrap.EXIT_SETUP
    assert "venv" in done.stderr
    assert "Traceback" not in done.stderr
    if os.path.exists("/usr/bin/apt"):
        assert f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in done.stderr


def test_no_tk_names_the_package_and_the_way_round(tmp_path: Path) -> None:
    done = run_without(tmp_path, "tkinter _tkinter", DISPLAY=":77")
    assert done.returncode == bootstrap.EXIT_SETUP
    assert "Tk" in done.stderr
    assert "--cli" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.once
def test_no_network(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "",
               "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}  # fmt: skip
    done = run_without(tmp_path, "msgspec", "--selftest", **nowhere)
    assert done.returncode == bootstrap.EXIT_SETUP
    assert "needs the internet" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "copy" / ".venv" / "countersign-ready.json").exists()


def test_still_missing_after_setting_up(tmp_path: Path) -> None:
    done = run_without(tmp_path, "msgspec", "--selftest", COUNTERSIGN_STARTED_AGAIN="requirements.txt")
    assert done.returncode == bootstrap.EXIT_SETUP
    assert "Delete the folder .venv" in done.stderr


def test_a_folder_that_can_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_a: False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    with pytest.raises(bootstrap.SetupProblem, match="can be written to"):
        bootstrap._writable_place(tmp_path)
    (tmp_path / "me").mkdir()
    assert bootstrap._writable_place(tmp_path) == tmp_path / "me" / "Countersign"


def test_a_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("")

    def refuse(*_a: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(bootstrap, "_make", refuse)
    with pytest.raises(bootstrap.SetupProblem, match="Read-only"):
        bootstrap.prepared(tmp_path, "requirements.txt")


def test_json_readers_get_json(tmp_path: Path) -> None:
    done = run_without(tmp_path, "msgspec ensurepip", "--json", "--peers")
    assert json.loads(done.stdout)["code"] == "setup"


@pytest.mark.parametrize(
    "log",
    [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES",
        "OSError: No space left on device",
        "Could not find a version that satisfies the requirement isal==9 (from versions: 1.0, 1.7)",
        "weird",
    ],
)
def test_why_an_install_failed(tmp_path: Path, log: str) -> None:
    path = tmp_path / "log"
    path.write_text(log)
    text = bootstrap._why_pip_failed(path)
    assert {"E": "not what was expected", "O": "disk is full", "C": "not made for this Python", "w": "weird"}[
        log[0]
    ] in text


def test_windows_are_wanted_only_with_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    assert bootstrap.wants_window([])
    assert not bootstrap.wants_window(["--cli"])
    assert not bootstrap.wants_window(["--export-cert=x"])
    monkeypatch.delenv("DISPLAY")
    assert not bootstrap.wants_window([])
