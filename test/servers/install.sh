#!/usr/bin/env bash
# Installs the frameworks of facefusion.py and their dependencies into a virtual environment of its own.
set -euo pipefail

[ $# = 1 ] || { echo "usage: install.sh FOLDER" >&2; exit 1; }
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt
done_before=$1/installed-requirements.txt

cmp -s "$requirements" "$done_before" && exit 0
python3 -m venv --clear "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$done_before"
