#!/usr/bin/env bash
# The ways in which the image is started, each with the real image: built once, started often.  Takes minutes.
#
#   tests/image/matrix.sh [WORD]     only the ways whose names hold WORD
#   IMAGE=NAME tests/image/matrix.sh [WORD]     with an image that is there, instead of building it
#
# Exit: 0 all passed, 1 one failed, 2 could not test.
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/image/podman.sh
. tests/image/podman.sh
# shellcheck source=tests/image/starts.sh
. tests/image/starts.sh
# shellcheck source=tests/image/cases.sh
. tests/image/cases.sh
# shellcheck source=tests/image/listeners.sh
. tests/image/listeners.sh
# shellcheck source=tests/image/swaps.sh
. tests/image/swaps.sh
# shellcheck source=tests/image/composed.sh
. tests/image/composed.sh
image=${IMAGE:-localhost/twisted-pypi-test:$$}
trap 'podman rm -f -v -t 2 "$name" >/dev/null 2>&1; [ -n "${IMAGE:-}" ] || podman rmi -f "$image" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ -n "${IMAGE:-}" ]; then
  tools
  settings
else
  build "$image"
fi
for each in "${CASES[@]}"; do
  [ -n "${each##*"${1:-}"*}" ] || try "${each//_/ }" "$each"
done
say "$count ways: $failures failed, $untested could not be tested here"
[ "$failures" = 0 ] || exit 1
[ "$untested" = 0 ] || exit 2
