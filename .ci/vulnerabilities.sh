#!/usr/bin/env bash
# Says which known vulnerabilities the code that is shipped calls, from committed data and without a network: every command of this module,
# and both distributions with all that they take from others. Fails if it calls one. What is only required and never called is named below
# each build, and fails nothing.
#
# The data age. To renew them, with a network, now and then and before each release:
#
#   git clone --depth 1 https://github.com/golang/vulndb /tmp/vulndb
#   make vulnerabilities VULNDB=/tmp/vulndb
#
# and commit what changed in .ci/vulnerabilities/db. What it finds is mended by a newer version of the module (make update) or of Go.
set -euo pipefail
cd "$(dirname "$0")/.."

vulndb=${1:-}
[ -z "$vulndb" ] || go run ./test/vulnerabilities -from "$vulndb"

db=$PWD/.ci/vulnerabilities/db
govulncheck=$(go tool -n -modfile=.ci/vulnerabilities/go.mod govulncheck)
printf 'as known on %s, with %s\n' "$(grep -oE '[0-9]{4}-[0-9]{2}-[0-9]{2}' "$db/index/db.json")" "$(go env GOVERSION)"
failed=0
for build in . distribution/agent distribution/full; do
	printf -- '--- %s\n' "$build"
	# Without the list of what was looked at.
	"$govulncheck" -C "$build" -db "file://$db" -show verbose ./... | sed -n "/^=== Symbol/,\$p" || failed=1
done
exit $failed
