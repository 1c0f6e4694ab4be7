#!/usr/bin/env bash
# Installs what the tests of the package need, at exact versions, into folders of their own. Does nothing where it is there.
#
#   install.sh test FOLDER     a virtual environment with the tools and the services around FaceFusion
#   install.sh gradio FOLDER   beside test/gradio's environment: the other Gradios that FaceFusion pins, and the package's dependencies
#
# PYTHON names the interpreter; python3 is the default.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

# done FOLDER FILE: whether what FILE says is in FOLDER.
already() { cmp -s "$2" "$1/installed-requirements.txt"; }

case "${1:-} ${2:-}" in
test\ ?*)
	already "$2" "$here/requirements/test.txt" && exit 0
	"$python" -m venv --clear "$2"
	"$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements/test.txt"
	cp "$here/requirements/test.txt" "$2/installed-requirements.txt"
	;;
gradio\ ?*)
	# Folders over one another, by PYTHONPATH: numpy and pandas are there once, and not for each Gradio.
	for name in gradio gradio-5.9.1 gradio-5.42.0; do
		already "$2/$name" "$here/requirements/$name.txt" && continue
		rm -rf "${2:?}/$name"
		"$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$2/$name" \
			--requirement "$here/requirements/$name.txt"
		cp "$here/requirements/$name.txt" "$2/$name/installed-requirements.txt"
	done
	;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 1
	;;
esac
