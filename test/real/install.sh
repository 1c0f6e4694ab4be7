#!/usr/bin/env bash
# Installs what a checkout of FaceFusion requires, for a CPU, and what makes its models and clicks in its web UI, into a virtual environment.
set -euo pipefail

[ $# = 2 ] || { echo "usage: install.sh CHECKOUT FOLDER" >&2; exit 1; }
requirements=$1/requirements.txt
done_before=$2/installed-requirements.txt
[ -f "$requirements" ] || {
	echo "FACEFUSION_CHECKOUT=$1 is no checkout of FaceFusion: git clone --branch 3.8.1 https://github.com/facefusion/facefusion, and name its folder" >&2
	exit 1
}

cmp -s "$requirements" "$done_before" && exit 0
# FaceFusion 3.8 requires Python 3.12. The Gradio of 3.2 imports requests, and requires it no more.
"${PYTHON:-python3}" -m venv --clear "$2"
"$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" onnx requests
cp "$requirements" "$done_before"
