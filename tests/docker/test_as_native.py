# SPDX-License-Identifier: MIT
"""The native slots' own tests, on containers: what a program may do, what ends it, and what that is called.

docs/docker.md says what differs; each difference is a name here, with its reason, and has a test of its own in
test_containers.py where there is something to hold it to.
"""
import importlib.util
import pathlib

NATIVE = pathlib.Path(__file__).parent.parent / "sandbox"
DIFFERENT = {
    "test_the_disk_is_one_for_all_places": "three tmpfs, each with the whole limit",
    "test_memory": "the container's limit is the program's and that of the box in it",
    "test_cpu_time": "as in test_containers.py: the bound on what was used is wider",
    "test_wall_time": "as in test_containers.py: a container may have to be made first",
    "test_etc_is_made_up": "/etc is the image's",
    "test_mounts": "the Engine's own mounts",
    "test_there_is_no_sys_and_little_dev": "/sys is there, masked, and /dev is the Engine's",
    "test_what_it_must_not_read": "directories of the image are not the host's; see test_containers.py",
    "test_who_it_is": "its uid is of another range",
    "test_environment_and_places": "PATH is the image's",
}


def load(name):
    spec = importlib.util.spec_from_file_location(f"native_{name}", NATIVE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {k: v for k, v in vars(module).items() if k.startswith("test_")}


found = {**load("test_exit"), **load("test_limits"), **load("test_inside")}
found["test_users_are_gone"] = load("test_between_jobs")["test_users_are_gone"]
assert set(DIFFERENT) <= set(found)
globals().update({k: v for k, v in found.items() if k not in DIFFERENT})


def load_value(module, name):
    """Something else of a native module, such as a table of programs."""
    spec = importlib.util.spec_from_file_location(f"native_{module}", NATIVE / f"{module}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)
