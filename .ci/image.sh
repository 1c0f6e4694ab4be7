#!/usr/bin/env bash
# The image, as an operator runs it: built twice it is the same; it starts with a read-only root and no capability; the variant with file capabilities has
# its two and no more, for a user that is not root.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	printf 'image: %s\n' "$1" >&2
	exit 1
}

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need podman podman
need runc runc
need skopeo skopeo
need unshare util-linux
need ip iproute2
if [ ${#missing[@]} -gt 0 ]; then
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# A network of its own: the ports of the image are those of an agent.
if [ "${1:-}" != inside ]; then
	rm -rf dist/image _build/image-again
	deploy/container/build.sh
	(umask 077 && IMAGE_TARGET=_build/image-again deploy/container/build.sh)
	diff -r dist/image _build/image-again || fail "built twice, it is not the same"
	exec unshare --net "$0" inside
fi
ip link set lo up

work=$(mktemp -d)
pod() { podman --root "$work/store" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc "$@"; }
cleanup() {
	pod rm --force --all >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT

# try TAG CAPABILITIES OPTION... starts it, and expects these capabilities in it.
try() {
	local tag=$1 expected=$2
	shift 2
	pod pull -q "oci:dist/image:$tag" >/dev/null
	local image
	image=$(pod images -q --no-trunc | head -n 1)
	# The limits are for a test within a container, which may not raise its own.
	pod run -d --name agent --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --read-only --cap-drop=all --security-opt no-new-privileges \
		--pid host --network host --log-driver k8s-file "$@" "$image" >/dev/null
	local n=0
	until pod exec agent /usr/bin/otelcol-facefusion-doctor --health=http://127.0.0.1:13133/ 2>/dev/null; do
		n=$((n + 1))
		[ $n -lt 60 ] || { pod logs agent; fail "$tag does not get well"; }
		sleep 0.5
	done
	until curl -sf http://127.0.0.1:9464/metrics | grep '^facefusion_process_up' >/dev/null; do
		n=$((n + 1))
		[ $n -lt 60 ] || { pod logs agent; fail "$tag shows no page"; }
		sleep 0.5
	done
	local status
	status=/proc/$(pod inspect -f '{{.State.Pid}}' agent)/status
	grep -q "^CapEff:	$expected$" "$status" || fail "$tag has other capabilities than $expected: $(grep CapEff "$status")"
	grep -q "^Uid:	10001	10001" "$status" || fail "$tag does not run as its user"
	pod rm --force agent >/dev/null
	pod rmi --force "$image" >/dev/null
	echo "$tag: runs read-only, with $expected"
}

mapfile -t tags < <(grep -o '"org.opencontainers.image.ref.name": *"[^"]*"' dist/image/index.json | cut -d '"' -f 4)
[ ${#tags[@]} = 2 ] || fail "there are other images than the two: ${tags[*]}"
try "${tags[0]}" 0000000000000000
try "${tags[1]}" 0000000000080004 --cap-add=SYS_PTRACE --cap-add=DAC_READ_SEARCH

# Docker reads it, OCI's own tools pass it over.
config=$(grep -l '"Healthcheck"' dist/image/blobs/sha256/* | wc -l)
[ "$config" = 2 ] || fail "no health check in the configuration"
