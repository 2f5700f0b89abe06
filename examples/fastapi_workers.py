"""Serve the counts of all workers at /metrics: `uvicorn --workers 4 --app-dir examples fastapi_workers:app`."""

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, core, generate_latest, registry
from starlette.middleware.base import RequestResponseEndpoint

from fastcounter import SharedCounterMap

responses: SharedCounterMap[tuple[str, str]] = SharedCounterMap("responses.counts")  # the same file in each worker
app = FastAPI()


@app.middleware("http")
async def count(request: Request, call_next: RequestResponseEndpoint) -> Response:
    status = 500  # if the route raises
    try:
        response = await call_next(request)
        status = response.status_code
    finally:  # before the client can get the answer
        route = getattr(request.scope.get("route"), "path", "none")  # not the path: clients choose it
        responses.increment((route, f"{status // 100}xx"))
    return response


class Responses(registry.Collector):
    def collect(self) -> list[core.CounterMetricFamily]:
        family = core.CounterMetricFamily("http_responses", "By route and class of status.", labels=["route", "class"])
        for labels, number in responses.items():
            family.add_metric(labels, number)
        return [family]


@app.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(Responses()), media_type=CONTENT_TYPE_LATEST)
