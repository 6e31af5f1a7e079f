"""Tables out of PostgreSQL, from a real server that is begun for the test."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.config.data import DataOptions
from forecast.data.table import read_table
from forecast.errors import DataError

psycopg = pytest.importorskip("psycopg")


def _program(name: str) -> str | None:
    """A program of the server, which systems like to keep out of the path."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(places[-1]) if places else None)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a table of sales."""
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("there is no PostgreSQL server to begin")
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # whom the server refuses
        if "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        user = {"user": "postgres"}
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True, **user).strip())
    data, port = folder / "data", _free_port()
    quiet = {"check": True, "capture_output": True, "cwd": "/", **user}
    subprocess.run([initdb, "-D", data, "-U", "shop", "--auth=trust", "-E", "UTF8"], **quiet)
    settings = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1"]
    process = subprocess.Popen(
        [postgres, "-D", data, *settings],
        cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user,
    )  # fmt: skip
    address = f"postgresql://shop:secret@127.0.0.1:{port}/postgres"
    try:
        _fill(address)
        yield address
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def _fill(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            connection = psycopg.connect(address, connect_timeout=5)
            break
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    with connection:
        connection.execute(
            "CREATE TABLE sales AS SELECT shop, day::date, (10 + n)::numeric(10, 2) / 4 AS sold, "
            "day AT TIME ZONE 'UTC' AS at FROM unnest(ARRAY['007', 'Ümlaut']) shop, "
            "generate_series(0, 29) n, LATERAL (SELECT timestamp '2024-01-01' + n * interval "
            "'1 day' AS day) moments"
        )


def _read(address: str, query: str, **more: object) -> Any:
    options = {"path": address, "query": query, "target": "sold", "id": "shop", **more}
    return read_table(DataOptions.model_validate(options)).panel


def test_a_query_makes_a_table_of_a_server(server: str) -> None:
    """Dates, exact numbers and ids come as they are; instants have their zone."""
    panel = _read(server, "SELECT shop, day, sold FROM sales", time="day")
    assert panel.unique_ids == ("007", "Ümlaut")
    assert (panel.freq, str(panel.begins[0])) == ("D", "2024-01-01 00:00:00")
    np.testing.assert_array_equal(panel.values, np.tile((10 + np.arange(30)) / 4, 2))
    instants = _read(server, "SELECT * FROM sales", time="at", timezone="Europe/Berlin")
    assert str(instants.begins[0]) == "2024-01-01 01:00:00+01:00"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("DELETE FROM sales", "read-only transaction"),
        ("SELECT * FROM nowhere", "does not exist"),
        ("SELECT * FROM sales WHERE shop = 'none'", "gives no rows"),
    ],
)
def test_what_a_server_refuses_is_said_without_the_password(
    server: str, query: str, why: str
) -> None:
    """And nothing can be changed in it."""
    with pytest.raises(DataError, match=why) as raised:
        _read(server, query, time="day")
    assert "secret" not in str(raised.value)
    assert len(_read(server, "SELECT * FROM sales", time="day").values) == 60


def test_a_server_that_is_not_there_is_said() -> None:
    """With where it was looked for."""
    address = f"postgresql://shop:secret@127.0.0.1:{_free_port()}/postgres"
    with pytest.raises(DataError, match=r"127\.0\.0\.1") as raised:
        _read(address, "SELECT 1", time="day")
    assert "secret" not in str(raised.value)
