# What each target needs: `make demo build test fuzz bench generate cross` need Go
# alone. `make lint` needs golangci-lint, `make test-real` the programs of others
# that judge skret; .ci/run installs both.

GO       ?= go
BIN      ?= bin/skret
FUZZTIME ?= 10s

MODULE  := github.com/skret/skret
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# httpx speaks HTTP/1.1 alone; the standard library's HTTP/2 would be 0.4 MB and a
# twentieth of a start.
TAGS    := nethttpomithttp2
LDFLAGS := -s -w -X $(MODULE)/internal/cli.buildVersion=$(VERSION)
# Functions are inlined only where a run spends its time: a tenth of the program's size
# (docs/benchmarks.md).
GCFLAGS := -gcflags=all=-l $(patsubst %,-gcflags=%=,$(MODULE)/internal/leak runtime internal/runtime/... internal/abi reflect encoding/json)

.DEFAULT_GOAL := help
.PHONY: help demo build test test-real lint fuzz bench generate check-generated cross

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## see the main job done in a throw-away project
	@sh scripts/demo.sh $(BIN)

build: ## build bin/skret, one static binary
	@mkdir -p $(dir $(BIN))
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath $(GCFLAGS) -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/skret

test: ## all tests that need Go alone
	$(GO) test -timeout 20m $(TESTFLAGS) ./...

test-real: ## the tests in which programs of others judge skret
	$(GO) test -tags real -run TestReal -p 1 -timeout 20m ./...

lint: ## formatting, vet, the linters, and the rules R1-R11
	@command -v golangci-lint >/dev/null || { echo "golangci-lint is not installed: go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0" >&2; exit 1; }
	golangci-lint fmt --diff
	golangci-lint run --allow-parallel-runners ./...
	GOOS=windows golangci-lint run --allow-parallel-runners --build-tags house ./...
	$(GO) test -tags house ./internal/house

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@sh scripts/fuzz.sh $(FUZZTIME)

bench: ## measure start, run and SSM against a Go hello-world; writes nothing
	$(GO) test -tags bench -run TestBench -count 1 -v -timeout 20m ./internal/bench

generate: ## write docs/reference, docs/man and the schema anew
	$(GO) run ./internal/gen

check-generated: ## fail when they are not what `make generate` would write
	$(GO) run ./internal/gen -check

cross: ## build and vet for the other systems
	@sh scripts/cross.sh linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
