# SPDX-License-Identifier: MIT
import json
import shutil

import pytest

import harness


@pytest.fixture
def languages(tmp_path):
    """A copy of the shipped language files, and one more: in "script" the submitted code is the compiler, so that it
    can make anything at all of itself."""
    path = tmp_path / "languages"
    shutil.copytree(harness.ROOT / "languages", path)
    (path / "script.json").write_text(json.dumps({
        "name": "script", "extensions": [".build"], "source": "main.build",
        "compile": {"argv": ["bash", "{source}"], "artifacts": ["main"]},
        "run": ["./{artifact}"], "version": ["bash", "--version"],
    }))
    return path


@pytest.fixture
def server(start_server, languages):
    return start_server(CODECRUSHER_LANGUAGES_DIR=languages)
