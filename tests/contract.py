# SPDX-License-Identifier: MIT
"""Every answer that any test receives is held against docs/openapi.yaml."""
import json
import pathlib
import re
import urllib.parse
import warnings

import jsonschema
import yaml

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs/openapi.yaml"
_document = None
_routes = []
seen = set()


def _load():
    global _document
    _document = yaml.safe_load(DOCUMENT.read_text())
    assert _document["openapi"].startswith("3.1"), "schemas of OpenAPI 3.1 are JSON Schema; older ones are not"
    for template, item in _document["paths"].items():
        pattern = re.compile("^" + re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template)) + "$")
        _routes.append((pattern, template, item))


def _resolve(node):
    while "$ref" in node:
        target = _document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def check_answer(method, path, status, content_type, body):
    """Raises AssertionError when the answer is not one that the document describes. Paths it does not know
    are answered 404 and checked as errors."""
    if _document is None:
        _load()
    for pattern, template, item in _routes:
        if pattern.match(path):
            break
    else:
        assert status in (400, 404, 413, 429, 431, 503), f"{path} is not in docs/openapi.yaml but says {status}"
        return
    operation = item.get(method.lower())
    if operation is None:
        assert status in (400, 405, 429), f"{method} {path} is not in docs/openapi.yaml but says {status}"
        return
    responses = operation["responses"]
    response = responses.get(str(status)) or responses.get("default")
    assert response, f"{method} {template} says {status}, which docs/openapi.yaml does not have"
    seen.add((method, template, status))
    content = _resolve(response).get("content")
    if not content:
        assert body in (b"", ""), f"{method} {template} {status} has a body that is not documented"
        return
    media = content_type.split(";")[0].strip()
    assert media in content, f"{method} {template} {status}: {media} is not documented"
    if media != "application/json" or method == "HEAD":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        resolver = jsonschema.RefResolver("", _document)
        validator = jsonschema.Draft202012Validator(content[media]["schema"], resolver=resolver)
        problems = [e.message for e in validator.iter_errors(json.loads(body))]
    assert not problems, f"{method} {template} {status}: {problems[:3]} in {body[:500]}"


def check(response, *_args, **_kwargs):
    """For requests: a response hook."""
    path = urllib.parse.urlsplit(response.url).path
    check_answer(
        response.request.method,
        path,
        response.status_code,
        response.headers.get("Content-Type", ""),
        response.content,
    )
