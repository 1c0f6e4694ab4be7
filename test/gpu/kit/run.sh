#!/bin/sh
# Compares what the collector reports of the GPUs of this host with nvidia-smi, and says what each call into the driver costs. It needs the NVIDIA
# driver with nvidia-smi, and nothing else: no network, no Go, no compiler, no CUDA toolkit, no root. It takes two minutes.
#
#   ./run.sh [FOLDER [OPTION ...]]     FOLDER gets gpu-kit.json, the page and the collector's log; gpu-kit -h lists the options
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/result}
[ $# -eq 0 ] || shift
exec "$here/gpu-kit" -collector "$here/otelcol-facefusion" -out "$out" "$@"
