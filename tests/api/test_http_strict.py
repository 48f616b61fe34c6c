# SPDX-License-Identifier: MIT
"""Requests that are not HTTP/1.1, or only almost, byte by byte over a socket."""
import re

import pytest

import contract
from harness import read_answer

BODY = b'{"language":"bash","code":"true"}'
HEAD = b"POST /api/v1/submit HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"

REFUSED = {
    "two different lengths": (HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY, 400),
    "a list of different lengths": (HEAD + b"Content-Length: 33, 34\r\n\r\n" + BODY, 400),
    "length and chunks": (HEAD + LENGTH + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "chunks and length": (HEAD + CHUNKED + LENGTH + b"\r\n0\r\n\r\n", 400),
    "length with a sign": (HEAD + b"Content-Length: +33\r\n\r\n" + BODY, 400),
    "negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400),
    "hexadecimal length": (HEAD + b"Content-Length: 0x21\r\n\r\n" + BODY, 400),
    "empty length": (HEAD + b"Content-Length: \r\n\r\n" + BODY, 400),
    "length with a word": (HEAD + b"Content-Length: 33x\r\n\r\n" + BODY, 400),
    "length beyond 64 bits": (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", (400, 413)),
    "length beyond the cap": (HEAD + b"Content-Length: 9999999999\r\n\r\n", 413),
    "no length": (HEAD + b"\r\n", (400, 411)),
    "an unknown coding": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
    "identity coding": (HEAD + b"Transfer-Encoding: identity\r\n\r\n", (400, 501)),
    "chunked twice": (HEAD + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "a chunk size that is no number": (HEAD + CHUNKED + b"\r\nxyz\r\n", 400),
    "a chunk size with 0x": (HEAD + CHUNKED + b"\r\n0x21\r\n" + BODY + b"\r\n0\r\n\r\n", 400),
    "a negative chunk size": (HEAD + CHUNKED + b"\r\n-1\r\n", 400),
    "an empty chunk size": (HEAD + CHUNKED + b"\r\n\r\n", 400),
    "a chunk size beyond 64 bits": (HEAD + CHUNKED + b"\r\nfffffffffffffffff1\r\n", (400, 413)),
    "a chunk that is longer than it says": (HEAD + CHUNKED + b"\r\n5\r\n" + BODY + b"\r\n0\r\n\r\n", 400),
    "a chunk line with a bare LF": (HEAD + CHUNKED + b"\r\n21\n" + BODY + b"\r\n0\r\n\r\n", 400),
    "endless chunk extensions": (HEAD + CHUNKED + b"\r\n1;" + b"x" * 100000 + b"\r\n", (400, 413, 431)),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"Host: y\r\n\r\n", 400),
    "the same host twice": (GET + b"Host: x\r\n\r\n", 400),
    "NUL in a value": (GET + b"X: a\0b\r\n\r\n", 400),
    "bare CR in a value": (GET + b"X: a\rb\r\n\r\n", 400),
    "bare LF as line end": (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
    "a control character in a value": (GET + b"X: a\x01b\r\n\r\n", 400),
    "space before the colon": (GET + b"X : a\r\n\r\n", 400),
    "space before length's colon": (HEAD + b"Content-Length : 33\r\n\r\n" + BODY, 400),
    "a folded line": (GET + b"X: a\r\n b\r\n\r\n", 400),
    "a line that begins with space": (b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    "a name that is empty": (GET + b": a\r\n\r\n", 400),
    "a line without colon": (GET + b"nonsense\r\n\r\n", 400),
    "a name with a strange byte": (GET + b"X\xff: a\r\n\r\n", 400),
    "a head over 32 KiB": (GET + b"X: " + b"a" * 33000 + b"\r\n\r\n", 431),
    "a head over 32 KiB in small lines": (GET + b"X: a\r\n" * 6000 + b"\r\n", 431),
    "a target over 32 KiB": (b"GET /" + b"a" * 33000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414, 431)),
    "a space in the target": (b"GET /heal thz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "two spaces": (b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no version": (b"GET /healthz\r\nHost: x\r\n\r\n", 400),
    "HTTP/2.0": (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", (400, 505)),
    "HTTP/1.10": (b"GET /healthz HTTP/1.10\r\nHost: x\r\n\r\n", (400, 505)),
    "another protocol": (b"GET /healthz FTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an unknown method": (b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
    "a method in lower case": (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405, 501)),
    "a NUL in the target": (b"GET /health\0z HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a target without slash": (b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(60)) + b"\r\n\r\n", 400),
    "an expectation nobody knows": (HEAD + b"Expect: 200-maybe\r\n" + LENGTH + b"\r\n", 417),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(server, case):
    data, status = REFUSED[case]
    with server.connect() as s:
        s.sendall(data)
        stream = s.makefile("rb")
        answer = read_answer(s, stream)
        assert answer, "closed without an answer"
        wanted = status if isinstance(status, tuple) else (status,)
        assert answer.status in wanted, answer.body
        problem = answer.json()
        assert problem["success"] is False
        assert " " in problem["error"]
        if answer.status != 405:
            # Where a request ends is not known any more, so nothing after it may be read as one.
            assert answer.headers.get("connection") == "close"
            assert stream.read() == b""
        contract.check_answer("GET", "/unrouted", 400, "application/json", answer.body)


def exchange(server, data, answers=1):
    with server.connect() as s:
        s.sendall(data)
        stream = s.makefile("rb")
        return [read_answer(s, stream) for _ in range(answers)]


ACCEPTED = {
    "a length": HEAD + LENGTH + b"\r\n" + BODY,
    "leading zeros": HEAD + b"Content-Length: 000033\r\n\r\n" + BODY,
    "chunks": HEAD + CHUNKED + b"\r\n5\r\n" + BODY[:5] + b"\r\n1C\r\n" + BODY[5:] + b"\r\n0\r\n\r\n",
    "chunks with extensions and trailers": HEAD + CHUNKED + b"\r\n21;a=b\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
    "names in any case": HEAD.replace(b"Content-Type", b"cOnTeNt-tYpE") + LENGTH.upper() + b"\r\n" + BODY,
    "no space after the colon": HEAD.replace(b": ", b":") + LENGTH + b"\r\n" + BODY,
    "an empty line before": b"\r\n" + HEAD + LENGTH + b"\r\n" + BODY,
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(server, case):
    (answer,) = exchange(server, ACCEPTED[case])
    assert answer.status == 200, answer.body
    assert answer.json()["success"] is True


def test_expect_100_continue(server):
    with server.connect() as s:
        stream = s.makefile("rb")
        s.sendall(HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n")
        assert read_answer(s, stream).status == 100
        s.sendall(BODY)
        assert read_answer(s, stream).status == 200


def test_expectation_of_a_body_over_the_cap_is_refused_before_it_is_sent(server):
    with server.connect() as s:
        s.sendall(HEAD + b"Content-Length: 999999999\r\nExpect: 100-continue\r\n\r\n")
        assert read_answer(s).status == 413


def test_bytes_that_come_one_by_one(server):
    data = HEAD + CHUNKED + b"\r\n21\r\n" + BODY + b"\r\n0\r\n\r\n"
    with server.connect() as s:
        s.setsockopt(6, 1, 1)  # TCP_NODELAY
        for i in range(len(data)):
            s.sendall(data[i : i + 1])
        assert read_answer(s).status == 200


def test_pipelined_requests_are_answered_in_order(server):
    post = b"POST /api/v1/submit?wait=true HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    slow = b'{"language":"bash","code":"sleep 0.5; echo slow"}'
    data = (
        post + b"Content-Length: %d\r\n\r\n" % len(slow) + slow
        + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        + HEAD + LENGTH + b"\r\n" + BODY
        + GET + b"\r\n"
    )  # fmt: skip
    first, second, third, fourth = exchange(server, data, 4)
    assert first.json()["response"] == "slow\n"
    assert second.status == 404
    assert "jobId" in third.json()
    assert fourth.status == 200


def test_hundreds_of_pipelined_requests(server):
    answers = exchange(server, (GET + b"\r\n") * 500, 500)
    assert all(a.status == 200 for a in answers)


def test_keep_alive_and_close(server):
    with server.connect() as s:
        stream = s.makefile("rb")
        for _ in range(3):
            s.sendall(GET + b"\r\n")
            answer = read_answer(s, stream)
            assert answer.status == 200 and answer.headers.get("connection", "") != "close"
        s.sendall(GET + b"Connection: close\r\n\r\n")
        assert read_answer(s, stream).headers["connection"] == "close"
        assert stream.read() == b""


def test_http_1_0_closes_unless_asked_to_stay(server):
    with server.connect() as s:
        s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        stream = s.makefile("rb")
        assert stream.readline().split()[1] == b"200"
        assert stream.read().count(b"HTTP/1.") == 0


def test_a_request_after_a_post_is_not_eaten_by_it(server):
    """A body that is longer than its length is the start of a next request, and a bad one."""
    first, second = exchange(server, HEAD + LENGTH + b"\r\n" + BODY + b"extra\r\n\r\n", 2)
    assert (first.status, second.status) == (200, 400)


def test_a_half_request_and_a_close_leave_nothing(server):
    for data in (b"", b"GET", GET, HEAD + LENGTH + b"\r\n" + BODY[:10]):
        with server.connect() as s:
            s.sendall(data)
            s.shutdown(1)
            rest = s.makefile("rb").read()
            assert rest == b"" or re.match(rb"HTTP/1\.1 (400|408) ", rest)
    assert server.get("/healthz").status_code == 200


def test_no_answer_is_cut_at_a_slow_reader(server):
    """An answer of several MB to a client that reads late arrives whole."""
    job = server.submit("python", "print('\\x01' * 1000000)")
    server.result(job)
    request = b"GET /api/v1/result?jobId=%s HTTP/1.1\r\nHost: x\r\n\r\n" % job.encode()
    answers = exchange(server, request * 3, 3)
    assert all(a.json()["stdout"] == "\x01" * 1000000 + "\n" for a in answers)
