# SPDX-License-Identifier: MIT
"""Packages for containers that have no network but their Engine's: an HTTP proxy in the Engine's network namespace.

Every address is fetched by this machine's own apt (apt-helper), so whatever way apt reaches its mirror here is the way
that containers get theirs. Package files never change under one name and are kept in a directory between runs.
"""
import ctypes
import hashlib
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

APT_HELPER = "/usr/lib/apt/apt-helper"
CLONE_NEWNET = 0x40000000


def listen_in(pid, address):
    """A listening socket in the network namespace of process `pid`."""
    made = []

    def enter():  # only this thread moves there, and ends there
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/proc/{pid}/ns/net") as ns:
            if libc.setns(ns.fileno(), CLONE_NEWNET):
                made.append(OSError(ctypes.get_errno(), "setns"))
                return
        s = socket.socket()
        s.bind((address, 0))
        s.listen(64)
        made.append(s)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            path = self.server.fetch(self.path)
        except subprocess.CalledProcessError:
            return self.send_error(404)
        with open(path, "rb") as f:
            if "/pool/" not in self.path:
                os.unlink(path)
            self.send_response(200)
            self.send_header("Content-Length", str(os.fstat(f.fileno()).st_size))
            self.end_headers()
            shutil.copyfileobj(f, self.wfile)

    def log_message(self, *_):
        pass


class AptProxy(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pid, address, cache):
        """Serves in the network namespace of `pid` until close()."""
        super().__init__((address, 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listen_in(pid, address)
        self.url = "http://%s:%d" % self.socket.getsockname()
        self.cache = pathlib.Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()

    def fetch(self, url):
        """A file with what the address holds: kept when it is a package, else the caller's to remove."""
        kept = self.cache / hashlib.sha256(url.encode()).hexdigest()
        if "/pool/" in url and kept.exists():
            return kept
        descriptor, new = tempfile.mkstemp(dir=self.cache)
        os.close(descriptor)
        try:
            subprocess.run(
                [APT_HELPER, "-q", "-o", "APT::Sandbox::User=root", "download-file", url, new],
                check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.CalledProcessError:
            pathlib.Path(new).unlink(missing_ok=True)
            raise
        if "/pool/" not in url:
            return new
        os.rename(new, kept)
        return kept
