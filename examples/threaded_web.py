"""Count by path in a threaded web server: run `python examples/threaded_web.py` and open http://127.0.0.1:8000."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fastcounter import CounterMap

PAGES = {"/": "Welcome. See /about and /counts.\n", "/about": "Each connection has a thread; all threads count.\n"}

counts: CounterMap[str] = CounterMap()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/counts":
            self.answer(200, "".join(f"{count:9} {label}\n" for label, count in sorted(counts.items())))
        elif path in PAGES:
            counts.increment(path)  # before the client can get the answer
            self.answer(200, PAGES[path])
        else:
            # One label for all other paths: clients choose them, and each new label would take memory for good.
            counts.increment("not found")
            self.answer(404, "There is no such page.\n")

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
