#!/usr/bin/env bash
# Installs what HotSwap's tests and `hotswap dev` need beside Go and Node: Postgres, Redis, Chromium.
# Skips what is there; done in an instant when all is.
set -euo pipefail

oldest_go=1.26
oldest_node=20

say() { printf 'bootstrap: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANT compares versions such as 1.26.8 and 1.26.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_go() {
	has go || fail "Go $oldest_go or newer is needed: https://go.dev/dl/"
	local have
	have=$(go env GOVERSION)
	at_least "${have#go}" "$oldest_go" || fail "Go $oldest_go or newer is needed, this is $have"
}

check_node() {
	has node || fail "Node $oldest_node or newer is needed: https://nodejs.org/"
	local have
	have=$(node --version)
	at_least "${have#v}" "$oldest_node" || fail "Node $oldest_node or newer is needed, this is $have"
}

# has_postgres looks where devstack looks: PATH, then Debian's packages.
has_postgres() {
	{ has postgres && has initdb; } || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

has_chromium() {
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		has "$name" && return
	done
	return 1
}

missing() {
	has_postgres || echo postgresql
	has redis-server || echo redis-server
	has_chromium || echo chromium
}

# as_root runs a command as root, through sudo where we are not.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# retry makes up for a mirror that is busy or a package lock that another process holds for a moment.
retry() {
	local try
	for try in 1 2 3; do
		"$@" && return
		say "try $try failed: $*"
		sleep $((try * 5))
	done
	return 1
}

apt() {
	retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@"
}

install() {
	say "installing $*"
	apt update >&2
	apt install -y --no-install-recommends "$@" >&2
}

main() {
	check_go
	check_node
	local -a packages
	mapfile -t packages < <(missing)
	[ "${#packages[@]}" -gt 0 ] || return 0
	has apt-get || fail "please install these yourself, there is no apt-get here: ${packages[*]}"
	[ "$(id -u)" = 0 ] || has sudo || fail "please install these as root, there is no sudo here: ${packages[*]}"
	install "${packages[@]}" || fail "could not install: ${packages[*]}"
	mapfile -t packages < <(missing)
	[ "${#packages[@]}" -eq 0 ] || fail "still missing after the installation: ${packages[*]}"
}

main
