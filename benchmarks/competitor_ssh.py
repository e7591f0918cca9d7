"""scp, rsync and tar through ssh, with an sshd of the benchmark's own: throw-away keys, loopback, no file of the system's."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.competitors import lacking, version_of
from benchmarks.measure import Child, Round, Usage, free_port, wait_for_port

_SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""
_CLIENT = """\
Host there
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile {folder}/user
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    GlobalKnownHostsFile none
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
"""


class SshServer:
    """An sshd whose usage can be told: a new one for every round."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child: Child | None = None

    def prepare(self) -> None:
        """Keys and configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for name in ("host", "user"):
            if not (self.folder / name).exists():
                command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
                subprocess.run(command, check=True)
        if sys.platform != "win32" and os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # an empty folder that sshd insists on

    @property
    def config(self) -> Path:
        return self.folder / "client"

    def start(self) -> None:
        """Listens on a free port."""
        port = free_port()
        facts = {"port": port, "folder": self.folder, "user": getpass.getuser()}
        (self.folder / "server").write_text(_SERVER.format(**facts))
        self.config.write_text(_CLIENT.format(**facts))
        key = (self.folder / "host.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:{port} {key}")
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"  # it wants its whole path
        self._child = Child([sshd, "-D", "-e", "-f", self.folder / "server"], log=self.folder / "log")
        wait_for_port(port)

    def stop(self) -> Usage:
        """Ends it after its connections have ended, and gives what all of them have used."""
        if self._child is None:
            return Usage()
        child, self._child = self._child, None
        process = psutil.Process(child.process.pid)
        deadline = time.monotonic() + 20
        while process.children() and time.monotonic() < deadline:
            time.sleep(0.01)
        return child.stop()


class SshCompetitor:
    """One of the three."""

    def __init__(self, name: str, server: SshServer) -> None:
        self.name = name
        self._server = server
        self._tool = name.split()[0]

    def missing(self) -> str | None:
        programs = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}
        if not os.path.exists("/usr/sbin/sshd"):
            programs["sshd"] = "openssh-server"
        return lacking({**programs, self._tool: "openssh-client" if self._tool == "scp" else self._tool})

    def version(self) -> str:
        ssh = version_of("ssh", "-V")
        return f"OpenSSH {ssh}" if self._tool == "scp" else f"{version_of(self._tool, '--version')}, OpenSSH {ssh}"

    def prepare(self) -> None:
        self._server.prepare()

    def transfer(self, source: Path, target: Path) -> Round:
        arrived = target / "arrived"
        self._server.start()
        log = target / "log"
        began = time.monotonic()
        try:
            sender = self._run(source, arrived, log)
            seconds = time.monotonic() - began
        finally:
            receiver = self._server.stop()
        return Round(seconds, sender, receiver, arrived)

    def _run(self, source: Path, arrived: Path, log: Path) -> Usage:
        config = str(self._server.config)
        if self._tool == "scp":
            return Child(["scp", "-q", "-r", "-p", "-F", config, source, f"there:{arrived}"], log=log).wait()
        if self._tool == "rsync":
            return Child(["rsync", "-a", "-e", f"ssh -F {config}", f"{source}/", f"there:{arrived}"], log=log).wait()
        tar = Child(["tar", "-C", source, "-cf", "-", "."], stdout=subprocess.PIPE, log=log)
        command = f"mkdir {arrived} && tar -C {arrived} -xf -"
        assert tar.process.stdout is not None
        ssh = Child(["ssh", "-F", config, "there", command], stdin=tar.process.stdout, log=log)
        tar.process.stdout.close()
        return ssh.wait() + tar.wait()

    def close(self) -> None:
        self._server.stop()


def ssh_competitors(cache: Path) -> list[SshCompetitor]:
    """All three, which share one server."""
    server = SshServer(cache / "ssh")
    return [SshCompetitor(name, server) for name in ("scp", "rsync over ssh", "tar through ssh")]
