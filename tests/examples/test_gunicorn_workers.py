"""examples/gunicorn_workers.py: the count is the number of requests, workers killed or not, and survives a restart."""

import http.client
import os
import re
import signal
import struct
import sys
import threading
import urllib.request

import pytest

CLIENTS = 4
REQUESTS = 1000
KILLED = 3


@pytest.fixture
def count_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNT_FILE", str(tmp_path / "requests.count"))
    return tmp_path / "requests.count"


@pytest.fixture
def serve(count_file, example, path, start, free_port, tmp_path, eventually):
    """Start the example and wait until it serves; returns its process, its address and what names its workers."""

    def started():
        address = f"127.0.0.1:{free_port()}"
        log = tmp_path / f"gunicorn-{address}.log"
        environment = {
            **os.environ,
            "GUNICORN_CMD_ARGS": f"--bind {address} --log-file {log} --no-control-socket",
        }
        server = start(sys.executable, path, env=environment)

        def workers():
            return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", log.read_text())]

        eventually(lambda: len(workers()) == 4)
        return server, f"http://{address}/", workers

    return started


def request(url):
    """The number that the answer names."""
    with urllib.request.urlopen(url, timeout=30) as response:
        return int(re.fullmatch(r"request (\d+)\n", response.read().decode())[1])


def saved_count(path):
    return struct.unpack_from("q", path.read_bytes())[0]


def test_the_count_is_the_number_of_requests(serve, count_file, eventually):
    server, url, workers = serve()
    numbers, failures = [], []

    def send():
        for _ in range(REQUESTS):
            try:
                numbers.append(request(url))
            except (OSError, http.client.HTTPException) as error:
                failures.append(error)

    clients = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for killed in range(KILLED):  # one after the other, all under load
        eventually(lambda killed=killed: len(numbers) > (killed + 1) * CLIENTS * REQUESTS / (KILLED + 1))
        os.kill(workers()[-1], signal.SIGKILL)
        eventually(lambda killed=killed: len(workers()) == 4 + killed + 1)
    for client in clients:
        client.join()

    assert len(failures) <= KILLED  # a worker serves one request at a time
    assert len(set(numbers)) == len(numbers) == CLIENTS * REQUESTS - len(failures)
    assert len(numbers) <= saved_count(count_file) <= len(numbers) + len(failures)

    server.terminate()
    assert server.wait(timeout=30) == 0
    count = saved_count(count_file)
    server, url, workers = serve()
    assert request(url) == count + 1
