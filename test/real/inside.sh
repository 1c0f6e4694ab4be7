#!/usr/bin/env bash
# Installs the wheel that `make wheel` built, for a Python of FaceFusion's, into a folder to be on PYTHONPATH: FaceFusion's own environment stays as it is.
set -euo pipefail

[ $# = 2 ] || { echo "usage: inside.sh PYTHON FOLDER" >&2; exit 1; }
rm -rf "$2"
"$1" -m pip install --quiet --disable-pip-version-check --target "$2" "$(echo "$(dirname "$0")"/../../instrumentation/dist/*.whl)[otlp]"
