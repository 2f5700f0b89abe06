"""What the tests of the examples share: loading them, and running them and the servers they need."""

import functools
import http.client
import importlib.util
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


def pytest_itemcollected(item):
    item.add_marker("example")


@pytest.fixture(scope="session")
def missing():
    """Skip the test, but fail it where everything has to be there, as in the `long` sessions of nox."""

    def skip_or_fail(what):
        if os.environ.get("FASTCOUNTER_EXAMPLES"):
            pytest.fail(f"{what} is missing")
        pytest.skip(f"needs {what}")

    return skip_or_fail


@pytest.fixture(scope="session")
def needs(missing):
    """Say which modules a test needs."""
    return lambda *names: [importlib.util.find_spec(name) or missing(name) for name in names]


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
def serve(path, pages, tmp_path, start, free_port):
    """Start a server by a command, with the example's application and the test module's pages.

    Returns its process, its address and its log.  The file of counts is in the test's folder.
    """
    (tmp_path / "application.py").write_text(f"from {path.stem} import app\n{pages}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path.parent), str(tmp_path)])}

    def started(*command, port=None):
        port = port or free_port()
        log = tmp_path / f"server-{free_port()}.log"
        command = [sys.executable, "-m", *(part.format(port=port) for part in command), "application:app"]
        with log.open("w") as file:
            process = start(*command, cwd=tmp_path, env=environment, stdout=file, stderr=file)
        return process, f"127.0.0.1:{port}", log

    return started


@pytest.fixture(scope="session")
def workers():
    """The process ids of all workers that a server has started, by the log of gunicorn or uvicorn."""
    started = re.compile(r"(?:Booting worker with pid: |Started server process \[)(\d+)")
    return lambda log: [int(pid) for pid in started.findall(log.read_text())]


@pytest.fixture
def scrape(needs, fetch):
    """The counts by route and class of status, as a scraper reads them.  Those of scrapes are left out."""
    needs("prometheus_client")
    from prometheus_client.parser import text_string_to_metric_families

    def scraped(address):
        [family] = text_string_to_metric_families(fetch(f"http://{address}/metrics"))
        assert (family.name, family.type) == ("http_responses", "counter")
        counts = {(sample.labels["route"], sample.labels["class"]): int(sample.value) for sample in family.samples}
        assert len(counts) == len(family.samples)  # no label is there twice
        counts.pop(("/metrics", "2xx"), None)
        return counts

    return scraped


@pytest.fixture
def check_that_workers_share(scrape, workers, status_of, eventually):
    """Check that each of four workers serves the counts of all, also after a reload and after one of them is killed.

    `pages` has the label and the status of each path.
    """

    def reload(server, log):
        old = workers(log)
        server.send_signal(signal.SIGHUP)
        # uvicorn replaces one after the other, each by a new interpreter.
        eventually(lambda: len(workers(log)) >= len(old) + 4 and not any(map(helpers.is_running, old)), seconds=300)

    def kill(server, log):
        old = workers(log)
        os.kill(random.choice([pid for pid in old if helpers.is_running(pid)]), signal.SIGKILL)
        # If uvicorn has just asked that worker how it is, it first waits for the answer.
        eventually(lambda: len(workers(log)) > len(old), seconds=300)

    def check(server, address, log, pages):
        def send(path, status):
            assert [status_of(address, path) for _ in range(50)] == [status] * 50

        eventually(lambda: len(workers(log)) >= 4 and scrape(address) == {})
        expected = Counter()
        for change in (reload, kill, None):
            senders = [functools.partial(send, path, status) for path, (_, status) in pages.items()]
            helpers.run_threads(*senders, switch_interval=sys.getswitchinterval())
            for label, _ in pages.values():
                expected[label] += 50
            assert [scrape(address) for _ in range(20)] == [expected] * 20  # whichever worker serves it
            if change:
                change(server, log)
                eventually(lambda: scrape(address))

    return check


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
