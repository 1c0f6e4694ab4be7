#!/usr/bin/env bash
# The Python package: what its make targets do, in the environment that instrumentation/install.sh makes; PYTHON_ENVIRONMENT names another one.
set -euo pipefail
cd "$(dirname "$0")/../instrumentation"
bin=$(cd "${PYTHON_ENVIRONMENT:-../.cache/python}/bin" && pwd)

fail() {
	printf 'python: %s\n' "$1" >&2
	exit 1
}

# Twice, from two folders: the same bytes come out, also from the sdist.
wheel() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	rm -rf dist
	"$bin/python" -m build --no-isolation --outdir dist . >/dev/null
	tar -C "$work" -xzf dist/*.tar.gz
	"$bin/python" -m build --no-isolation --outdir "$work/again" "$work"/facefusion_observability-* >/dev/null
	for file in dist/*; do
		cmp "$file" "$work/again/${file##*/}" || fail "$file is not reproducible"
	done
	sha256sum dist/*
}

# The wheel is what is tested, and not the folder.
installed() { "$bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall dist/*.whl; }

case "${1:-}" in
wheel) wheel ;;
check)
	"$bin/ruff" format --check --quiet . || fail "not formatted: run 'ruff format' in instrumentation"
	"$bin/ruff" check .
	"$bin/mypy"
	;;
test)
	installed
	"$bin/pytest" --quiet --numprocesses 2 -m 'not gradio and not service'
	;;
gradio)
	wheel=$(cd .. && pwd)/.cache/gradio-inside/wheel
	rm -rf "$wheel"
	"$bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$wheel" dist/*.whl
	installed
	GRADIO_PYTHON=$(cd ../.cache/gradio/bin && pwd)/python GRADIO_FOLDERS=$(cd ../.cache/gradio-inside && pwd) \
		GRADIO_PACKAGE=$wheel COLLECTOR=$(cd ../bin && pwd)/otelcol-facefusion "$bin/pytest" --quiet --numprocesses 2 -m 'gradio or service'
	;;
install) installed ;;
cost)
	installed
	cd tests && "$bin/python" cost.py
	;;
*) fail "usage: python.sh wheel|check|test|gradio|install|cost" ;;
esac
