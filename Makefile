# `make help` lists what there is. Everything runs from a fresh clone with Go, git, make and gcc.
SHELL := /bin/bash
.DEFAULT_GOAL := help

N ?= 3
BIN := bin
KUBERNETES_VERSION := $(shell go list -m -f '{{.Version}}' k8s.io/kubernetes 2>/dev/null)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
KV := k8s.io/component-base/version
LDFLAGS := -s -w \
	-X $(KV).gitVersion=$(KUBERNETES_VERSION) -X $(KV).gitMajor=1 -X $(KV).gitMinor=$(word 2,$(subst ., ,$(KUBERNETES_VERSION))) \
	-X $(KV).gitTreeState=clean -X atoll.dev/atoll/pkg/version.version=$(VERSION) -X atoll.dev/atoll/pkg/version.commit=$(COMMIT)
GOBUILD := go build -ldflags '$(LDFLAGS)'
# Packages that link the whole API server: too heavy to compile a second time for the race detector.
HEAVY := ./cmd/atolld ./examples/scheduler-plugin ./pkg/atolld ./pkg/apiserver ./pkg/apiserver/nativekinds ./pkg/housekeeping ./pkg/propagation ./pkg/propagation/budget
LIGHT = $(filter-out $(shell go list $(HEAVY) 2>/dev/null),$(shell go list ./...))

##@ Main
.PHONY: help demo demo-down test
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z][a-z-]*:.*##/ {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## From nothing to a Deployment running in two member clusters
	@./demo/up
demo-down: ## Remove all that `make demo` made
	@./demo/down
test: test-unit test-e2e ## Unit and end-to-end tests

##@ Build
.PHONY: build $(BIN)/atolld $(BIN)/atoll $(BIN)/member
build: $(BIN)/atolld $(BIN)/atoll ## Build bin/atolld and bin/atoll
$(BIN)/atolld:
	$(GOBUILD) -o $@ ./cmd/atolld
$(BIN)/atoll:
	$(GOBUILD) -o $@ ./cmd/atoll
$(BIN)/member:
	cd e2e && go run ./cmd/build member

##@ Test
.PHONY: test-unit test-e2e members members-down conformance bench
test-unit: $(BIN)/member ## Unit tests, under the race detector where the package does not link the API server
	go test $(HEAVY)
	go test -race $(LIGHT)
	go test -tags kubernetes_protomessage_one_more_release ./pkg/scheduler/estimator/remote # Karmada's own types need the tag
test-e2e: build $(BIN)/member ## The built binaries against real member clusters
	cd e2e && go test -count=1 -p 1 -timeout 20m ./...
members: $(BIN)/member ## Start N=3 member clusters, kubeconfigs in .members/
	$(BIN)/member up --count $(N) --dir .members
members-down: ## Stop exactly those
	@if [ -x $(BIN)/member ]; then $(BIN)/member down --dir .members; fi
conformance: build $(BIN)/member ## Karmada's own end-to-end suite: the specs named in e2e/conformance/files
	cd e2e && go run ./cmd/conformance $(ARGS)
bench: build $(BIN)/member ## Benchmarks, and the bounds of speed and memory
	go test -run '^$$' -bench . -benchtime 1s $(LIGHT)
	@mkdir -p $(BIN)
	{ go test -run '^$$' -bench Place -cpu 1 -benchtime 1s ./pkg/scheduler/cycle && go test -run '^$$' -bench Wake ./pkg/scheduler && \
	  go test -tags bench -run '^$$' -bench Ruler -cpu 1 ./pkg/scheduler/performance && \
	  go test -tags bench -run '^$$' -bench EndToEnd -benchtime 1x ./pkg/scheduler/performance && \
	  go test -tags bench -run '^$$' -bench Failover -benchtime 1x ./pkg/scheduler/performance; } > $(BIN)/scheduler-bench.txt
	go run ./pkg/scheduler/performance/check pkg/scheduler/performance/ranges.yaml < $(BIN)/scheduler-bench.txt
	cd e2e && go test -count=1 -tags bench -run Bounds -v ./foundation

##@ Keep
.PHONY: lint generate verify
lint: ## gofmt, go vet and staticcheck
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not gofmt-ed:"; echo "$$out"; exit 1; fi
	go vet ./...
	cd e2e && go vet -tags bench ./...
	cd tools && go build -o ../$(BIN)/staticcheck honnef.co/go/tools/cmd/staticcheck
	$(BIN)/staticcheck ./...
generate: ## Write what is generated from the sources
	go generate ./...
verify: ## Fail on a dirty tree: not committed, not generated, not tidied; or if lint complains
	@./.ci/verify
