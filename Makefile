# HotSwap. `make` alone lists the targets; `make check` is what CI runs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ARGS ?=
# Linters, tests and binaries are built alike, so that what one compiled serves the others.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(filter-out -trimpath,$(shell go env GOFLAGS 2>/dev/null)) -trimpath)
PACKAGES ?= ./...
# Statement coverage over models, services and web together that `make test` asks for, in percent.
COVERAGE_MIN ?= 80

LINT := go tool -modfile=tools/go.mod golangci-lint
TEMPL := go tool templ
TEMPLATES := $(shell find views -name '*.templ' 2>/dev/null)
ASSETS := $(wildcard static/*.mjs static/*.svg static/js/*.js static/css/*.css)
# The Go client and its provider for OpenFeature are modules of their own, so that applications get nothing of ours with it.
CLIENT := client client/openfeature
COVERED := ./models/...,./services/...,./web/...

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: bootstrap
bootstrap: ## install what is missing: Postgres, Redis, Chromium
	@tools/bootstrap.sh

.PHONY: assets
assets: static/dist/manifest.json ## build what the browser loads

static/node_modules/.package-lock.json: static/package.json static/package-lock.json
	npm --prefix static ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The OpenFeature SDK that the tests use as an application does.
e2e/openfeature/node_modules/.package-lock.json: e2e/openfeature/package.json e2e/openfeature/package-lock.json
	npm --prefix e2e/openfeature ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

static/dist/manifest.json: static/node_modules/.package-lock.json $(ASSETS)
	node static/build.mjs

.PHONY: build
build: assets binary ## build bin/hotswap, one static binary

# binary takes the assets as they are: for images, which bundle them in a stage of their own.
.PHONY: binary
binary:
	go build -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o bin/hotswap ./cmd/hotswap

.PHONY: run
run: bootstrap build ## run everything here, with demo data: make run ARGS="--listen 127.0.0.1:9000"
	bin/hotswap dev $(ARGS)

.PHONY: test
test: bootstrap assets e2e/openfeature/node_modules/.package-lock.json ## run all tests on real services, ask for COVERAGE_MIN percent
	go test -timeout 20m -coverpkg=$(COVERED) -coverprofile=coverage.out $(PACKAGES)
	@tools/coverage.sh coverage.out $(COVERAGE_MIN)
	for module in $(CLIENT); do go -C $$module test ./...; done

.PHONY: lint
lint: ## check the code's style and who imports whom
	$(LINT) run
	for module in $(CLIENT); do (cd $$module && go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint run); done

.PHONY: fmt
fmt: ## format the code
	$(LINT) fmt
	$(if $(TEMPLATES),$(TEMPL) fmt views)

.PHONY: generate
generate: ## write generated code anew
	$(if $(TEMPLATES),$(TEMPL) generate -path views)
	go generate ./...

.PHONY: check
check: generate ## what CI runs: nothing stale, lint, test
	go mod tidy -diff
	for module in tools $(CLIENT); do go -C $$module mod tidy -diff; done
	git --no-pager diff --exit-code
	@new=$$(git ls-files --others --exclude-standard -- '*_templ.go'); \
		[ -z "$$new" ] || { echo "generated but not committed: $$new" >&2; exit 1; }
	$(MAKE) lint
	$(MAKE) test

.PHONY: picture
picture: bootstrap build ## draw the README's picture of the console anew
	go run ./e2e/picture -binary bin/hotswap -file docs/console.png

.PHONY: bench
bench: bootstrap assets ## measure
	go test -run='^$$' -bench=. -benchmem ./e2e/...

.PHONY: torture
torture: bootstrap assets ## the long fault and load tests, up to two hours
	HOTSWAP_TORTURE=full go test -count=1 -run Torture -timeout 120m -v ./e2e/... ./services/snapshots
