#!/usr/bin/env bash
# Downloads and compiles what the later stages of .ci/run start, which each of them would do by itself: beside a stage that mostly waits it costs no time of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

test/gradio/install.sh .cache/gradio
test/servers/install.sh .cache/servers
make .cache/python/installed-requirements.txt
PYTHON=.cache/gradio/bin/python instrumentation/install.sh gradio .cache/gradio-inside
test/install/prepare.sh system
make .cache/jaeger/jaeger
