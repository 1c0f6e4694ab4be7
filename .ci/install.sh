#!/usr/bin/env bash
# Installs what the build and the tests need and a bare Debian machine lacks. Does nothing where it is there; says what to install elsewhere.
set -euo pipefail

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need gcc gcc
need make make
need git git
need readelf binutils
need ip iproute2
need setpriv util-linux
need curl curl
# The C library that the kit for GPUs is linked with: .ci/sysroot.sh
need mmdebstrap mmdebstrap
# The page of metrics behind a password: instrumentation/tests/test_ways.py
need nginx nginx-light
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "install these first, with the package manager of this system: ${missing[*]}" >&2
		exit 1
	fi
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

want=$(sed -n 's/^go //p' go.mod)
if ! command -v go >/dev/null; then
	echo "install Go $want or later" >&2
	exit 1
fi
go version
