#!/usr/bin/env bash
# The ways in which the image is started, each built and run for real by check-image.sh.  Takes minutes.
#
#   tests/image/matrix.sh        Exit: 0 all passed, 1 one failed, 2 could not test
set -uo pipefail
cd "$(dirname "$0")/../.."
worst=0
run() {
  echo "== $1"
  shift
  "$@"
  code=$?
  [ $code -gt $worst ] && worst=$code
}
check=(bash tests/image/check-image.sh .)
run "as it is" "${check[@]}" 80 /health
run "root gives itself up" env DATA_OWNER=4321:4321 EXPECT="serving as 4321:4321" "${check[@]}" 80 /health
run "a user without an account" "${check[@]}" 8080 /health -- --user 12345:0 -e PYPI_PORT=8080
run "options in PYPI_EXTRA" "${check[@]}" 8081 /base/ok -- -e 'PYPI_EXTRA=-p 8081 --server-base-url /base --health-endpoint /ok'
run "the old server's own words" env CMD_ARGS="run -p 8082 -a . -P . /pypi" "${check[@]}" 8082 /simple/
run "a folder that is read-only" env DATA_TARGET=/pypi:ro "${check[@]}" 80 /health
exit $worst
