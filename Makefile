# SPDX-License-Identifier: MIT
# The front door. Everything is built by meson in $(BUILD); these are the words for it.

BUILD ?= build
PYTHON := /usr/bin/python3
PYTEST := $(PYTHON) -m pytest

# Suites with targets of their own: each starts a Docker Engine or a machine.
APART := --ignore=tests/docker --ignore=tests/compose --ignore=tests/deb --ignore=tests/vm
# The rest in two halves that run side by side: much of it is waiting.
HALF := tests/sandbox tests/rootless tests/soak tests/warm tests/interop
OTHER_HALF := tests $(APART) $(HALF:%=--ignore=%)

.PHONY: run start stop status logs deb test test-vm test-vm-some unit blackbox chaos soak bench docker-test compose-test deb-test defences lint format fuzz sanitize tsan install clean build root

run: root
	@scripts/setup run
	@$(MAKE) --no-print-directory build
	@exec $(BUILD)/src/cmd/codecrusher serve

# The stack of docker-compose.yml, with docker compose or docker-compose; COMPOSE_FILE chooses another file.
start:
	@scripts/compose start

stop:
	@scripts/compose down

status:
	@scripts/compose ps

logs:
	@scripts/compose logs --tail=200

deb:
	@scripts/setup deb
	@scripts/deb $(BUILD)

test: root
	@scripts/setup test
	@$(MAKE) --no-print-directory build unit blackbox

unit: build
	meson test -C $(BUILD) --no-rebuild --print-errorlogs

blackbox: build
	scripts/mongo-server build $(BUILD)
	CODECRUSHER_BUILD=$(BUILD) scripts/side-by-side \
		"$(PYTEST) $(HALF)" \
		"$(PYTEST) $(OTHER_HALF) && $(PYTEST) tests/api --backend distributed"

# The test of many hosts in trouble, which `make test` runs with 500 jobs, with 5000.
chaos: root
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	CODECRUSHER_BUILD=$(BUILD) CHAOS_JOBS=$${CHAOS_JOBS:-5000} $(PYTEST) tests/hosts -s

# The test that nothing grows, which `make test` runs with 600 jobs, with 20000: a quarter of an hour on two cores.
soak: root
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	CODECRUSHER_BUILD=$(BUILD) SOAK_JOBS=$${SOAK_JOBS:-20000} $(PYTEST) tests/soak -s

# Starts a Docker Engine of its own; the first time, debootstrap makes its image, which is kept in
# CODECRUSHER_TEST_CACHE (default /var/cache/codecrusher-test).
docker-test: root
	@scripts/setup docker
	@$(MAKE) --no-print-directory build
	CODECRUSHER_BUILD=$(BUILD) $(PYTEST) tests/docker

# The same with docker-compose.yml: builds its images and runs the stack; see docs/deploy.md.
compose-test: root
	@scripts/setup compose
	@$(MAKE) --no-print-directory build
	CODECRUSHER_BUILD=$(BUILD) $(PYTEST) tests/compose

# The package in a fresh system, and as a service of a machine with systemd.
deb-test: root
	@scripts/setup vm
	@$(MAKE) --no-print-directory build deb
	CODECRUSHER_BUILD=$(BUILD) $(PYTEST) tests/deb
	scripts/test-vm $(BUILD) tests/deb/service

# The sandbox's tests on a kernel of its own with nothing but cgroup v2; see scripts/test-vm.
test-vm: root
	@scripts/setup vm
	@$(MAKE) --no-print-directory build
	scripts/test-vm $(BUILD)

# What of it has a few minutes: what cgroup v2 alone has, ordinary users, all limits, and the attacks on resources.
test-vm-some: root
	@scripts/setup vm
	@$(MAKE) --no-print-directory build
	VM_SECONDS=1500 CODECRUSHER_ATTACKS=A scripts/test-vm $(BUILD) tests/vm tests/rootless/test_rootless.py \
		tests/sandbox/test_limits.py tests/sandbox/test_attacks.py

bench: root
	@scripts/setup bench
	@$(MAKE) --no-print-directory build
	@bench/run

lint:
	@scripts/setup lint
	@$(MAKE) --no-print-directory build
	@scripts/lint $(BUILD)

format:
	clang-format -i $$(find src tests bench -name '*.[ch]')

# The same suite, but for what talks to other programs, against a build with AddressSanitizer and UndefinedBehaviorSanitizer.
# Of the attacks only those that lead our own code along paths of its own: to the others, it is the same kernel.
SANITIZE_ATTACKS := A05 A07 A10 A16 A26 A28 A48 B02 C02 C06 C09 C12 D06 D08 D09 D10 D11 D12 D13 F04 F05 G07 G17 H07 H10 H12
sanitize: root
	@scripts/setup test
	@$(MAKE) --no-print-directory BUILD=build-sanitize MESON_ARGS='-Db_sanitize=address,undefined -Db_lundef=false' build unit
	CODECRUSHER_BUILD=build-sanitize CODECRUSHER_ATTACKS='$(SANITIZE_ATTACKS)' scripts/side-by-side \
		"$(PYTEST) $(filter-out tests/interop,$(HALF))" \
		"$(PYTEST) $(OTHER_HALF) --ignore=tests/hosts"

# Unit tests of what uses threads. setarch -R: gcc 12's ThreadSanitizer cannot live with the many random bits of newer kernels.
tsan:
	@scripts/setup test
	@$(MAKE) --no-print-directory BUILD=build-tsan MESON_ARGS='-Db_sanitize=thread -Db_lundef=false' build
	@tests=$$(meson test -C build-tsan --no-rebuild --list | awk '{ print $$NF }' | grep -E '^((base|cache|db|queue|store)(/|$$)|worker/compile$$)') && \
		setarch -R meson test -C build-tsan --no-rebuild --print-errorlogs $$tests

# Takes each of the sandbox's defences away, one at a time, and shows that attacks get through without it.
defences: root
	@scripts/setup test
	@[ -f build-defences/build.ninja ] || meson setup -Dwithout_defence=true build-defences
	ninja -C build-defences src/cmd/codecrusher src/sandbox/codecrusher-spawner \
		src/sandbox/hostile_test src/sandbox/hostile_flood_test src/sandbox/hostile_files_test
	CODECRUSHER_BUILD=build-defences $(PYTHON) tests/sandbox/defences.py

fuzz:
	@scripts/setup lint
	@scripts/fuzz

install: build
	meson install -C $(BUILD)

clean:
	rm -rf build build-defences build-sanitize build-tsan build-fuzz

build: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(MESON_ARGS) $(BUILD)

root:
	@test "$$(id -u)" = 0 || { echo "CodeCrusher makes namespaces, mounts and cgroups, so this needs root: use sudo make ..." >&2; exit 1; }
