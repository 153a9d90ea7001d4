#!/bin/sh
# Builds and vets, tests included, for each system named as OS/ARCH.
set -eu
for system in "$@"; do
	echo "$system"
	CGO_ENABLED=0 GOOS=${system%/*} GOARCH=${system#*/}
	export CGO_ENABLED GOOS GOARCH
	go build ./...
	go vet ./...
done
