# Sourced: the version of a package. That of a tagged commit is the tag's; between two, the later commit is the later version, and all are before the next one.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
PACKAGE_VERSION=$(sed -n 's/^VERSION := //p' Makefile)
if [ -z "${PACKAGE_PRERELEASE:-}" ] && [ "$(git describe --tags --exact-match 2>/dev/null)" != "v$PACKAGE_VERSION" ]; then
	PACKAGE_PRERELEASE=git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(git rev-parse --short=12 HEAD)
fi
PACKAGE_PRERELEASE=${PACKAGE_PRERELEASE:-}
