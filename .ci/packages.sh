#!/usr/bin/env bash
# What can be said of the packages without installing them: built twice they are the same, lintian has nothing to say, the unit is confined.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
	printf 'packages: %s\n' "$1" >&2
	exit 1
}

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need lintian lintian
need systemd-analyze systemd
need rpm rpm
if [ ${#missing[@]} -gt 0 ]; then
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What git archive makes is of the same version.
mkdir "$work/archive"
git archive HEAD .ci/commit Makefile deploy/package/version.sh | tar -x -C "$work/archive"
version() { (cd "$1" && . deploy/package/version.sh && echo "$PACKAGE_VERSION $PACKAGE_PRERELEASE $PACKAGE_COMMIT $SOURCE_DATE_EPOCH"); }
[ "$(version .)" = "$(version "$work/archive")" ] || fail "out of an archive the version is another one: $(version "$work/archive")"

# What decides about licences is tested itself.
(cd .ci/package && go vet ./sbom && go test ./sbom)

# A second build, out of a tree with other times and another umask.
deploy/package/build.sh
(
	umask 077
	find config deploy -exec touch {} +
	PACKAGE_TARGET=$work/again deploy/package/build.sh >/dev/null
)
for package in "$work"/again/*; do
	cmp "$package" "dist/$(basename "$package")" || fail "built twice, $(basename "$package") is not the same"
done
deb=$(ls "$work"/again/*.deb)

# What it has to say and why that is as it should be is in deploy/package/lintian-overrides; an override that fits nothing is a tag, too.
LC_ALL=C lintian --allow-root --tag-display-limit 0 --display-info --pedantic --fail-on error,warning,info,pedantic "$deb"
rpm --checksig --nosignature "$work"/again/*.rpm

# 2.5 is what a unit gets that sees all processes, files and devices, and little else.
mkdir -p "$work/units"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/units" ./usr/lib/systemd/system ./usr/share/doc/otelcol-facefusion/drop-ins
unit=$work/units/usr/lib/systemd/system/otelcol-facefusion.service
confined() { systemd-analyze security --offline=true --threshold=25 "$1" | tail -n 1; }
confined "$unit" || fail "the unit may do more than it has to: systemd-analyze security --offline=true $unit"
for drop_in in "$work"/units/usr/share/doc/otelcol-facefusion/drop-ins/*.conf; do
	name=$(basename "$drop_in")
	rm -rf "$unit.d"
	mkdir "$unit.d"
	cp "$drop_in" "$unit.d/"
	case "$name" in
	# Reading the kernel's log is one more thing.
	kernel-log.conf) systemd-analyze security --offline=true --threshold=30 "$unit" >/dev/null || fail "$name" ;;
	*) confined "$unit" || fail "with $name the unit may do more than it has to" ;;
	esac
	# It knows each line. That programs and man pages are not on this machine is no news.
	said=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$unit" 2>&1 | grep -v 'is not executable: No such file' || true)
	[ -z "$said" ] || fail "with $name: $said"
done
