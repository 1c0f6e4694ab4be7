#!/usr/bin/env bash
# Runs every fuzz target of the module for a while, one after another, and prints how many inputs each had. What one finds is written to
# testdata/fuzz of its package: commit it, it is a test from then on.
#
#   fuzz.sh TIME [TARGET]    TIME as go test takes it: 10s, 10m
set -euo pipefail
cd "$(dirname "$0")/.."

time=$1 only=${2:-}
failed=0
while IFS=: read -r file target; do
	[ -z "$only" ] || [ "$only" = "$target" ] || continue
	package=./$(dirname "$file")
	if output=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package" 2>&1); then
		executions=$(grep -oE 'execs: [0-9]+' <<<"$output" | tail -1)
		printf '%-24s %-52s %s\n' "$target" "$package" "${executions:-execs: 0}"
	else
		printf '%-24s %-52s FAILED\n%s\n' "$target" "$package" "$(tail -40 <<<"$output")"
		failed=1
	fi
done < <(grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' cmd internal processor receiver extension simulator test | sed 's/func //' | sort -t: -k2)
exit $failed
