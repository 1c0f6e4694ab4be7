#!/usr/bin/env bash
# Installs the frameworks of the deployments into a virtual environment, and redis-server of Debian beside it, which needs
# no more rights than to download: apt-get installs nothing.
set -euo pipefail

[ $# = 1 ] || { echo "usage: install.sh FOLDER" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
done_before=$1/installed-requirements.txt

cmp -s "$here/requirements.txt" "$done_before" && exit 0
python3 -m venv --clear "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
if ! command -v redis-server > /dev/null; then
	mkdir -p "$1/redis/packages"
	apt-get -qq update
	(cd "$1/redis/packages" && apt-get -qq download redis-tools libhiredis0.14 libjemalloc2 liblua5.1-0 liblzf1 lua-bitop lua-cjson)
	for package in "$1"/redis/packages/*.deb; do dpkg -x "$package" "$1/redis"; done
fi
cp "$here/requirements.txt" "$done_before"
