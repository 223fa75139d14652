# shellcheck shell=bash
# One start of the image: how it is made, asked and ended.  Sourced after podman.sh; $image is what is started.
# Each of these ends the shell that it runs in when it finds something wrong: `try` runs them in one of their own.
name=twisted-pypi-test-$$ count=0 failures=0 untested=0

try() { # try TITLE COMMAND...: one way of starting, and what has to be true of it
  echo "== $1"
  (
    undo=:
    trap finish EXIT
    set -e
    "${@:2}"
  )
  local code=$?
  count=$((count + 1))
  case $code in
    0) ;;
    2) untested=$((untested + 1)) ;;
    *) failures=$((failures + 1)) ;;
  esac
}

finish() { # what is done at the end of each, whatever came of it; $undo is what it has to undo besides
  case $? in 0 | 2) ;; *) podman logs --tail 30 "$name" 2>&1 | sed 's/^/  | /' ;; esac
  podman rm -f -v -t 2 "$name" >/dev/null 2>&1
  $undo
  rm -rf "$work/data"
}

wrong() {
  say "FAIL: $*"
  exit 1
}

# data OWNER [MODE]: an empty folder for the packages, as $data.
data() {
  data=$work/data
  mkdir -m "${2:-0755}" "$data"
  chown "$1" "$data"
}

# start PORT [podman's options] [-- the command line]: sets $url.
start() {
  local inside=$1 outside options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# = 0 ] || shift # the dashes
  outside=$(free_port)
  url=http://127.0.0.1:$outside
  begun_us=${EPOCHREALTIME/[.,]/}
  podman run -d --pull=never --name "$name" -p "127.0.0.1:$outside:$inside" ${options[@]+"${options[@]}"} "$image" "$@" \
    >/dev/null 2>"$work/run.log" || { grep -v systemd "$work/run.log"; wrong "podman run"; }
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

ask() { curl --silent --show-error --max-time 10 --noproxy '*' "$@"; }

# answers PATH [curl's options]: 200 within a minute; and the image's own HEALTHCHECK is of the same opinion.
answers() {
  local code=000 path=$1 deadline=$((SECONDS + 60))
  shift
  until [ "$code" = 200 ]; do
    [ $SECONDS -lt $deadline ] || wrong "no 200 from $path in 60 s (the last was $code)"
    [ "$(podman inspect "$name" --format '{{.State.Running}}')" = true ] || wrong "it ended before it answered"
    code=$(ask -o "$work/body" -w '%{http_code}' "$@" "$url$path" 2>/dev/null) || sleep 0.05
  done
  say "200 from $path after $(((${EPOCHREALTIME/[.,]/} - begun_us) / 1000)) ms: $(head -c 60 "$work/body" | tr -d '\n\r')"
  is_well
}

# is_well: what the image's HEALTHCHECK says, by hand, since no systemd is here to say it on time.
is_well() {
  # Podman says nothing of what went wrong; the log of the checks does.
  podman healthcheck run "$name" >/dev/null 2>&1 ||
    wrong "HEALTHCHECK: $(inside twisted-pypi health --pid 1 2>&1 | tail -1)"
}

inside() { podman exec "$name" "$@"; }

# says TEXT, says_not TEXT: what its log has by now.
says() {
  local deadline=$((SECONDS + 5))
  until podman logs "$name" 2>&1 | grep -qF -- "$1"; do
    [ $SECONDS -lt $deadline ] || wrong "its log does not say: $1"
    sleep 0.1
  done
}
says_not() { ! podman logs "$name" 2>&1 | grep -F -- "$1" || wrong "its log says: $1"; }

# status CODE curl's options...: what an answer has to be.
status() {
  local code
  code=$(ask -o "$work/body" -w '%{http_code}' "${@:2}") || code="$code, curl $?"
  [ "$code" = "$1" ] || wrong "expected $1 but got $code: ${*: -1}: $(head -c 200 "$work/body")"
}

# wheel NAME VERSION: a small one, as $wheel.
wheel() {
  wheel=$work/$1-$2-py3-none-any.whl
  python3 - "$1" "$2" "$wheel" <<'PY'
import sys, zipfile
name, version, path = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(path, "w") as file:
    file.writestr(f"{name}.py", f"version = {version!r}\n")
    file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    file.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
PY
}

# upload CODE [curl's options]: $wheel as twine sends it, and what the answer has to be.
upload() {
  local file=${wheel##*/} code=$1
  local project=${file%%-*} version=${file#*-}
  shift
  status "$code" "$@" -F :action=file_upload -F protocol_version=1 -F metadata_version=2.1 -F "name=$project" \
    -F "version=${version%%-*}" -F filetype=bdist_wheel -F pyversion=py3 \
    -F "sha256_digest=$(sha256sum "$wheel" | cut -d' ' -f1)" -F "content=@$wheel" "$url/"
}

# installs NAME [URL]: by the pip of the base, in the container.
installs() {
  inside pip --no-cache-dir --disable-pip-version-check install --quiet --no-deps --target "/tmp/$1" \
    --index-url "${2:-http://127.0.0.1/simple/}" "$1" >/dev/null 2>"$work/pip.log" || wrong "pip: $(tail -3 "$work/pip.log")"
}

# serves_as UID: whose the first process is by now.
serves_as() {
  local is
  is=$(inside sh -c "sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' /proc/1/status")
  [ "$is" = "$1" ] || wrong "expected it to serve as $1, but it does as $is"
}

# ends: SIGTERM ends it with exit code 0 before it would be killed.
ends() {
  local code since=${EPOCHREALTIME/[.,]/}
  podman stop -t 10 "$name" >/dev/null 2>&1
  code=$(podman inspect "$name" --format '{{.State.ExitCode}}')
  [ "$code" = 0 ] || wrong "SIGTERM: exit code $code, and not 0 (137: it had to be killed)"
  say "ended on SIGTERM after $(((${EPOCHREALTIME/[.,]/} - since) / 1000)) ms with exit code 0"
}
