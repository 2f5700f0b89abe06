"""A Flask application that counts as an example does: gunicorn --pythonpath ../../examples count_in_flask."""

import os

from flask import Flask, Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from gunicorn_workers import metrics, open_counts

counts = open_counts(os.environ["COUNT_FILE"])
application = Flask(__name__)
application.wsgi_app = DispatcherMiddleware(application.wsgi_app, {"/metrics": metrics})


@application.after_request
def count(response: Response) -> Response:
    counts[f"{response.status[0]}xx"].increment()
    return response


@application.get("/")
def index() -> str:
    return "index"


@application.get("/broken")
def broken() -> str:
    raise ValueError("broken")
