"""Start and stop the real servers that the tests of the remote stores talk to.

Usage::

    python scripts/services.py start [NAME ...]           print one export line per server
    python scripts/services.py stop                       stop what `start` has started
    python scripts/services.py run [NAME ...] -- COMMAND  run a command with servers around it

Names are redis, mongodb, azure, s3 and http; without a name, all of them. Servers listen
on free ports of the loopback interface; a command finds them through the variables
``ZARR_TEST_<NAME>``. What is missing on the machine is installed first: redis-server by
apt-get, Azurite by npm and the Python servers by pip, the last two into ``.services/``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".services"
RUNNING = HOME / "running.json"
START_SECONDS = 60.0
PYTHON_SERVERS = ("moto[server]>=5.1", "nx-27017>=0.8")
AZURITE = "azurite@^3.35"


class ServiceError(RuntimeError):
    """A server could not be installed or started."""


class MissingProgramError(ServiceError):
    """The machine lacks the program that would install or run a server."""


# -- installing --------------------------------------------------------------------------


def _call(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise MissingProgramError(f"{command[0]} is not installed, which {' '.join(command)} needs")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise ServiceError(
            f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout[-3000:]}"
        )


@contextlib.contextmanager
def _installing() -> Iterator[None]:
    """Let one process at a time install."""
    HOME.mkdir(exist_ok=True)
    (HOME / ".gitignore").write_text("*\n")
    with open(HOME / "install.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install_redis() -> str:
    """Return the path of redis-server, which Debian's package brings if it is absent."""
    found = shutil.which("redis-server")
    if found is None and shutil.which("apt-get") is None:
        raise MissingProgramError("redis-server is not installed, and no apt can install it")
    if found is None:
        apt = ["apt-get"] if os.geteuid() == 0 else ["sudo", "-n", "apt-get"]
        _call(*apt, "update", "-q")
        _call(*apt, "install", "-q", "-y", "--no-install-recommends", "redis-server")
        found = shutil.which("redis-server")
    if found is None:
        raise ServiceError("redis-server is not on the PATH although its package is installed")
    return found


def install_azurite() -> str:
    """Return the path of Azurite's blob server, installed by npm if it is absent."""
    script = HOME / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not script.exists():
        _call(
            "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(HOME), AZURITE
        )
    return str(script)


def install_python_server(name: str) -> str:
    """Return the path of the Python program `name`, in an environment of its own."""
    folder = HOME / "venv"
    program = folder / "bin" / name
    if not program.exists():
        if uv := shutil.which("uv"):
            _call(uv, "venv", "--clear", "--python", sys.executable, str(folder))
            _call(uv, "pip", "install", "-p", str(folder / "bin" / "python"), *PYTHON_SERVERS)
        else:
            _call(sys.executable, "-m", "venv", "--clear", str(folder))
            _call(str(folder / "bin" / "pip"), "install", "-q", *PYTHON_SERVERS)
    return str(program)


# -- the servers -------------------------------------------------------------------------


def _redis(port: int, folder: Path, keep: bool) -> list[str]:
    server = install_redis()
    files = ["--save", "", "--appendonly", "yes" if keep else "no", "--dir", str(folder)]
    return [server, "--bind", "127.0.0.1", "--port", str(port), *files]


def _mongodb(port: int, folder: Path, keep: bool) -> list[str]:
    server = install_python_server("nx-27017")
    data = str(folder / "nx.db") if keep else "memory"
    files = ["--log-file", str(folder / "nx.log"), "--pid-file", str(folder / "nx.pid")]
    return [server, "--db", data, "--port", str(port), *files]


def _azure(port: int, folder: Path, keep: bool) -> list[str]:
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    data = ["--location", str(folder)] if keep else ["--inMemoryPersistence"]
    where = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    return ["node", install_azurite(), *where, *data, *quiet]


def _s3(port: int, folder: Path, keep: bool) -> list[str]:
    # It keeps everything in memory, and knows no other way.
    return [install_python_server("moto_server"), "-H", "127.0.0.1", "-p", str(port)]


def _http(port: int, folder: Path, keep: bool) -> list[str]:
    return [sys.executable, str(HERE / "http_files.py"), str(port), str(folder)]


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False


def _answers_http(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError:
        return True  # an answer, though not a friendly one
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """How to start one kind of server, and how to see that it is up."""

    command: Callable[[int, Path, bool], list[str]]
    is_up: Callable[[int], bool]
    address: str


SERVICES = {
    "redis": Service(_redis, _answers_ping, "redis://127.0.0.1:{}"),
    "mongodb": Service(_mongodb, _accepts, "mongodb://127.0.0.1:{}"),
    "azure": Service(_azure, _answers_http, "http://127.0.0.1:{}/devstoreaccount1"),
    "s3": Service(_s3, _answers_http, "http://127.0.0.1:{}"),
    "http": Service(_http, _answers_http, "http://127.0.0.1:{}"),
}


def variable(name: str) -> str:
    """Return the name of the environment variable that holds the address of `name`."""
    return f"ZARR_TEST_{name.upper()}"


@dataclass(slots=True)
class Server:
    """A server that runs.

    Attributes
    ----------
    name : str
        One of `SERVICES`.
    port : int
        Where it listens, on 127.0.0.1.
    folder : pathlib.Path
        Its own temporary folder; the HTTP server serves the files in it.
    """

    name: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def address(self) -> str:
        """URL of the server."""
        return SERVICES[self.name].address.format(self.port)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server and delete its folder."""
        _end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(
    name: str, port: int | None = None, *, outlive: bool = False, folder: Path | None = None
) -> Server:
    """Start the server `name` and return it when it answers.

    Parameters
    ----------
    name : str
        One of `SERVICES`.
    port : int, optional
        Where to listen; a free port by default.
    outlive : bool, default False
        Whether the server goes on when this process ends without stopping it.
    folder : pathlib.Path, optional
        Where to keep what is stored, so that another server can go on with it; by default
        it is kept in memory. The S3 server cannot.

    Raises
    ------
    ServiceError
        If it cannot be installed or does not answer in time, with the end of its output.
    """
    service = SERVICES[name]
    port = free_port() if port is None else port
    keep = folder is not None
    folder = folder or Path(tempfile.mkdtemp(prefix=f"zarr-{name}-"))
    with _installing():
        command = service.command(port, folder, keep)
    if not outlive and (setpriv := shutil.which("setpriv")):
        command = [setpriv, "--pdeathsig", "TERM", *command]
    # Beside the folder and not in it, because the HTTP server shows what is in it.
    with tempfile.NamedTemporaryFile(prefix=f"zarr-{name}-", suffix=".log") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        server = Server(name, port, folder, process)
        deadline = time.monotonic() + START_SECONDS
        while not service.is_up(port):
            if process.poll() is not None or time.monotonic() > deadline:
                server.stop()
                said = Path(log.name).read_text(errors="replace")[-3000:]
                raise ServiceError(f"{name} did not start: {' '.join(command)}\n{said}")
            time.sleep(0.05)
    return server


@contextlib.contextmanager
def started(names: Sequence[str]) -> Iterator[dict[str, Server]]:
    """Start servers, and stop them at the end of the block."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in names:
            servers[name] = server = start(name)
            stack.callback(server.stop)
        yield servers


# -- the command line --------------------------------------------------------------------


def start_and_leave(names: Sequence[str]) -> None:
    """Start servers that go on after this process, and print where they are."""
    if RUNNING.exists():
        raise ServiceError("servers are running already: python scripts/services.py stop")
    servers: list[Server] = []
    try:
        for name in names:
            servers += [start(name, outlive=True)]
    except BaseException:
        for server in servers:
            server.stop()
        raise
    noted = [{"pid": server.process.pid, "folder": str(server.folder)} for server in servers]
    RUNNING.write_text(json.dumps(noted))
    for name, value in variables(servers).items():
        print(f"export {name}={value}")


def variables(servers: Collection[Server]) -> dict[str, str]:
    """Return the environment variables by which tests find `servers`."""
    found = {variable(server.name): server.address for server in servers}
    for server in servers:
        if server.name == "http":
            found["ZARR_TEST_HTTP_FOLDER"] = str(server.folder)
    return found


def stop_all() -> None:
    """Stop the servers that `start_and_leave` started."""
    if not RUNNING.exists():
        return
    for noted in json.loads(RUNNING.read_text()):
        # Each server leads a process group of its own, so that its number tells it apart.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(noted["pid"], signal.SIGTERM)
        shutil.rmtree(noted["folder"], ignore_errors=True)
    RUNNING.unlink()


def run(names: Sequence[str], command: Sequence[str]) -> int:
    """Run `command` with servers around it and return its exit code."""
    with started(names) as servers:
        environment = {**os.environ, **variables(servers.values())}
        return subprocess.run(list(command), env=environment).returncode


def _names(given: Sequence[str]) -> list[str]:
    unknown = sorted(set(given) - set(SERVICES))
    if unknown:
        raise ServiceError(f"unknown services {unknown}; there are {sorted(SERVICES)}")
    return list(given) or list(SERVICES)


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says."""
    verb, rest = (arguments[0], list(arguments[1:])) if arguments else ("", [])
    if verb == "start":
        start_and_leave(_names(rest))
    elif verb == "stop" and not rest:
        stop_all()
    elif verb == "run" and "--" in rest:
        cut = rest.index("--")
        return run(_names(rest[:cut]), rest[cut + 1 :])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # A polite end from outside still stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1:]))
    except ServiceError as error:
        sys.exit(f"services: {error}")
