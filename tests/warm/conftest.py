# SPDX-License-Identifier: MIT
"""Two servers that differ in one thing: one keeps interpreters started, the other does not."""
import base64
import re

import pytest

import harness

SEEN = ("verdict", "exitCode", "signal", "stdout", "stderr", "response", "truncated")


# A crash of Node.js prints where its functions are, which is elsewhere in each process.
FRAME = re.compile(r"^( *\d+: )0x[0-9a-f]+", re.M)


def readable(value):
    return FRAME.sub(r"\1", value) if isinstance(value, str) else value


SOURCES = {"python": "main.py", "javascript": "main.js", "ruby": "main.rb", "php": "main.php", "lua": "main.lua"}


def submit(server, language, code, **fields):
    """Code as bytes travels as a file of the language's own name, which is the same job."""
    if isinstance(code, str):
        return server.run(language, code, **fields)
    file = {"name": SOURCES[language], "content": base64.b64encode(code).decode(), "encoding": "base64"}
    answer = server.post({"language": language, "files": [file], **fields})
    assert answer.status_code == 200, answer.text
    return server.result(answer.json()["jobId"])


class Pair:
    def __init__(self, warm, cold):
        self.warm = warm
        self.cold = cold

    def hits(self, language):
        return self.warm.metric("codecrusher_warm_hits_total", language=language)

    def run_warm(self, language, code, **fields):
        """A run that a started interpreter waited for."""
        found = []

        def hit():
            before = self.hits(language)
            found[:] = [submit(self.warm, language, code, **fields)]
            return self.hits(language) > before

        harness.wait_until(hit, 30, f"a warm {language}")
        return found[0]

    def run_plain(self, language, code, **fields):
        """A run on the warm server that must not get a started interpreter: there is no miss either."""
        before = self.counts(language)
        result = submit(self.warm, language, code, **fields)
        assert self.counts(language) == before
        return result

    def counts(self, language):
        return self.hits(language), self.warm.metric("codecrusher_warm_misses_total", language=language)

    def same(self, language, code, warm=True, **fields):
        """Both give the same bytes. Returns the result."""
        run = self.run_warm if warm else self.run_plain
        ours = run(language, code, **fields)
        plain = submit(self.cold, language, code, **fields)
        assert {k: readable(ours[k]) for k in SEEN} == {k: readable(plain[k]) for k in SEEN}
        return ours


@pytest.fixture(scope="session")
def pair():
    usual = {"CODECRUSHER_LIMIT_FILE_BYTES": "1M"}  # low enough for a program to meet it
    warm = harness.Server(**usual).start()
    cold = harness.Server(CODECRUSHER_WARM_SLOTS=0, **usual).start()
    yield Pair(warm, cold)
    warm.stop()
    cold.stop()
