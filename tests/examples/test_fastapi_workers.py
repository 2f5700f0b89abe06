"""examples/fastapi_workers.py under uvicorn, and gunicorn: every worker serves the counts of all."""

import pytest

PAGES = """
@app.get("/items/{number}")
async def item(number: int) -> int:
    return number

@app.get("/broken")
def broken() -> None:
    raise ValueError("broken")
"""
# The label and the status of each path.
ANSWERS = {
    "/items/1": (("/items/{number}", "2xx"), 200),
    "/items/2": (("/items/{number}", "2xx"), 200),
    "/items/none": (("/items/{number}", "4xx"), 422),
    "/missing": (("none", "4xx"), 404),
    "/broken": (("/broken", "5xx"), 500),
}
UVICORN = "uvicorn --workers 4 --port {port} --timeout-worker-healthcheck 60"
GUNICORN = "gunicorn --workers 4 --worker-class asgi --bind 127.0.0.1:{port} --no-control-socket --graceful-timeout 5"


@pytest.fixture
def pages(needs):
    needs("fastapi", "gunicorn", "uvicorn")
    return PAGES


@pytest.mark.parametrize("command", [UVICORN, GUNICORN], ids=["uvicorn", "gunicorn"])
def test_workers_share_the_counts(serve, check_that_workers_share, command):
    check_that_workers_share(*serve(*command.split()), ANSWERS)


def test_counts_go_on_after_a_restart(serve, scrape, status_of, eventually):
    for requests in (1, 2, 3):
        server, address, _ = serve(*UVICORN.split())
        eventually(lambda address=address: scrape(address) is not None)
        assert status_of(address, "/items/1") == 200
        assert scrape(address) == {("/items/{number}", "2xx"): requests}
        server.terminate()
        server.wait(timeout=60)
