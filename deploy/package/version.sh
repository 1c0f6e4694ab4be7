# Sourced: the version of a package. That of a tagged commit is the tag's; between two, the later commit is the later version, and all are before the next one.
# What git archive makes has no repository; git has written the commit, its time and its tag into .ci/commit then.
if [ -e .git ]; then
	PACKAGE_COMMIT=$(git rev-parse HEAD)
	commit_time=$(git log -1 --format=%ct)
	commit_tag=$(git describe --tags --exact-match 2>/dev/null || true)
else
	read -r PACKAGE_COMMIT commit_time commit_tag <.ci/commit
fi
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$commit_time}
PACKAGE_VERSION=$(sed -n 's/^VERSION := //p' Makefile)
if [ -z "${PACKAGE_PRERELEASE:-}" ] && [ "$commit_tag" != "v$PACKAGE_VERSION" ]; then
	PACKAGE_PRERELEASE=git$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(printf %.12s "$PACKAGE_COMMIT")
fi
PACKAGE_PRERELEASE=${PACKAGE_PRERELEASE:-}
