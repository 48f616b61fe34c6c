# SPDX-License-Identifier: MIT
# Inside the virtual machine only: make deb-test runs it there.
import pathlib

collect_ignore = [] if pathlib.Path("/disk/guest").exists() else ["service"]
