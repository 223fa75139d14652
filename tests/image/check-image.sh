#!/usr/bin/env bash
# Build the image and start it once for real, with no Docker engine: the five minutes of somebody who tries it.
#
# Exit: 0 passed, 1 the Dockerfile or the image is at fault, 2 could not test: the tools could not be set up.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/image/podman.sh
. tests/image/podman.sh
# shellcheck source=tests/image/starts.sh
. tests/image/starts.sh
# shellcheck source=tests/image/cases.sh
. tests/image/cases.sh
image=localhost/twisted-pypi-test:$$
trap 'podman rm -f -v -t 2 "$name" >/dev/null 2>&1; podman rmi -f "$image" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
build "$image"
try "what is in it" contents
try "the first five minutes" first_minutes
[ "$failures" = 0 ] || exit 1
say PASS
