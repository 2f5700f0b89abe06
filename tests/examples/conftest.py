"""What the tests of the examples share: loading them, and running them and the servers they need."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


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
def example(path, missing):
    """The example, imported."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        missing(error.name)
    return module


@pytest.fixture
def run(path):
    """Run the example as a program that ends by itself; return what it prints."""

    def run_program(**environment):
        command = [sys.executable, path]
        result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return run_program


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
        process.wait(timeout=30)


@pytest.fixture
def free_port():
    """Return a port of the loopback interface that nobody listens on."""

    def find():
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    return find


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
