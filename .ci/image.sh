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

# What a container within a container may not raise, or has no driver for.
here=(--ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --log-driver k8s-file)

# expect: the container "agent" gets well, and has these.
expect() { # TAG CAPABILITIES OPTION OF THE DOCTOR...
	local tag=$1 expected=$2 n=0
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
	# As docs/install.md asks it. Without a FaceFusion there are warnings, and no failure.
	pod exec agent otelcol-facefusion-doctor "${@:3}" >"$work/doctor" || { cat "$work/doctor"; fail "$tag: its doctor finds a failure"; }
	pod rm --force agent >/dev/null
	echo "$tag: runs read-only, with $expected"
}

mapfile -t tags < <(grep -o '"org.opencontainers.image.ref.name": *"[^"]*"' dist/image/index.json | cut -d '"' -f 4)
[ ${#tags[@]} = 2 ] || fail "there are other images than the two: ${tags[*]}"
pod pull -q "oci:dist/image:${tags[0]}" >/dev/null
pod run -d --name agent "${here[@]}" --read-only --cap-drop=all --security-opt no-new-privileges --pid host --network host "$(pod images -q --no-trunc)" >/dev/null
expect "${tags[0]}" 0000000000000000

# The other one as docs/install.md says, word by word, on a host without a GPU.
documented=$(awk '/^docker run -d --name otelcol-facefusion / { found = 1 } found { print } found && !/\\$/ { exit }' docs/install.md | sed 's/ --gpus all//; s/--name otelcol-facefusion/--name agent/')
case $documented in "docker run "*" otelcol-facefusion:0.1.0-capabilities"*) ;; *) fail "docs/install.md shows no such docker run: $documented" ;; esac
skopeo copy -q "oci:dist/image:${tags[1]}" "containers-storage:[vfs@$work/store+$work/run]localhost/otelcol-facefusion:0.1.0-capabilities"
docker() { pod run "${here[@]}" "${@:2}"; }
eval "$documented" >/dev/null
expect "${tags[1]}" 0000000000080004 --root /host

# Docker reads it, OCI's own tools pass it over.
config=$(grep -l '"Healthcheck"' dist/image/blobs/sha256/* | wc -l)
[ "$config" = 2 ] || fail "no health check in the configuration"

# Who looks at an image learns what it is, and finds its SBOM.
for tag in "${tags[@]}"; do
	for label in version revision source licenses; do
		skopeo inspect "oci:dist/image:$tag" | grep -q "\"org.opencontainers.image.$label\": \"." || fail "$tag has no label $label"
	done
	digest=$(skopeo inspect --format '{{.Digest}}' "oci:dist/image:$tag")
	grep -l "\"subject\".*$digest" dist/image/blobs/sha256/* >/dev/null || fail "no SBOM refers to $tag"
done
