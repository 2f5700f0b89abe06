"""What the tests of the examples share: loading them, and running them and the servers they need."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import pytest

import helpers

EXAMPLES = Path(__file__).parents[2] / "examples"
STANDARD_LABELS = ["__name__", "instance", "job"]  # those that Prometheus gives


@pytest.fixture(scope="session")
def missing():
    """Skip the test, but fail it where everything has to be there, as in the `examples` session of nox."""

    def skip_or_fail(what):
        if os.environ.get("FASTCOUNTER_EXAMPLES"):
            pytest.fail(f"{what} is missing")
        pytest.skip(f"needs {what}")

    return skip_or_fail


@pytest.fixture(scope="module")
def path(request):
    """The path of the example that a test module is named after."""
    [found] = EXAMPLES.glob(f"{request.path.stem.removeprefix('test_')}.py*")
    return found


@pytest.fixture
def load(missing):
    """Import a program by its path."""

    def import_from(path):
        try:
            return helpers.load(path)
        except ModuleNotFoundError as error:
            missing(error.name)

    return import_from


@pytest.fixture
def example(path, load):
    """The example, imported."""
    return load(path)


@pytest.fixture
def run(path):
    """Run the example as a program that ends by itself; return what it prints."""

    return lambda **environment: helpers.run_quietly(path, env={**os.environ, **environment}, timeout=60)


@pytest.fixture
def program(missing):
    """The path of a program that the system has to have."""
    return lambda name: shutil.which(name) or missing(name)


@pytest.fixture
def start():
    """Start a process; it is ended with the test."""
    processes = []

    def start_process(*command, **options):
        processes.append(subprocess.Popen(command, **options))
        return processes[-1]

    yield start_process
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it may have files to sync
            process.kill()
            process.wait()


@pytest.fixture
def free_port():
    """Return a port of the loopback interface that nobody listens on."""

    def find():
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    return find


@pytest.fixture
def served(path, start, free_port):
    """Start the example as a program that serves; it may still be starting.  Returns its address."""

    def serve(**options):
        port = free_port()
        start(sys.executable, path, env={**os.environ, "PORT": str(port)}, **options)
        return f"http://127.0.0.1:{port}"

    return serve


@pytest.fixture
def eventually():
    """Call a function until it neither raises OSError nor returns None or False; return what it returns."""

    def call(function, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                result = function()
            except OSError as error:
                result, reason = None, error
            else:
                reason = result
            if result is not None and result is not False:
                return result
            assert time.monotonic() < end, reason
            time.sleep(0.05)

    return call


@pytest.fixture(scope="session")
def fetch():
    """Get the text that an address serves."""

    def get(url, **headers):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as response:
                return response.read().decode()
        except urllib.error.HTTPError as error:  # as long as a server is starting
            error.close()
            raise

    return get


@pytest.fixture(scope="session")
def status_of():
    """Get what an address serves at a path, through a connection of its own.  Returns the status."""

    def get(address, path):
        connection = http.client.HTTPConnection(address, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()

    return get


@pytest.fixture
def gunicorn(start, free_port, tmp_path):
    """Start gunicorn with a command.  Returns its process, its address and its log."""

    def serve(*command, address=None, **environment):
        address = address or f"127.0.0.1:{free_port()}"
        log = tmp_path / f"gunicorn-{free_port()}.log"
        # A worker misses a signal that comes just after its fork.  It is killed after this many seconds.
        arguments = f"--bind {address} --log-file {log} --no-control-socket --graceful-timeout 5"
        return start(*command, env={**os.environ, **environment, "GUNICORN_CMD_ARGS": arguments}), address, log

    return serve


@pytest.fixture(scope="session")
def workers():
    """The process ids of all workers that gunicorn has started, by its log."""
    return lambda log: [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", log.read_text())]


@pytest.fixture
def send_and_kill(status_of, workers, eventually):
    """Send requests for random paths to gunicorn, and scrape it, while its workers are killed.

    Each path has to be answered with its status.  Returns how often each was answered, how often its request was cut
    off, and the scrapes.  A worker serves one request at a time, so at most one is cut off for each worker killed.
    """

    def run(address, log, statuses, scrape, requests=4000, clients=4, kills=4):
        answered, cut, scrapes, killed = [], [], [], []
        booted = len(workers(log))

        def send():
            for _ in range(requests // clients):
                path = random.choice(list(statuses))
                try:
                    answered.append((path, status_of(address, path)))
                except (OSError, http.client.HTTPException):
                    cut.append(path)

        def scrape_on():
            while len(answered) + len(cut) < requests:
                try:
                    scrapes.append(scrape(address))
                except (OSError, http.client.HTTPException):
                    cut.append("/metrics")

        def kill():
            for part in range(1, kills + 1):
                eventually(lambda part=part: len(answered) > part * requests / (kills + 1))
                killed.append(random.choice([pid for pid in workers(log) if pid not in killed]))
                os.kill(killed[-1], signal.SIGKILL)
                eventually(lambda part=part: len(workers(log)) == booted + part)

        helpers.run_threads(kill, scrape_on, *[send] * clients, switch_interval=sys.getswitchinterval())
        assert set(answered) <= set(statuses.items())
        assert len(cut) <= kills
        assert len(scrapes) > kills
        return Counter(path for path, _ in answered), Counter(cut), scrapes

    return run


@pytest.fixture
def expose():
    """Serve what a collector collects.  Returns the address."""
    servers = []

    def serve(collector):
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry()
        registry.register(collector)
        servers.append(start_http_server(0, addr="127.0.0.1", registry=registry))
        return f"127.0.0.1:{servers[-1][0].server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def promtool(program):
    """Check that `promtool check metrics` accepts the text that a scraper gets, and prints nothing."""

    def check(metrics):
        command = [program("promtool"), "check", "metrics"]
        result = subprocess.run(command, input=metrics, capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")

    return check


@pytest.fixture
def prometheus(program, start, free_port, tmp_path, eventually, fetch):
    """Start a Prometheus server that scrapes an address; returns a function that queries it.

    A query waits for a result, because there is none after a failed scrape.  The result is a dict; its keys are the
    values of the program's own labels.
    """

    def serve(address):
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{address}']}}]}}]\n"
        )
        with open(tmp_path / "prometheus.log", "w") as log:
            port = free_port()
            start(
                program("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                stderr=log,
            )

        def ask(expression):
            answer = json.loads(fetch(f"http://127.0.0.1:{port}/api/v1/query?{urlencode({'query': expression})}"))
            values = {}
            for result in answer["data"]["result"]:
                labels = [value for label, value in result["metric"].items() if label not in STANDARD_LABELS]
                values[",".join(labels)] = result["value"][1]
            return values

        eventually(lambda: ask("up") == {"": "1"})
        return lambda expression: eventually(lambda: ask(expression) or None)

    return serve
