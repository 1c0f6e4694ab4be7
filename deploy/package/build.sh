#!/usr/bin/env bash
# Builds the deb and the rpm into dist/, out of bin/. The same commit gives the same bytes: nothing in them is of today or of this machine.
#
#   build.sh [ARCHITECTURE]    amd64 or arm64, as Debian says it; that of this machine by default
#
# A test changes what is in it by its environment: PACKAGE_PRERELEASE, PACKAGE_TARGET, AGENT_CONFIG. A release has its programs elsewhere: PACKAGE_PROGRAMS.
set -euo pipefail
cd "$(dirname "$0")/../.."

arch=${1:-$(go env GOARCH)}
stage=_build/package
rm -rf "$stage"
target=${PACKAGE_TARGET:-dist}
export PACKAGE_PROGRAMS=${PACKAGE_PROGRAMS:-bin}
mkdir -p "$stage" "$target"

. deploy/package/version.sh
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)

gzipped() { gzip -9n >"$stage/$1.gz"; }
page() { sed -e "s/@DATE@/$date/" -e "s/@VERSION@/$PACKAGE_VERSION/" "deploy/package/man/$1" | gzipped "$1"; }
page otelcol-facefusion.8
page otelcol-facefusion-doctor.8
gzipped changelog <CHANGELOG.md
gzipped changelog.Debian <<END
otelcol-facefusion ($PACKAGE_VERSION${PACKAGE_PRERELEASE:+~$PACKAGE_PRERELEASE}) unstable; urgency=medium

  * See changelog.gz.

 -- otelcol-facefusion authors <otelcol-facefusion@users.noreply.github.com>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
cat >"$stage/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: otelcol-facefusion
Source: https://github.com/otelcol-facefusion/otelcol-facefusion

Files: *
Copyright: 2026 The otelcol-facefusion authors
License: Apache-2.0
 On Debian systems, the full text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
END
(cd .ci/package && go build -o ../../_build/ github.com/goreleaser/nfpm/v2/cmd/nfpm ./sbom)
export SOURCE_DATE_EPOCH
_build/sbom --name otelcol-facefusion --version "$PACKAGE_VERSION${PACKAGE_PRERELEASE:+~$PACKAGE_PRERELEASE}" --out "$stage" "$PACKAGE_PROGRAMS/otelcol-facefusion" "$PACKAGE_PROGRAMS/otelcol-facefusion-doctor"
gzip -9n "$stage/third-party-licenses.txt"
cp "${AGENT_CONFIG:-config/agent.yaml}" "$stage/agent.yaml"
# What was checked out has the times and modes of that moment.
find "$stage" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

export PACKAGE_ARCH=$arch PACKAGE_VERSION PACKAGE_PRERELEASE
for packager in deb rpm; do
	_build/nfpm package --config deploy/package/nfpm.yaml --packager $packager --target "$target/"
done
