"""Serve the counts of all workers at /metrics: `gunicorn --workers 4 --pythonpath examples flask_workers:app`."""

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, core, generate_latest, registry

from fastcounter import SharedCounterMap

responses: SharedCounterMap[tuple[str, str]] = SharedCounterMap("responses.counts")  # the same file in each worker
app = Flask(__name__)


@app.after_request
def count(response: Response) -> Response:  # before the client can get the answer
    route = getattr(request.url_rule, "rule", "none")  # not the path: clients choose it
    responses.increment((route, f"{response.status_code // 100}xx"))
    return response


class Responses(registry.Collector):
    def collect(self) -> list[core.CounterMetricFamily]:
        family = core.CounterMetricFamily("http_responses", "By route and class of status.", labels=["route", "class"])
        for labels, number in responses.items():
            family.add_metric(labels, number)
        return [family]


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(Responses()), content_type=CONTENT_TYPE_LATEST)
