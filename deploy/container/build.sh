#!/usr/bin/env bash
# Builds the image as an OCI layout into dist/image, out of bin/: with neither Docker nor a registry, the same bytes for the same commit and the same
# state of Debian. Its tags are VERSION-ARCHITECTURE and VERSION-capabilities-ARCHITECTURE.
#
#   build.sh [ARCHITECTURE [FOLDER OF PROGRAMS]]
set -euo pipefail
cd "$(dirname "$0")/../.."

arch=${1:-$(go env GOARCH)}
programs=${2:-bin}
stage=_build/image-$arch
rm -rf "$stage"
mkdir -p "$stage/config" dist

. deploy/package/version.sh
export SOURCE_DATE_EPOCH
version=$PACKAGE_VERSION${PACKAGE_PRERELEASE:+-$PACKAGE_PRERELEASE}

deploy/container/base.sh "$arch" "$stage/base"
cp config/*.yaml "$stage/config/"
rm "$stage/config/demo.yaml"
(cd .ci/package && go build -o ../../_build/ ./sbom ./image)
mkdir "$stage/sbom"
_build/sbom --name otelcol-facefusion --version "$version" --out "$stage/sbom" "$programs/otelcol-facefusion" "$programs/otelcol-facefusion-doctor"
mkdir -p "$stage/base/usr/share/doc/otelcol-facefusion"
cp LICENSE "$stage/base/usr/share/doc/otelcol-facefusion/copyright"
cp "$stage"/sbom/* "$stage/base/usr/share/doc/otelcol-facefusion/"
_build/image --base "$stage/base" --programs "$programs" --config "$stage/config" --arch "$arch" --version "$version" \
	--revision "$PACKAGE_COMMIT" --sbom "$stage/sbom/sbom.cdx.json" --out "${IMAGE_TARGET:-dist/image}"
echo "oci:${IMAGE_TARGET:-dist/image}:$version-$arch and :$version-capabilities-$arch"
