"""The server of a live page: on this machine only, read-only.

Its address is 127.0.0.1. A request must name this address as its host, which prevents DNS rebinding: a foreign page
whose name resolves to 127.0.0.1 receives nothing.
"""

import errno
import json
import logging
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import parse_qs

from neuronas.errors import ConfigurationError
from neuronas.report.page import live_page
from neuronas.version import __version__

HOST = "127.0.0.1"
_log = logging.getLogger(__name__)
_IDLE_S = 30.0  # idle connections are closed after this time
_EVERY_S = 2.0  # a page sends its next request after this time,
_PAUSE_FACTOR = 5  # or after this multiple of the last response time, so as not to slow down a search
_LATE_S = 2.0  # a page without a request for this time has been closed
_GOODBYE_S = 10.0  # how long to wait at the end for the last request of an open page


class LivePage(Protocol):
    """Content of a live page: ``LiveRun``, ``LiveStream``."""

    @property
    def links(self) -> Mapping[str, str]:
        """Titles of its sections by identifier."""
        ...

    def state(self, known: str) -> dict[str, Any]:
        """See ``LiveRun.state``."""
        ...


class LiveServer:
    """Serves a live page from its own threads; use it in a ``with`` statement.

    Args:
        shown: content of the page.
        port: port to listen on; 0 for any free one.

    Raises:
        ConfigurationError: the port is taken or cannot be opened.
    """

    def __init__(self, shown: LivePage, port: int):
        self._shown = shown
        page, policy = live_page(shown.links)
        self._page, self.policy = page.encode(), f"{policy}; frame-ancestors 'none'"
        self._ending, self._told = Event(), Event()
        self._expected = -_LATE_S  # time of the next request of a page
        try:
            self._server = _Server((HOST, port), _handler(self))
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
            raise ConfigurationError(
                f"port {port} of {HOST} {reason}; choose another --port, or leave it out for any free one"
            ) from None
        self.port: int = self._server.server_address[1]

    @property
    def address(self) -> str:
        """URL to open in a browser."""
        return f"http://{HOST}:{self.port}/"

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread = Thread(target=self._server.serve_forever, name="live page", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving; after a normal end, an open page first receives the last state."""
        due = self._expected - monotonic() + _LATE_S
        if kind is None and due > 0:
            self._ending.set()
            self._told.wait(min(due, _GOODBYE_S))
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until interrupted."""
        while self._thread.is_alive():
            self._thread.join(1.0)  # with a timeout, so that Ctrl-C is handled

    @property
    def page(self) -> bytes:
        """The page without its content."""
        return self._page

    def state(self, version: str, send: Callable[[bytes], None]) -> None:
        """Send the state to a page, which says what version it shows."""
        ending, started = self._ending.is_set(), monotonic()
        state = self._shown.state(version)
        pause_s = max(_EVERY_S, _PAUSE_FACTOR * (monotonic() - started))
        self._expected = monotonic() + pause_s
        send(json.dumps(state | {"ended": ending, "pause_s": pause_s}, allow_nan=False).encode())
        if ending:
            self._told.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error; a closed connection of a browser is not an error."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            _log.error("live page: a request failed", exc_info=True)


def _handler(live: LiveServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_S
        server_version, sys_version = f"neuronas/{__version__}", ""

        def do_GET(self) -> None:
            hosts = self.headers.get_all("Host") or []
            if hosts not in ([f"{HOST}:{live.port}"], [f"localhost:{live.port}"]):
                self._send(HTTPStatus.FORBIDDEN, "text/plain", f"expected the host {HOST}:{live.port}\n".encode())
                return
            path, _, query = self.path.partition("?")
            if path == "/":
                self._send(HTTPStatus.OK, "text/html; charset=utf-8", live.page)
            elif path == "/state":
                version = parse_qs(query).get("version", [""])[0]
                live.state(version, lambda content: self._send(HTTPStatus.OK, "application/json", content))
            elif path == "/favicon.ico":  # requested by browsers automatically
                self._send(HTTPStatus.NO_CONTENT, "text/plain", b"")
            else:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")

        def _send(self, status: HTTPStatus, media_type: str, content: bytes) -> None:
            self.send_response(status)
            for name, value in {
                "Content-Type": media_type,
                "Content-Length": str(len(content)),
                "Content-Security-Policy": live.policy,
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """Answer requests that are not GET, or not HTTP, in plain text, and close the connection."""
            self.close_connection = True
            self._send(HTTPStatus(code), "text/plain", b"only GET is answered\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            _log.debug(format, *args)

    return Handler
