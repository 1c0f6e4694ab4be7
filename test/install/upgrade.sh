#!/usr/bin/env bash
# Makes what the test of an upgrade between two commits needs: the package of an earlier commit, built by that commit's own Makefile, in .cache/install/packages,
# and that of this tree; both in dist/upgrade.
#
#   upgrade.sh [COMMIT]    by default that of the newest version before this commit, or else the commit before this one
set -euo pipefail
cd "$(dirname "$0")/../.."

from=${1:-$(git describe --tags --match 'v*' --abbrev=0 HEAD^ 2>/dev/null || echo HEAD^)}
commit=$(git rev-parse --verify "$from^{commit}")
git merge-base --is-ancestor "$commit" HEAD && [ "$commit" != "$(git rev-parse HEAD)" ] || {
	echo "upgrade: $from is not before this commit: name an earlier one" >&2
	exit 1
}

kept=.cache/install/packages/$commit
if ! ls "$kept"/*.deb "$kept"/*.rpm >/dev/null 2>&1; then
	tree=$(mktemp -d)
	trap 'git worktree remove --force "$tree"' EXIT
	git worktree add --quiet --detach "$tree" "$commit"
	make -C "$tree" packages
	mkdir -p "$kept"
	cp "$tree"/dist/*.deb "$tree"/dist/*.rpm "$kept/"
fi

rm -rf dist/upgrade
mkdir -p dist/upgrade/old
cp "$kept"/* dist/upgrade/old/
PACKAGE_TARGET=dist/upgrade/new deploy/package/build.sh >/dev/null
echo "from $(git log -1 --format='%h %cs %s' "$commit")"
echo "  to $(git log -1 --format='%h %cs %s')"
