#!/usr/bin/env bash
# Writes deep copies, defaults and OpenAPI of every API package: each folder
# GROUP/VERSION whose doc.go asks for it by its tags.
set -euo pipefail
cd "$(dirname "$0")"
mapfile -t packages < <(grep -l '^// +k8s:openapi-gen=true' ./*/*/doc.go | xargs -n1 dirname)

run() { go tool -modfile=../tools/go.mod "$@" "${packages[@]}"; }
run deepcopy-gen --output-file zz_generated.deepcopy.go
run defaulter-gen --output-file zz_generated.defaults.go
run openapi-gen --output-dir openapi --output-pkg atoll.dev/atoll/apis/openapi --output-file zz_generated.openapi.go \
  --output-model-name-file zz_generated.model_name.go --report-filename /dev/null
