#!/usr/bin/env bash
# Builds everything that a release consists of into one folder, with checksums and, where there is a key, their signature.
#
#   release.sh [FOLDER]    dist/release by default
#
# The commit has to be tagged with the version of the Makefile; RELEASE_SNAPSHOT=1 builds any commit under the version of a snapshot.
# RELEASE_KEY is the file of a minisign secret key without a password, made by: go tool -modfile=.ci/package/go.mod minisign -G -W
# RELEASE_ARCHITECTURES are those of Debian; another one than the machine's needs a cross compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
	echo "release: $1" >&2
	exit 1
}

. deploy/package/version.sh
export SOURCE_DATE_EPOCH
version=$PACKAGE_VERSION${PACKAGE_PRERELEASE:+-$PACKAGE_PRERELEASE}
if [ -n "$PACKAGE_PRERELEASE" ] && [ "${RELEASE_SNAPSHOT:-}" != 1 ]; then
	refuse "this commit has no tag v$PACKAGE_VERSION: tag it, or set RELEASE_SNAPSHOT=1 for a snapshot"
fi
git diff --quiet HEAD || refuse "there are changes that are not committed: commit or stash them"
[ -z "${RELEASE_KEY:-}" ] || [ -r "$RELEASE_KEY" ] || refuse "RELEASE_KEY is '$RELEASE_KEY', which cannot be read: give the file of a minisign secret key"

mkdir -p "${1:-dist/release}"
target=$(cd "${1:-dist/release}" && pwd)
[ -z "$(ls -A "$target")" ] || refuse "$target is not empty: remove what is in it, or give another folder"
stage=$(pwd)/_build/release
rm -rf "$stage"
mkdir -p "$stage"

# archive FILE FOLDER NAME... makes a file of the release.
archive() {
	local file=$1
	shift
	.ci/archive.sh "$target/$file" "$@"
}

# programs ARCHITECTURE: the agent with the GPU probe, the same without it, and the doctor.
programs() {
	local arch=$1 out=$stage/$1 cc=gcc
	if [ "$arch" != "$(go env GOHOSTARCH)" ]; then
		cc=$(echo "$arch" | sed 's/arm64/aarch64/; s/amd64/x86-64/')-linux-gnu-gcc
		command -v "$cc" >/dev/null || refuse "no $cc: install the cross compiler, or leave $arch out of RELEASE_ARCHITECTURES"
	fi
	mkdir -p "$out"
	export GOARCH=$arch
	(cd distribution/agent && CGO_ENABLED=1 CC=$cc go build -buildmode=pie -trimpath -ldflags='-s -w -extldflags=-Wl,-z,lazy' -o "$out/otelcol-facefusion" .)
	(cd distribution/agent && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$out/otelcol-facefusion-nogpu" .)
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.version=$version" -o "$out/otelcol-facefusion-doctor" ./cmd/doctor
	unset GOARCH
	.ci/linker.sh binary "$out/otelcol-facefusion"
	.ci/linker.sh hardened "$out/otelcol-facefusion"
	cp LICENSE CHANGELOG.md README.md "$out/"
	archive "otelcol-facefusion_${version}_linux_$arch.tar.gz" "$out" otelcol-facefusion otelcol-facefusion-doctor LICENSE CHANGELOG.md README.md
	archive "otelcol-facefusion-nogpu_${version}_linux_$arch.tar.gz" "$out" otelcol-facefusion-nogpu otelcol-facefusion-doctor LICENSE CHANGELOG.md README.md
}

# ocb writes the sources of the agent, with its version in them; programs compiles them, once for each architecture.
.ci/linker.sh environment
make sources
for arch in ${RELEASE_ARCHITECTURES:-amd64 arm64}; do
	programs "$arch"
	PACKAGE_PROGRAMS=$stage/$arch PACKAGE_TARGET=$target deploy/package/build.sh "$arch"
	IMAGE_TARGET=$stage/image deploy/container/build.sh "$arch" "$stage/$arch"
done
cp _build/package/sbom.cdx.json "$target/otelcol-facefusion_$version.cdx.json"
cp _build/package/sbom.spdx.json "$target/otelcol-facefusion_$version.spdx.json"
archive "otelcol-facefusion-image_$version.tar.gz" "$stage" image
archive "otelcol-facefusion-chart_$version.tgz" deploy/helm otelcol-facefusion
archive "otelcol-facefusion-dashboards_$version.tar.gz" deploy/grafana dashboards
archive "otelcol-facefusion-rules_$version.tar.gz" deploy/prometheus rules
archive "otelcol-facefusion-config_$version.tar.gz" . config
make wheel
cp instrumentation/dist/* "$target/"

(cd "$target" && sha256sum -- * >SHA256SUMS)
if [ -n "${RELEASE_KEY:-}" ]; then
	(cd .ci/package && go build -o ../../_build/ aead.dev/minisign/cmd/minisign)
	_build/minisign -S -s "$RELEASE_KEY" -m "$target/SHA256SUMS" -x "$target/SHA256SUMS.minisig" -t "otelcol-facefusion $version" </dev/null
else
	echo "release: not signed, as RELEASE_KEY is not set"
fi
ls -l "$target"
