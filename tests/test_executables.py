"""The executables: built once, they pass their self-test without a Python, and open their window. Long: run with the windows' tests."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.desktop_user import DesktopUser, virtual_screen
from tests.programs import ROOT

pytestmark = [
    pytest.mark.window,
    pytest.mark.build,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at an X server"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both programs, by the README's own command; that runs their self-tests too."""
    into = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, "-m", "release", "--into", str(into)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return into


def test_both_are_packed_with_checksums(built: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=built, check=True, capture_output=True)
    with tarfile.open(archive) as file:
        names = set(file.getnames())
    assert {"Countersign/sender/sender", "Countersign/receiver/receiver"} <= names
    assert any(name.endswith("licences/cryptography.txt") for name in names)
    assert not [name for name in names if name.endswith(("key.pem", "cert.pem"))]


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_a_window_opens_without_any_python(built: Path, role: str, tmp_path: Path) -> None:
    with virtual_screen() as screen:
        environment = {"PATH": "", "HOME": str(tmp_path), "DISPLAY": screen, "COUNTERSIGN_LANGUAGE": "de"}
        command = [str(built / role / role), "--home", str(tmp_path / "home")]
        program = subprocess.Popen(command, env=environment, cwd=tmp_path)
        user = DesktopUser(screen)
        try:
            user.window("Gib dein Zertifikat weiter")  # the catalogues are inside, too
        finally:
            user.close()
            program.terminate()
            program.wait(20)
