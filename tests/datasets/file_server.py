"""A web server on this machine with one file: it resumes, breaks off, lies and redirects as a test wants it to."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Shelf:
    """What the server has, and how it misbehaves.

    Attributes:
        breaks: for each answer to come, after how many bytes the connection breaks; None: not.
        redirect: where to send those who ask for the file; "" serves it.
        asked: the path and the Range header of every request.
    """

    content: bytes
    md5: str | None = ""
    etag: str = '"one"'
    modified: str = ""
    ranges: bool = True
    announces: bool = True
    status: int = 200
    breaks: list[int | None] = field(default_factory=list)
    redirect: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def checksum(self) -> str:
        """What stands in the .md5 file, the way GroupLens writes it."""
        return f"MD5 (file.zip) = {self.md5 or hashlib.md5(self.content).hexdigest()}\n"


@contextmanager
def serve(shelf: Shelf) -> Iterator[Shelf]:
    """The server, while the body runs; `shelf.url` is the file's address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.asked.append((self.path, self.headers.get("Range", "")))
            if self.path.endswith(".md5"):
                self._send(404 if shelf.md5 is None else 200, shelf.checksum.encode(), {})
            elif shelf.redirect:
                self._send(302, b"", {"Location": shelf.redirect})
            elif shelf.status != 200:
                self._send(shelf.status, b"no", {})
            else:
                self._send_file()

        def _send_file(self) -> None:
            start = self._start()
            headers = {
                name: value for name, value in (("ETag", shelf.etag), ("Last-Modified", shelf.modified)) if value
            }
            if start is not None and start >= len(shelf.content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(shelf.content)}"})
            elif start is not None:
                headers["Content-Range"] = f"bytes {start}-{len(shelf.content) - 1}/{len(shelf.content)}"
                self._send(206, shelf.content[start:], headers, breaking=True)
            else:
                self._send(200, shelf.content, headers, breaking=True)

        def _start(self) -> int | None:
            asked, version = self.headers.get("Range"), self.headers.get("If-Range")
            if not asked or not shelf.ranges or version not in (shelf.etag, shelf.modified):
                return None
            return int(asked.removeprefix("bytes=").removesuffix("-"))

        def _send(self, status: int, body: bytes, headers: dict[str, str], breaking: bool = False) -> None:
            self.send_response(status)
            if shelf.announces or not breaking:
                headers = {**headers, "Content-Length": str(len(body))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            end = shelf.breaks.pop(0) if breaking and shelf.breaks else None
            self.wfile.write(body[:end])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shelf.url = f"http://127.0.0.1:{server.server_port}/file.zip"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()
