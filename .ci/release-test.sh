#!/usr/bin/env bash
# Builds a release of this commit with a throw-away key, and looks at what came out: signature, checksums, programs, packages, versions.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	echo "release-test: $1" >&2
	exit 1
}

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
need qemu-aarch64-static qemu-user-static
need skopeo skopeo
need curl curl
need ip iproute2
if [ ${#missing[@]} -gt 0 ]; then
	apt-get update -q
	# shellcheck disable=SC2086,SC2048
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ${missing[*]}
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd .ci/package && go build -o "$work/" aead.dev/minisign/cmd/minisign)
"$work/minisign" -G -W -p "$work/key.pub" -s "$work/key" >/dev/null

# A commit without a tag is no release.
if ! git describe --tags --exact-match >/dev/null 2>&1 && .ci/release.sh "$work/refused" 2>/dev/null; then
	fail "a commit without a tag was released"
fi
RELEASE_SNAPSHOT=1 RELEASE_KEY=$work/key .ci/release.sh "$work/release"

cd "$work/release"
"$work/minisign" -V -p "$work/key.pub" -m SHA256SUMS -x SHA256SUMS.minisig
sha256sum --check --quiet --strict SHA256SUMS
for file in *; do
	case $file in SHA256SUMS*) continue ;; esac
	grep -q " $file\$" SHA256SUMS || fail "$file has no checksum"
done
for kind in '_linux_amd64.tar.gz' '_linux_arm64.tar.gz' _amd64.deb _arm64.deb .x86_64.rpm .aarch64.rpm .whl .cdx.json .spdx.json .tgz; do
	ls -- *"$kind" >/dev/null 2>&1 || fail "the release has no $kind"
done

# The programs say the version of their files.
mkdir "$work/run"
tar -xzf otelcol-facefusion_*_linux_amd64.tar.gz -C "$work/run"
tar -xzf otelcol-facefusion-nogpu_*_linux_amd64.tar.gz -C "$work/run"
version=$(sed -n 's/^VERSION := //p' "$OLDPWD/Makefile")
for program in otelcol-facefusion otelcol-facefusion-nogpu; do
	"$work/run/$program" --version | grep -q "$version" || fail "$program does not say its version"
done
"$work/run/otelcol-facefusion-nogpu" validate --config "$OLDPWD/config/agent.yaml" || fail "the agent without a GPU probe refuses agent.yaml"

# Packages and image are for the machine that they are named after.
for arch in amd64 arm64; do
	[ "$(dpkg-deb -f -- *_$arch.deb Architecture)" = $arch ] || fail "the deb of $arch is for another machine"
done
mkdir "$work/layout" "$work/root"
tar -xzf otelcol-facefusion-image_*.tar.gz -C "$work/layout"
tag=$(grep -o '"[^"]*-arm64"' "$work/layout/image/index.json" | grep -v capabilities | tr -d '"')
[ "$(skopeo inspect --format '{{.Architecture}}' "oci:$work/layout/image:$tag")" = arm64 ] || fail "the image of arm64 is for another machine"

# The image for arm64 is run by qemu: version, configuration, health and page, of its programs with its C library.
for layer in $(skopeo inspect --format '{{range .Layers}}{{.}} {{end}}' "oci:$work/layout/image:$tag"); do
	tar -xzf "$work/layout/image/blobs/sha256/${layer#sha256:}" -C "$work/root"
done
cp "$(command -v qemu-aarch64-static)" "$work/root/qemu"
mkdir -p "$work/root/proc" "$work/root/sys"
cat >"$work/run-arm64" <<'SH'
set -eu
root=$1 version=$2
fail() { echo "release-test: arm64: $1" >&2; exit 1; }
ip link set lo up
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
arm64() { chroot "$root" /qemu "/usr/bin/$@"; }
for program in otelcol-facefusion otelcol-facefusion-doctor; do
	readelf -hW "$root/usr/bin/$program" | grep -q 'Machine: *AArch64' || fail "$program is for another machine"
	arm64 $program --version | grep -q "$version" || fail "$program does not say its version"
done
arm64 otelcol-facefusion validate --config=/etc/otelcol-facefusion/agent.yaml || fail "agent.yaml is refused"
arm64 otelcol-facefusion --config=/etc/otelcol-facefusion/agent.yaml >"$root/log" 2>&1 &
n=0
until curl -sf http://127.0.0.1:9464/metrics | grep '^facefusion_process_up' >/dev/null; do
	n=$((n + 1))
	[ $n -lt 240 ] || { cat "$root/log"; fail "no page"; }
	sleep 0.5
done
arm64 otelcol-facefusion-doctor --health=http://127.0.0.1:13133/ || fail "it is not well"
curl -sf http://127.0.0.1:9464/metrics | grep -c '^# TYPE' | sed 's/^/release-test: arm64 under qemu: metrics on its page: /'
kill %1
wait %1 || fail "it does not end by SIGTERM"
SH
unshare --mount --net --pid --fork --mount-proc bash "$work/run-arm64" "$work/root" "$version"
echo "release-test: $(ls | wc -l) files are as they should be"
