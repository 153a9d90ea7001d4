#!/bin/sh
# Runs every fuzz target of the module, one after the other: fuzz.sh [TIME].
# `go test -fuzz` takes one target of one package at a time.
set -eu
time=${1:-10s}
found=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Go reports "context deadline exceeded" as a failure when the time ends while a
# worker makes an input smaller. Smaller inputs are not worth time here, and that
# failure, which names no input, is the only one after which a target runs again.
fuzz() {
	for try in 1 2 3; do
		if go test -run '^$' -fuzz "^$1\$" -fuzztime "$time" -fuzzminimizetime 1x "$2" >"$log" 2>&1; then
			cat "$log"
			return 0
		fi
		cat "$log"
		grep -q '^    context deadline exceeded$' "$log" || return 1
		if grep -q 'Failing input' "$log"; then return 1; fi
		echo "try $try ended late"
	done
	return 1
}

for file in $(grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | sort); do
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$file"); do
		found=$((found + 1))
		echo "$(dirname "$file") $target"
		if ! fuzz "$target" "$(dirname "$file")"; then exit 1; fi
	done
done
[ "$found" -gt 0 ] || { echo "no fuzz target found" >&2; exit 1; }
echo "$found fuzz targets, $time each"
