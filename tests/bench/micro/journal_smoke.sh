#!/usr/bin/env bash
# That kvmesh-journal-bench works; it asserts no speed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" "$folder/bench" 0.1
