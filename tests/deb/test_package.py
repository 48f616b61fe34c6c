# SPDX-License-Identifier: MIT
"""The Debian package in a fresh system of the distribution it was built on: installed, used, removed, purged."""
import os
import pathlib
import platform
import subprocess
import sys

import harness
import pytest

sys.path += [str(harness.ROOT / "tests/docker"), str(harness.ROOT / "tests/compose")]
import apt_proxy  # noqa: E402
import engine  # noqa: E402

RELEASE = platform.freedesktop_os_release()["VERSION_CODENAME"]
UNITS = [f"codecrusher{half}.service" for half in ("", "-server", "-worker")]
# The mounts end with the command. Slots need a root that is one.
ENTER = """
mount --bind "$0" "$0" && cd "$0" && mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" &&
exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
"""


class System:
    def __init__(self, place, proxy):
        self.place, self.proxy = place, proxy

    def run(self, *words, check=True):
        """Returns what it prints to stdout and its exit status."""
        done = subprocess.run(
            ["unshare", "--mount", "--", "sh", "-c", ENTER, self.place, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=600,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout if check else (done.stdout + done.stderr, done.returncode)

    def apt(self, *words):
        return self.run("apt-get", "-q", "-y", "-o", f"Acquire::http::Proxy={self.proxy.url}", *words)

    def traces(self):
        """What there is by our name, and of our user's; logs and the package file may tell of us."""
        named = self.run("find", "/", "-xdev", "-iname", "*codecrusher*", "-not", "-path", "/codecrusher.deb", "-not", "-path", "/var/log/*").split()
        accounts = [f for f in ("passwd", "group", "shadow", "gshadow") if "codecrusher" in (self.place / "etc" / f).read_text()]
        orphans = self.run("find", "/", "-xdev", "(", "-nouser", "-o", "-nogroup", ")").split()
        return named + accounts + orphans


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    debs = sorted(harness.BUILD.glob("codecrusher_*.deb"))
    if not debs:
        pytest.exit("there is no package: make deb", 2)
    place = tmp_path_factory.mktemp("system")
    tar = engine.root_file_system(f"system-{RELEASE}", RELEASE, "")
    subprocess.run(["tar", "-C", place, "-xpf", tar], check=True)
    (place / "codecrusher.deb").write_bytes(debs[-1].read_bytes())
    # So that packages do not start what they bring: services are for tests/deb/service.
    (place / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (place / "usr/sbin/policy-rc.d").chmod(0o755)
    proxy = apt_proxy.AptProxy(os.getpid(), "127.0.0.1", engine.CACHE / "apt")
    try:
        s = System(place, proxy)
        s.apt("update")
        yield s
    finally:
        proxy.close()


def enabled(system):
    return sorted(p.name for p in (system.place / "etc/systemd/system/multi-user.target.wants").glob("codecrusher*"))


def test_install_use_remove_purge(system):
    """One test: each step needs the one before."""
    assert system.traces() == []

    system.apt("install", "--no-install-recommends", "/codecrusher.deb", "python3")
    assert (system.place / "etc/passwd").read_text().count("\ncodecrusher:x:") == 1
    assert enabled(system) == ["codecrusher.service"]
    version = (harness.ROOT / "meson.build").read_text().split("version: '")[1].split("'")[0]
    assert version in system.run("codecrusher", "version")
    # Apart from other workers of this machine, which its run directory does not show.
    settings = harness.Settings()
    own = ["env"] + [f"{name}={settings.env()[name]}" for name in ("CODECRUSHER_UID_BASE", "CODECRUSHER_CGROUP_PARENT")]
    report = system.run(*own, "codecrusher", "doctor")
    assert "missing" not in [line.split()[1] for line in report.splitlines() if not line.startswith("language")], report
    (system.place / "root/hello.py").write_text("import os\nprint('hello', os.getuid() > 1000)\n")
    assert system.run(*own, "codecrusher", "run", "/root/hello.py") == "hello True\n"
    settings.remove()
    for half in ("server", "worker"):
        said, status = system.run("codecrusher", half, check=False)
        assert status == 78 and "REDIS_URL" in said

    config = system.place / "etc/codecrusher/codecrusher.env"
    config.write_text(config.read_text() + "PORT=3456\n")
    (system.place / "var/lib/codecrusher").mkdir(exist_ok=True)
    system.apt("remove", "codecrusher")
    assert not (system.place / "usr/bin/codecrusher").exists() and not (system.place / "usr/libexec/codecrusher").exists()
    assert "PORT=3456" in config.read_text() and (system.place / "var/lib/codecrusher").exists()

    system.apt("purge", "codecrusher")
    assert system.traces() == []
