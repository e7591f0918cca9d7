"""The first run: where something is missing, a virtual environment beside the scripts, what is pinned, and a new start in it.

Nothing is run or imported from the current folder or from beside the scripts but the package. Standard library only, and readable by
old Pythons as far as the sentence that says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from countersign.base.files import read_small
from countersign.base.i18n import _
from countersign.base.locks import file_lock
from countersign.console import OUTPUT
from countersign.display import has_display

OLDEST = (3, 10)
MODULES = (
    "babel", "blake3", "cryptography", "darkdetect", "isal", "msgspec", "PIL", "platformdirs", "psutil", "rich", "tkinterdnd2", "wakepy",
)  # fmt: skip
RUN, TESTS = "requirements.txt", "requirements-dev.txt"
EXIT_SETUP = 9  # a disk or permission problem, to those who read exit codes
_MARKER = "countersign-ready.json"
_BEGUN = "countersign-begun"  # what lacks this was not made by us and is left alone
_AGAIN = "COUNTERSIGN_STARTED_AGAIN"
_LOCK_SECONDS = 900.0
_MARKER_CAP = 64 * 1024
_TERMINAL_ONLY = (
    "--cli", "--json", "--selftest", "--help", "-h", "--version", "--peers", "--forget", "--interrupted",
    "--export-cert", "--import-cert", "--verify-receipt", "--discard",
)  # fmt: skip


class SetupProblem(Exception):
    """Setting up failed; the text says why and what to do."""


def start(role: str) -> int:
    """Runs a program, in an environment that has all it needs. Gives the exit code."""
    try:
        if sys.version_info < OLDEST:
            raise SetupProblem(_needs_newer_python())
        windowed = wants_window(sys.argv[1:])
        if windowed and not has_tk():
            raise SetupProblem(tk_missing_text())
        if not getattr(sys, "frozen", False) and not all_there(MODULES):
            folder = Path(__file__).resolve().parent.parent
            python = prepared(folder, RUN, windowed)
            return again(python, [str(Path(sys.argv[0]).resolve()), *sys.argv[1:]], isolated=True)
        if not names_are_utf8():
            return again(Path(sys.executable), sys.argv, isolated=bool(sys.flags.isolated))
    except SetupProblem as problem:
        _complain(str(problem))
        return EXIT_SETUP
    from countersign.app import main

    return main(role)


def send() -> int:
    """Entry point of an installed package."""
    return start("sender")


def receive() -> int:
    """Entry point of an installed package."""
    return start("receiver")


def names_are_utf8() -> bool:
    """Whether this Python reads and writes names of files as UTF-8; on a Unix its locale decides, unless it is told otherwise.

    In an executable build.spec has told it.
    """
    return getattr(sys, "frozen", False) or os.name != "posix" or sys.getfilesystemencoding().lower() == "utf-8"


def wants_window(arguments: list[str]) -> bool:
    """Whether these arguments open a window."""
    named = {argument.split("=")[0] for argument in arguments}
    return not named.intersection(_TERMINAL_ONLY) and has_display()


def has_tk() -> bool:
    """Whether this Python has Tk. (Debian's own has it in a package apart.)"""
    return importlib.util.find_spec("tkinter") is not None and importlib.util.find_spec("_tkinter") is not None


def all_there(modules: tuple[str, ...]) -> bool:
    """Whether everything that is imported later can be imported."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


def prepared(folder: Path, requirements: str, windowed: bool = False) -> Path:
    """The Python of an environment in which these requirements are installed, made first where it is not there.

    folder: the project's. Raises SetupProblem.
    """
    if os.environ.get(_AGAIN) == requirements:
        raise SetupProblem(
            _(
                "Something is still missing after setting up. Delete the folder .venv in {folder} and start again."
            ).format(folder=folder)
        )
    place = _writable_place(folder)
    environment = _environment(place)
    if is_ready(environment, folder / requirements):
        return python_of(environment)
    with _progress(windowed) as tell:
        try:
            with file_lock(place / f"{environment.name}.lock", _LOCK_SECONDS):
                if not is_ready(environment, folder / requirements):
                    _make(environment, folder / requirements, tell)
        except TimeoutError as error:
            text = _("Another start is setting up at this moment. Try again in a minute.")
            raise SetupProblem(text) from error
        except OSError as error:
            raise SetupProblem(
                _("{folder} cannot be written to: {reason}. Move the program to a folder of your own.").format(
                    folder=place, reason=error.strerror or error
                )
            ) from error
    return python_of(environment)


def again(python: Path, arguments: list[str], *, isolated: bool = False) -> int:
    """Starts the same program in another Python; gives its exit code where the system cannot replace a process.

    isolated: without the current folder, the script's, and what PYTHONPATH and the like say.
    """
    testing = arguments[:1] == ["-m"]
    environment = {**os.environ, _AGAIN: TESTS if testing else RUN}
    if sys.stdout is not None and not testing:  # a program without a terminal has none
        environment[OUTPUT] = sys.stdout.encoding
    command = [str(python), *_flags(isolated), *arguments]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)  # noqa: S606 - our own Python
    with contextlib.suppress(KeyboardInterrupt):  # the program itself deals with it
        return subprocess.call(command, env=environment)
    return 1


def _flags(isolated: bool) -> list[str]:
    """How this Python was started, as arguments: isolated ones read no variables. Names of files are UTF-8 from there on."""
    flags = ["-I"] if isolated else []
    flags += ["-B"] if sys.flags.dont_write_bytecode else []
    flags += ["-X", "utf8"] if sys.flags.utf8_mode or not names_are_utf8() else []
    return [*flags, *(part for option in sys.warnoptions for part in ("-W", option))]


def python_of(environment: Path) -> Path:
    """The Python in a virtual environment."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def is_ready(environment: Path, requirements: Path) -> bool:
    """Whether exactly these requirements were installed to the end."""
    try:
        marker = json.loads(read_small(environment / _MARKER, _MARKER_CAP))
    except (OSError, ValueError):
        return False
    return marker.get(requirements.name) == _digest(requirements) and python_of(environment).exists()


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _writable_place(folder: Path) -> Path:
    if os.access(folder, os.W_OK):
        return folder
    own = Path.home() / "Countersign"
    try:
        own.mkdir(exist_ok=True)
    except OSError as error:
        raise SetupProblem(
            _("Neither {folder} nor {own} can be written to: {reason}.").format(
                folder=folder, own=own, reason=error.strerror or error
            )
        ) from error
    return own


def _environment(place: Path) -> Path:
    """`.venv`; beside it where that belongs to another version of Python, or to somebody else."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    names = (".venv", f".venv-{version}", f".venv-countersign-{version}")
    paths = [place / name for name in names]
    return next((path for path in paths if not path.exists() or _is_ours(path, version)), paths[-1])


def _is_ours(environment: Path, version: str) -> bool:
    try:
        return read_small(environment / _BEGUN, _MARKER_CAP) == version.encode()
    except OSError:
        return False


def _make(environment: Path, requirements: Path, tell) -> None:  # type: ignore[no-untyped-def]  # a function of a text
    tell(_("Setting up. This happens once and may take a minute."))
    if not (environment / _MARKER).exists() or not python_of(environment).exists():
        _make_environment(environment)
    tell(_("Installing what Countersign needs …"))
    log = environment / "setup.log"
    command = pip_command(environment, requirements)
    with open(log, "wb") as out:
        # a user's own settings of pip may ask for what an environment refuses
        asked = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
        ended = subprocess.run(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=asked,
            cwd=environment,
            check=False,
        )
    if ended.returncode:
        raise SetupProblem(_why_pip_failed(log))
    marker = environment / _MARKER
    known = json.loads(read_small(marker, _MARKER_CAP)) if marker.exists() else {}
    spare = marker.with_suffix(".new")
    spare.write_text(json.dumps({**known, requirements.name: _digest(requirements)}))
    os.replace(spare, marker)


def pip_command(environment: Path, requirements: Path) -> list[str]:
    """What installs these requirements there. Wheels only: building from source would run what was downloaded."""
    return [
        str(python_of(environment)), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
        "--only-binary", ":all:", "--require-hashes", "-r", str(requirements),
    ]  # fmt: skip


def _make_environment(environment: Path) -> None:
    if environment.exists():
        shutil.rmtree(environment)  # ours, half-made by a try that was cut off
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out of its own Python
        import venv
    except ImportError as error:
        raise SetupProblem(_venv_missing_text()) from error
    environment.mkdir()
    (environment / _BEGUN).write_text(f"{sys.version_info[0]}.{sys.version_info[1]}")
    try:
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(environment)
    except subprocess.CalledProcessError as error:
        raise SetupProblem(_venv_missing_text()) from error


def _why_pip_failed(log: Path) -> str:
    text = log.read_text(errors="replace")
    lower = text.lower()
    if "do not match the hashes" in lower:
        return _(
            "What was downloaded is not what was expected, so nothing of it was installed. Try again on another network."
        )
    if "no space left" in lower:
        return _("The disk is full. Make room and start again.")
    if "(from versions:" in lower and "from versions: none" not in lower:
        return _(
            "What Countersign is built with is not made for this Python ({found}) on this kind of computer."
            " Get another one from python.org, such as 3.12 with 64 bits."
        ).format(found=sys.version.split()[0])
    signs = (
        "newconnectionerror",
        "name resolution",
        "connection",
        "timed out",
        "proxyerror",
        "max retries",
        "from versions: none",
    )
    if any(sign in lower for sign in signs):
        return _(
            "The first start needs the internet, to fetch what Countersign is built with. Connect and start again."
        )
    tail = "\n".join(line for line in text.splitlines()[-5:] if line.strip())
    return _("Setting up failed:\n{tail}\nAll of it is in {log}.").format(tail=tail, log=log)


# --- words ---------------------------------------------------------------------------------------------------------


def _needs_newer_python() -> str:
    return _("Countersign needs Python {oldest} or newer; this is {found}. Get one from python.org.").format(
        oldest=".".join(map(str, OLDEST)), found=sys.version.split()[0]
    )


def _venv_missing_text() -> str:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return _("This Python lacks its venv module. {how}").format(
        how=package_advice(
            {"apt": f"python{version}-venv", "dnf": "python3", "zypper": f"python{version.replace('.', '')}"}
        )
    )


def tk_missing_text() -> str:
    """What to do where there is no Tk."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    names = {
        "apt": "python3-tk",
        "dnf": "python3-tkinter",
        "pacman": "tk",
        "zypper": "python3-tk",
        "brew": f"python-tk@{version}",
    }
    advice = package_advice(names)
    return _("This Python lacks Tk, which draws the window. {how}\nOr use it in the terminal: add --cli.").format(
        how=advice
    )


def package_advice(names: dict[str, str]) -> str:
    """The command that installs a package here; names: package by tool."""
    commands = {"apt": "sudo apt install", "dnf": "sudo dnf install", "pacman": "sudo pacman -S",
                "zypper": "sudo zypper install", "brew": "brew install"}  # fmt: skip
    for tool, name in names.items():
        if shutil.which(tool):
            return _("Install it with: {command}").format(command=f"{commands[tool]} {name}")
    return _("Get a Python that has it from python.org.")


def _complain(text: str) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"event": "error", "code": "setup", "message": text, "hint": ""}), flush=True)
    else:
        print(text, file=sys.stderr, flush=True)
    if sys.stderr is None or (wants_window(sys.argv[1:]) and has_tk() and not sys.stderr.isatty()):
        from countersign.ui.views.setup_window import show_message

        show_message(text.encode("utf-8", "backslashreplace").decode())


@contextlib.contextmanager
def _progress(windowed: bool):  # type: ignore[no-untyped-def]  # yields a function of a text
    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    if windowed and has_tk():
        from countersign.ui.views.setup_window import setup_window

        with setup_window() as show:

            def both(text: str) -> None:
                tell(text)
                show(text)

            yield both
    else:
        yield tell
