#!/usr/bin/env bash
# Remakes proto/gen from the .proto files; with --check, says whether it is what they make.
# The options must be those of libs/wire/src/load-proto.ts. Of proto/kubernetes, whose objects libs/api types, only the field numbers are made;
# of proto/grpc, whose messages libs/wire writes by itself, only what descriptors.mjs makes.
set -euo pipefail
cd "$(dirname "$0")"
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
find . -name '*.proto' -not -path './node_modules/*' -not -path './kubernetes/*' -not -path './grpc/*' | sed 's|^\./||' | sort | while read -r file; do
  ../node_modules/.bin/proto-loader-gen-types --longs=String --enums=String --defaults --oneofs \
    --grpcLib=@grpc/grpc-js --importFileExtension=.js --targetFileExtension=.ts \
    --inputTemplate=%s --outputTemplate=%s__Output \
    --includeDirs . --outDir "$made" "$file" >/dev/null
done
# The entry files type a whole loaded package, which nothing uses.
find "$made" -maxdepth 1 -name '*.ts' -delete
mkdir -p "$made/kubernetes"
node kubernetes-fields.mjs >"$made/kubernetes/fields.ts"
node descriptors.mjs >"$made/descriptors.binpb"
if [ "${1:-}" = --check ]; then
  diff -r gen "$made" >/dev/null || { echo "proto/gen is stale: run npm run generate" >&2; exit 1; }
  exit 0
fi
mkdir -p gen
cp -r "$made/." gen/
(cd gen && find . -type f | while read -r file; do [ -e "$made/$file" ] || rm "$file"; done)
