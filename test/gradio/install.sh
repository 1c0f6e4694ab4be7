#!/usr/bin/env bash
# Installs what the stand-in needs, Gradio and its dependencies at exact versions, into a virtual environment of its own.
set -euo pipefail

[ $# = 1 ] || { echo "usage: install.sh FOLDER" >&2; exit 1; }
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt
done_before=$1/installed-requirements.txt

cmp -s "$requirements" "$done_before" && exit 0
python3 -m venv --clear "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$done_before"
