# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What CodeCrusher is measured against, started and described for bench/run. Each part is left out, with a word, when
# what it needs is not installed. Expects $scratch (a directory that is removed at the end) and $root (a root file
# system with /usr/bin/returns), and collects in $peer_pids what has to be ended.

peer_pids=()
: "${scratch:?}" "${root:?}"

peer_missing() { echo "bench: no comparison with $1: $2 is not installed (scripts/setup bench)" >&2; }

# One line per way to run the static program in a container: name, how many times a slot it should take (back to back,
# and at 10 a second; 0: nothing promised), command.
peers_of_slots() {
	local file=$1
	: >"$file"
	if command -v bwrap >/dev/null; then
		printf 'bwrap\t4\t4\tbwrap --unshare-all --ro-bind %s / --proc /proc --dev /dev --tmpfs /tmp /usr/bin/returns\n' \
			"$root" >>"$file"
	else
		peer_missing bubblewrap bubblewrap
	fi
	if command -v crun >/dev/null; then
		make_bundle && printf 'crun\t8\t10\tcrun --root %s run --bundle %s codecrusher-bench-%s\n' \
			"$scratch/crun" "$scratch/bundle" "$$" >>"$file"
	else
		peer_missing crun crun
	fi
	if command -v dockerd >/dev/null && start_dockerd; then
		printf 'docker\t100\t100\tdocker -H unix://%s run --rm --network none codecrusher-bench /usr/bin/returns\n' \
			"$scratch/docker.sock" >>"$file"
	else
		peer_missing docker docker.io
	fi
	if command -v isolate >/dev/null; then
		printf 'isolate\t0\t0\tisolate --silent --processes --run -- /usr/bin/true\n' >>"$file"
		isolate --init >/dev/null
	fi
}

make_bundle() {
	mkdir "$scratch/bundle"
	(cd "$scratch/bundle" && crun spec) || return 1
	/usr/bin/python3 - "$scratch/bundle/config.json" "$root" <<'END'
import json, sys
spec = json.load(open(sys.argv[1]))
spec["process"].update(terminal=False, args=["/usr/bin/returns"])
spec["root"] = {"path": sys.argv[2], "readonly": True}
json.dump(spec, open(sys.argv[1], "w"))
END
}

# An Engine of its own: own directories and socket, no network.
start_dockerd() {
	local docker=(docker -H "unix://$scratch/docker.sock")
	dockerd --data-root "$scratch/docker-data" --exec-root "$scratch/docker-exec" --pidfile "$scratch/docker.pid" \
		-H "unix://$scratch/docker.sock" --iptables=false --ip6tables=false --bridge=none >"$scratch/docker.log" 2>&1 &
	peer_pids+=($!)
	for _ in $(seq 300); do
		"${docker[@]}" version >/dev/null 2>&1 && break
		sleep 0.1
	done
	tar -C "$root" -c . | "${docker[@]}" import - codecrusher-bench >/dev/null
}

# Sets $express_port; fails when Node.js or Redis is missing.
start_express() {
	local redis_port
	if ! command -v npm >/dev/null || ! command -v redis-server >/dev/null; then
		peer_missing "Express and BullMQ" "npm or redis-server"
		return 1
	fi
	cp -r bench/peers/express-bullmq "$scratch/express"
	(cd "$scratch/express" && npm install --silent --no-audit --no-fund --no-package-lock >/dev/null) || return 1
	redis_port=$(free_port)
	mkdir "$scratch/redis"
	redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$scratch/redis" --appendonly yes --appendfsync always \
		--save '' --maxmemory-policy noeviction >"$scratch/redis.log" 2>&1 &
	peer_pids+=($!)
	# An engine of the same scheduling class, the distribution's Node.js, in production mode.
	NODE_ENV=production /usr/bin/node "$scratch/express/server.js" "$redis_port" >"$scratch/express.port" 2>"$scratch/express.log" &
	peer_pids+=($!)
	for _ in $(seq 100); do
		express_port=$(<"$scratch/express.port")
		[ -n "$express_port" ] && return 0
		sleep 0.1
	done
	cat "$scratch/express.log" >&2
	return 1
}

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

stop_peers() {
	local pid
	for pid in "${peer_pids[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	for pid in "${peer_pids[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	awk -v at="$scratch/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r mount; do umount -l "$mount" || true; done
}
