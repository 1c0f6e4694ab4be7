#!/usr/bin/env bash
# Makes what the tests of this folder need: a bare Debian with systemd in .cache/install, and packages of two versions in dist/install.
#
#   prepare.sh [system]    the Debian alone
#   prepare.sh runbooks    the Debian of the runbooks alone, which has what every server has
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need mmdebstrap mmdebstrap
need systemd-nspawn systemd-container
need curl curl
if [ ${#missing[@]} -gt 0 ]; then
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

if [ "${1:-}" = runbooks ]; then
	host=.cache/install/runbooks
	if [ ! -e "$host/complete" ]; then
		rm -rf "$host"
		mkdir -p "$(dirname "$host")"
		mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,systemd-timesyncd,dbus,python3,sudo,procps,iproute2,curl,pciutils,openssl,kmod bookworm "$host"
		rm -f "$host/etc/machine-id" "$host/etc/hostname"
		touch "$host/complete"
	fi
	exit 0
fi

# Nothing of it is configured by hand: it even lacks /etc/hosts. rpm is for the other package.
bare=.cache/install/debian
if [ ! -e "$bare/complete" ]; then
	rm -rf "$bare"
	mkdir -p "$(dirname "$bare")"
	mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,rpm bookworm "$bare"
	# Each machine makes its own.
	rm -f "$bare/etc/machine-id" "$bare/etc/hostname"
	touch "$bare/complete"
fi
[ "${1:-}" != system ] || exit 0

# The same program twice: what differs is what a package manager looks at. The first one is a version that has been, with a configuration of its time.
rm -rf dist/install
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
sed 's/^# The agent of a FaceFusion host.*/# An older version of this file./' config/agent.yaml >"$old/agent.yaml"
package() { PACKAGE_PRERELEASE=$1 PACKAGE_TARGET=dist/install/$2 AGENT_CONFIG=${3:-} deploy/package/build.sh >/dev/null; }
package git1 old "$old/agent.yaml"
package git2 new
