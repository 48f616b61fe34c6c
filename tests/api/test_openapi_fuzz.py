# SPDX-License-Identifier: MIT
"""Requests made from docs/openapi.yaml, right ones and broken ones, against a live server.

Whatever is sent: the answer is one that the description has, of class 5xx there is 503 alone, what the description does
not allow is refused, and the server lives on. A seed makes the same requests again: OPENAPI_FUZZ_SEED=… (it is printed);
OPENAPI_FUZZ_REQUESTS=… makes more of them.
"""
import http.client
import json
import os
import random
import string
import time
import urllib.parse
import warnings

import jsonschema
import pytest

import contract
import harness

try:  # since Python 3.11
    import re._parser as regex_parser
except ImportError:
    import sre_parse as regex_parser

REQUESTS = int(os.environ.get("OPENAPI_FUZZ_REQUESTS", "1500"))
PATIENCE_S = 60  # on a slow machine fewer requests are made, but never fewer than the assertion at the end says
CHARACTERS = string.ascii_letters + string.digits + " ./-_%&=+\"'\\{}[]\n\t" + "\u00e9\u4e2d\U0001f600\u202e\u0000"


class Generator:
    """Values of a schema, and values that come close."""

    def __init__(self, rng, document):
        self.rng = rng
        self.document = document

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            schema = node
        return schema

    # ---- right ones

    def value(self, schema):
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        return getattr(self, "_" + schema["type"])(schema)

    def _string(self, schema):
        if "pattern" in schema:
            return self.matching(regex_parser.parse(schema["pattern"]))
        low = schema.get("minLength", 0)
        return self.text(self.rng.randint(low, min(schema.get("maxLength", 40), low + 40)))

    def _integer(self, schema):
        low = schema.get("minimum", -5)
        return self.rng.choice([low, low + 1, self.rng.randint(low, 2000), self.rng.randint(low, 2**40), 2**63 - 1])

    def _boolean(self, _schema):
        return self.rng.random() < 0.5

    def _array(self, schema):
        return [self.value(schema["items"]) for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]

    def _object(self, schema):
        properties = schema.get("properties", {})
        wanted = set(schema.get("required", []))
        if "anyOf" in schema:
            wanted |= set(self.rng.choice(schema["anyOf"]).get("required", []))
        made = {k: self.value(v) for k, v in properties.items() if k in wanted or self.rng.random() < 0.2}
        if isinstance(schema.get("additionalProperties"), dict):
            for _ in range(self.rng.randint(0, 2)):
                made[self.text(5)] = self.value(schema["additionalProperties"])
        return made

    def text(self, length):
        return "".join(self.rng.choice(CHARACTERS) for _ in range(length))

    def matching(self, tree):
        """A text that a pattern matches: as much of the language of patterns as the description uses."""
        out = ""
        for op, arg in tree:
            name = str(op)
            if name == "LITERAL":
                out += chr(arg)
            elif name == "IN":
                kind, what = self.rng.choice(arg)
                out += chr(what if str(kind) == "LITERAL" else self.rng.randint(*what))
            elif name == "MAX_REPEAT":
                low, high, inner = arg
                for _ in range(self.rng.randint(low, min(int(high), low + 4))):
                    out += self.matching(inner)
            elif name == "SUBPATTERN":
                out += self.matching(arg[-1])
            elif name == "BRANCH":
                out += self.matching(self.rng.choice(arg[1]))
            else:
                assert name == "AT", f"a pattern uses {name}: teach it to the generator"
        return out

    # ---- broken ones

    def anything(self):
        return self.rng.choice(
            [None, True, False, 0, -1, 1.5, 1e308, 2**63, -(2**70), "", "x", self.text(8), [], [[]], {}, {"a": 1},
             ["x"] * 3, "\ud800", "a" * 5000]
        )

    def broken(self, value):
        """The value with something changed, somewhere."""
        if isinstance(value, dict) and value and self.rng.random() < 0.8:
            changed = dict(value)
            key = self.rng.choice(list(changed))
            what = self.rng.random()
            if what < 0.2:
                del changed[key]
            elif what < 0.4:
                changed[self.rng.choice([self.text(4), key.upper(), key + " ", ""])] = changed[key]
            else:
                changed[key] = self.broken(changed[key])
            return changed
        if isinstance(value, list) and value and self.rng.random() < 0.7:
            return value[:-1] + [self.broken(value[-1])]
        return self.anything()

    def broken_bytes(self, data):
        """What is no JSON any more, or hardly."""
        at = self.rng.randrange(len(data) + 1)
        return self.rng.choice([
            data[:at],
            data[:at] + bytes([self.rng.randrange(256)]) + data[at:],
            data[:at] + b"\xff\xfe" + data[at + 1:],
            data[:-1] + b',"language":"bash"}',
            b"[" * self.rng.choice([10, 3000, 100000]),
            b'{"language":' * 3000,
            data + data,
            b"\xef\xbb\xbf" + data,
            data.replace(b'"', b"'"),
            b"",
            b"1" * 2000,
            b'{"language":"bash","code":"' + b"x" * 3000000 + b'"}',
        ])


class Fuzz:
    def __init__(self, server, seed):
        contract._load()
        self.document = contract._document
        self.server = server
        self.rng = random.Random(seed)
        self.make = Generator(self.rng, self.document)
        self.connection = None
        self.jobs = ["j" + "0" * 26]
        self.counts = {}
        self.submission = {"$ref": "#/components/schemas/Submission"}

    def allows(self, schema, value):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            resolver = jsonschema.RefResolver("", self.document)
            return jsonschema.Draft202012Validator(schema, resolver=resolver).is_valid(value)

    # ---- one request

    def exchange(self, method, path, body=None, headers=None):
        """(status, content type, body). A connection that the server closed after an answer is made anew."""
        for attempt in (0, 1):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60 * harness.SLOW)
            try:
                self.connection.putrequest(method, path, skip_accept_encoding=True)
                for name, value in (headers or {}).items():
                    self.connection.putheader(name, value)
                if body is not None:
                    self.connection.putheader("Content-Length", str(len(body)))
                self.connection.endheaders(body)
                answer = self.connection.getresponse()
                content = answer.read()
                if answer.will_close:
                    self.close()
                return answer.status, answer.getheader("Content-Type", ""), content
            except (http.client.BadStatusLine, ConnectionError):
                # It may have answered, and closed, before it had read all that we sent.
                self.close()
                if attempt:
                    raise
        raise AssertionError("unreachable")

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def ask(self, method, path, allowed=True, **kwargs):
        status, kind, body = self.exchange(method, path, **kwargs)
        sent = f"{method} {path[:300]} {str(kwargs.get('body'))[:300]}"
        assert status < 500 or status == 503, f"{status} for {sent}: {body[:300]}"
        assert allowed or 400 <= status < 500, f"{status} for what the description does not allow: {sent}"
        contract.check_answer(method, urllib.parse.unquote(path.split("?")[0]), status, kind, body)
        self.counts[status] = self.counts.get(status, 0) + 1
        return status, body

    # ---- parameters

    def query(self, parameters):
        """(query string, whether the description allows it)."""
        pairs, allowed = [], True
        for parameter in map(self.make.resolve, parameters):
            schema = self.make.resolve(parameter["schema"])
            if not parameter.get("required") and self.rng.random() < 0.6:
                continue
            if parameter["name"] == "jobId":
                value = self.job_id()
            elif parameter["name"] == "wait" and self.rng.random() < 0.7:
                value = self.rng.choice(["0", "0.01", "0.2"])
            else:
                value = self.make.value(schema)
                if parameter["name"] == "wait" and value not in ("0",):
                    value = "0.05" if value == "true" or value[0] in string.digits else value
            if self.rng.random() < 0.15:
                value = self.make.text(self.rng.randint(0, 6))
            allowed = allowed and self.allows(schema, value)
            pairs.append((parameter["name"], value))
        if self.rng.random() < 0.05:
            pairs.append((self.make.text(3).replace("\0", "z") or "z", "1"))
            allowed = False
        if pairs and self.rng.random() < 0.03:
            pairs.append(pairs[0])
            allowed = False
        text = urllib.parse.urlencode(pairs)
        if self.rng.random() < 0.03:
            text += self.rng.choice(["&%", "&%zz=1", "&a=%ff", "&=1", "&%00=1"])
            allowed = False
        return ("?" + text if text else ""), allowed

    def job_id(self):
        if self.rng.random() < 0.8:
            return self.rng.choice(self.jobs)
        return self.make.text(self.rng.choice([1, 5, 27, 35, 200])) or "x"

    # ---- operations

    def submit(self, operation):
        query, allowed = self.query(operation["parameters"])
        value = self.make.value(self.submission)
        if self.rng.random() < 0.7:
            value["language"] = self.rng.choice(["bash", "python", "c", "py"])
        if self.rng.random() < 0.5:  # else most are refused for a flag, a version or a name that nobody has
            for name in ("compilerFlags", "version", "files", "limits", "compileLimits", "env"):
                value.pop(name, None)
            value.setdefault("code", "exit 0")
        if self.rng.random() < 0.4:
            value = self.make.broken(value)
        data = json.dumps(value, ensure_ascii=self.rng.random() < 0.5).encode("utf-8", "surrogatepass")
        allowed = allowed and self.allows(self.submission, value)
        headers = {"Content-Type": "application/json"}
        if self.rng.random() < 0.1:
            data, allowed = self.make.broken_bytes(data), True  # what it says now is not known
        if self.rng.random() < 0.03:
            headers["Content-Type"] = self.rng.choice(["text/plain", "application/json; charset=latin1", "", "json"])
            allowed = False
        status, body = self.ask("POST", "/api/v1/submit" + query, allowed, body=data, headers=headers)
        if status == 200:
            self.jobs = self.jobs[-50:] + [json.loads(body)["jobId"]]

    def about_job(self, method, operation):
        query, allowed = self.query(operation.get("parameters", []))
        job = self.job_id()
        path = "/api/v1/jobs/" + urllib.parse.quote(job, safe="" if self.rng.random() < 0.9 else "/")
        self.ask(method, path + query, allowed or "\0" in job or "/" in job)

    def step(self):
        template, item = self.rng.choice(list(self.document["paths"].items()))
        if self.rng.random() < 0.4:
            template = "/api/v1/submit"
            item = self.document["paths"][template]
        method = self.rng.choice([m for m in item if m != "parameters"])
        operation = item[method]
        if self.rng.random() < 0.03:
            # Not as HEAD: there is no body to look at.
            self.ask(self.rng.choice(["PUT", "PATCH", "OPTIONS", "DELETE", "POST"]), "/healthz", True, body=b"")
        elif template == "/api/v1/submit":
            self.submit(operation)
        elif "{id}" in template:
            self.about_job(method.upper(), operation)
        else:
            parameters = self.document["paths"][template]["get"].get("parameters", [])
            query, allowed = self.query(parameters) if parameters else ("", True)
            self.ask(method.upper(), template + query, allowed)


@pytest.mark.parametrize("keys", [False, True], ids=["open", "with-keys"])
def test_no_request_gets_an_answer_that_the_description_does_not_have(start_server, tmp_path, keys):
    seed = int(os.environ.get("OPENAPI_FUZZ_SEED", random.SystemRandom().randrange(2**32)))
    print(f"OPENAPI_FUZZ_SEED={seed}")
    options = {"CODECRUSHER_MAX_QUEUE": 50, "CODECRUSHER_LIMIT_WALL_MS_MAX": 1000, "CODECRUSHER_LIMIT_CPU_MS_MAX": 500,
               "CODECRUSHER_COMPILE_LIMIT_WALL_MS_MAX": 3000, "CODECRUSHER_BODY_MAX": "2M",
               "CODECRUSHER_STDIN_MAX": "1M"}
    if keys:
        (tmp_path / "keys").write_text("alice " + "0" * 64 + "\n")
        options["CODECRUSHER_API_KEYS_FILE"] = tmp_path / "keys"
    server = start_server(**options)
    engine = server.find("engine")
    fuzz = Fuzz(server, seed)
    begin, made = time.monotonic(), 0
    wanted = REQUESTS // 5 if keys else REQUESTS
    while made < wanted and time.monotonic() - begin < PATIENCE_S:
        fuzz.step()
        made += 1
    fuzz.close()
    print(f"{made} requests: {dict(sorted(fuzz.counts.items()))}")
    assert server.find("engine") == engine and server.get("/healthz").status_code == 200
    assert made >= 100
    if keys:
        # Without a key, nothing but health, and refusals that nothing is behind.
        assert fuzz.counts[401] > made / 4 and set(fuzz.counts) <= {200, 400, 401, 404, 405}
        assert len(fuzz.jobs) == 1
        return
    # It is no test if everything is refused, or nothing.
    assert fuzz.counts[200] > made / 20 and fuzz.counts[400] > made / 20 and fuzz.counts[404] > 0
    assert server.run("bash", "echo alive")["response"] == "alive\n"
