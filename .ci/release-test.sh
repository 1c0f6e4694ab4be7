#!/usr/bin/env bash
# Builds a release of this commit with a throw-away key, and looks at what came out: signature, checksums, programs, packages, versions.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	echo "release-test: $1" >&2
	exit 1
}

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

# Those for arm64 are for arm64, and run, where there is something to run them with: qemu-user-static of Debian, and the C library of the image.
mkdir "$work/arm64" "$work/image"
tar -xzf otelcol-facefusion_*_linux_arm64.tar.gz -C "$work/arm64"
for program in otelcol-facefusion otelcol-facefusion-doctor; do
	readelf -hW "$work/arm64/$program" | grep -q 'Machine: *AArch64' || fail "$program of arm64 is for another machine"
done
if command -v qemu-aarch64-static >/dev/null; then
	"$OLDPWD/deploy/container/base.sh" arm64 "$work/image"
	for program in otelcol-facefusion otelcol-facefusion-doctor; do
		qemu-aarch64-static -L "$work/image" "$work/arm64/$program" --version | grep -q "$version" || fail "$program does not run on arm64"
	done
	qemu-aarch64-static -L "$work/image" "$work/arm64/otelcol-facefusion" validate --config "$OLDPWD/config/agent.yaml" || fail "the agent for arm64 refuses agent.yaml"
	echo "release-test: the programs for arm64 run under qemu"
else
	echo "release-test: NOT TRIED whether the programs for arm64 run: install qemu-user-static"
fi
echo "release-test: $(ls | wc -l) files are as they should be"
