#!/usr/bin/env bash
# Build a project's Dockerfile and run the image, with no Docker engine and no container registry.
#
#   check-image.sh PROJECT_DIR [CONTAINER_PORT] [URL_PATH] [-- EXTRA 'podman run' ARGS | : COMMAND ARGS...]
#   e.g.  check-image.sh . 8080 /health -- -e GREETING=hello
#
# Exit: 0 PASS, 1 FAIL (the Dockerfile or the image is at fault), 2 COULD NOT TEST (the tools could not be set up).
# Root on Debian 12, with the CPython versions of the FROM lines under pyenv.  Knobs (environment):
#   NET=bridge|host|none  how the container is reached: published port (default), host network, own netns
#   DATA_TARGET=/pypi     where the temporary directory is bind-mounted
#   WAIT=60               seconds to wait for HTTP 200     BUILD_TIMEOUT=900  seconds for the build
#   BASE_IMAGES="..."     python:X.Y-slim tags to provide (default: those the Dockerfile's FROM lines name)
#   KEEP_IMAGE=name       keep the built image under this name instead of deleting it
#   CMD_ARGS="..."        arguments after the image name
#   DATA_OWNER=1000:1000  who owns the temporary directory (default: root)
#   EXPECT="..."          text that the container's log must contain
set -uo pipefail
project=$(cd "${1:?usage: check-image.sh PROJECT_DIR [PORT] [URL_PATH] [-- podman run args]}" && pwd) || exit 2
shift
port=8080 path=/
[ $# -gt 0 ] && [ "$1" != -- ] && { port=$1; shift; }
[ $# -gt 0 ] && [ "$1" != -- ] && { path=$1; shift; }
[ "${1:-}" = -- ] && shift
extra=("$@")
dockerfile=${DOCKERFILE:-$project/Dockerfile} net=${NET:-bridge} target=${DATA_TARGET:-/pypi}
name=check-image-$$ image=${KEEP_IMAGE:-localhost/$name:test}
work=$(mktemp -d) started=$SECONDS
ca=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}

say() { printf '[%3ds] %s\n' $((SECONDS - started)) "$*"; }
cannot() {
  say "COULD NOT TEST: $*"
  echo '*** THE IMAGE WAS NOT TESTED ***' >&2
  exit 2
}
fail() {
  say "FAIL: $*"
  podman container exists "$name" && podman logs --tail 20 "$name" 2>&1 | sed 's/^/  | /'
  exit 1
}
cleanup() {
  podman rm -f -t 2 "$name" >/dev/null 2>&1
  [ -n "${KEEP_IMAGE:-}" ] || podman rmi -f "$image" >/dev/null 2>&1
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# 1. Tools.  runc, not crun: crun refuses hybrid cgroups.
need=()
command -v podman >/dev/null || need+=(podman)
command -v runc >/dev/null || need+=(runc)
command -v mmdebstrap >/dev/null || need+=(mmdebstrap)
command -v curl >/dev/null || need+=(curl)
if [ ${#need[@]} -gt 0 ]; then
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${need[@]}"; } \
    >"$work/apt.log" 2>&1 || { tail -5 "$work/apt.log"; cannot "apt-get install ${need[*]}"; }
  say "installed: ${need[*]}"
fi

# 2. Settings for podman alone (nothing under /etc is changed).  Its default ulimits may be above the
#    hard limits, and raising those needs a permission that containers lack.
nofile=$(ulimit -Hn) nproc=$(cat /proc/sys/kernel/pid_max) hard=$(ulimit -Hu)
[ "$nofile" = unlimited ] && nofile=1048576
[ "$hard" != unlimited ] && [ "$hard" -lt "$nproc" ] && nproc=$hard
cat >"$work/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$nofile:$nofile", "nproc=$nproc:$nproc"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
export CONTAINERS_CONF=$work/containers.conf

# 3. Base images that are not there: Debian bookworm by mmdebstrap + the pyenv CPython under /usr/local,
#    tagged with the very name that FROM asks for.  Without a pyenv CPython they are pulled.
cat >"$work/hook.sh" <<'HOOK'
set -eu
root=$1 src=$2 mm=$3
tar -C "$src" -cf - --exclude=__pycache__ --exclude='*.a' --exclude='*-gdb.py' \
    --exclude="lib/python$mm/test" --exclude="lib/python$mm/idlelib" \
    --exclude="lib/python$mm/site-packages/*" --exclude='_tkinter*.so' \
    bin/python$mm bin/python$mm-config lib include | tar -C "$root/usr/local" --no-same-owner -xf -
grep -rlIF "$src" "$root/usr/local/bin" "$root/usr/local/lib" --include='_sysconfigdata*' \
    --include='*-config' --include='*.pc' --include=Makefile | xargs -r sed -i "s#$src#/usr/local#g"
strip --strip-unneeded "$root"/usr/local/lib/libpython*.so.* 2>/dev/null || true
ln -sf python$mm "$root/usr/local/bin/python3"
ln -sf python3 "$root/usr/local/bin/python"
chroot "$root" ldconfig
chroot "$root" /usr/local/bin/python3 -m ensurepip --default-pip >/dev/null 2>&1
ln -sf pip3 "$root/usr/local/bin/pip"
HOOK
bases=${BASE_IMAGES:-$(python3 - "$dockerfile" <<'PY'
import re, sys
args, seen = {}, []
for line in open(sys.argv[1]):
    if m := re.match(r'\s*ARG\s+(\w+)=["\']?([^"\'\s]*)', line, re.I):
        args[m[1]] = m[2]
    elif m := re.match(r'\s*FROM\s+(?:--\S+\s+)*(\S+)', line, re.I):
        ref = re.sub(r'\$\{?(\w+)\}?', lambda v: args.get(v[1], ''), m[1])
        ref = re.sub(r'^docker\.io/(library/)?', '', ref)
        if re.fullmatch(r'python:3\.\d+(\.\d+)?-slim(-bookworm)?', ref) and ref not in seen:
            seen.append(ref)
print(*seen)
PY
)}
for base in $bases; do
  podman image exists "docker.io/library/$base" && continue
  mm=$(echo "$base" | sed -E 's/^python:(3\.[0-9]+).*/\1/')
  src=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$mm".* 2>/dev/null | sort -V | tail -1)
  if [ -z "$src" ]; then
    podman pull --quiet "docker.io/library/$base" >/dev/null 2>&1 && continue
    cannot "no CPython $mm under ~/.pyenv to make $base from, and it cannot be pulled"
  fi
  mmdebstrap --quiet --mode=root --variant=apt --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='force-unsafe-io' \
    --include=ca-certificates,netbase,tzdata,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libnsl2,libreadline8,libsqlite3-0,libssl3,libtirpc3,libuuid1,zlib1g \
    --customize-hook="sh $work/hook.sh \"\$1\" $src $mm" bookworm "$work/base.tar" </dev/null >"$work/base.log" 2>&1 \
    || { tail -20 "$work/base.log"; cannot "mmdebstrap for $base"; }
  podman import --quiet --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' --change "ENV PYTHON_VERSION=$(basename "$src")" --change 'CMD ["python3"]' \
    "$work/base.tar" "docker.io/library/$base" >/dev/null 2>"$work/import.log" \
    || { cat "$work/import.log"; cannot "podman import $base"; }
  rm -f "$work/base.tar"
  say "made base image $base (CPython $(basename "$src"))"
done

# 4. Build.  A private CA and a pip.conf naming it are mounted for the build only: the image keeps neither.
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ntimeout = 180\ndisable-pip-version-check = true\n' >"$work/pip.conf"
timeout "${BUILD_TIMEOUT:-900}" podman build --pull=never --layers=false --format docker --network host \
  -v "$ca:/etc/ssl/certs/ca-certificates.crt:ro" -v "$work/pip.conf:/etc/pip.conf:ro" \
  -f "$dockerfile" -t "$image" "$project" >"$work/build.log" 2>&1 \
  || { tail -30 "$work/build.log" | sed 's/^/  | /'
       grep -q 'image not known\|no stage or image found' "$work/build.log" && cannot "an image that cannot be made or pulled"
       fail "podman build"; }
say "built: $(podman image inspect "$image" --format '{{.Size}}') bytes, user '$(podman image inspect "$image" --format '{{.Config.User}}')'"

# 5. Run, with a temporary directory bind-mounted.
mkdir -m 0777 "$work/data" && chmod 0777 "$work/data"
chmod 0755 "$work"  # else only root could enter what is mounted
[ -z "${DATA_OWNER:-}" ] || chown "$DATA_OWNER" "$work/data"
in=()
case $net in
  bridge) hostport=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
          netargs=(-p "127.0.0.1:$hostport:$port") url=http://127.0.0.1:$hostport$path ;;
  host | none) netargs=(--network "$net") url=http://127.0.0.1:$port$path ;;
  *) cannot "NET=$net" ;;
esac
# shellcheck disable=SC2086
podman run -d --pull=never --name "$name" "${netargs[@]}" -v "$work/data:$target" ${extra[@]+"${extra[@]}"} "$image" ${CMD_ARGS:-} \
  >/dev/null 2>"$work/run.log" || { grep -v systemd "$work/run.log"; fail "podman run"; }
[ "$net" = none ] && in=(nsenter -t "$(podman inspect "$name" --format '{{.State.Pid}}')" -n)

code=000 deadline=$((SECONDS + ${WAIT:-60}))
while [ $SECONDS -lt $deadline ]; do
  code=$(${in[@]+"${in[@]}"} curl -sS -o "$work/body" -m 5 -w '%{http_code}' --noproxy '*' "$url" 2>/dev/null)
  [ "$code" = 200 ] && break
  [ "$(podman inspect "$name" --format '{{.State.Running}}' 2>/dev/null)" = true ] || fail "the container exited before answering"
  sleep 0.2
done
[ "$code" = 200 ] || fail "no HTTP 200 from $url in ${WAIT:-60} s (last: $code)"
say "HTTP 200 from $url: $(head -c 200 "$work/body" | tr -d '\n\r')"

# 6. HEALTHCHECK, if the image has one, run once by hand (there is no systemd to run it on a timer).
if [ "$(podman image inspect "$image" --format '{{if .HealthCheck}}y{{end}}')" = y ]; then
  podman healthcheck run "$name" >"$work/health.log" 2>&1 || fail "HEALTHCHECK: $(tail -1 "$work/health.log")"
  say "HEALTHCHECK healthy"
fi

# 7. SIGTERM must end it with exit code 0 (137 = it had to be killed).
podman stop -t 10 "$name" >/dev/null 2>&1
rc=$(podman inspect "$name" --format '{{.State.ExitCode}}')
[ "$rc" != 137 ] || fail "did not stop within 10 s of SIGTERM (exit 137)"
[ "$rc" = 0 ] || fail "ended with exit code $rc at SIGTERM, not 0"
[ -z "${EXPECT:-}" ] || podman logs "$name" 2>&1 | grep -qF -- "$EXPECT" || fail "its log does not say: $EXPECT"
say "stopped on SIGTERM with exit code $rc; files left in $target: $(ls "$work/data" | tr '\n' ' ')"
say PASS
