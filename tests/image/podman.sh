# shellcheck shell=bash
# Podman, and a base image to build on, with no Docker engine; sourced by what builds and starts the image.
#
# Root on Debian or Ubuntu: what is missing is installed.  Anybody else needs podman, curl and a base image that can
# be pulled.  Where no registry of images answers, the base is made of Debian packages and a CPython of pyenv.
# Sets $work, a folder that is removed at the end.
set -uo pipefail
work=$(mktemp -d) begun=$SECONDS
chmod 0755 "$work" # else only root could enter what is mounted from it

say() { printf '[%3ds] %s\n' $((SECONDS - begun)) "$*"; }
cannot() {
  say "COULD NOT TEST: $*"
  echo '*** THE IMAGE WAS NOT TESTED ***' >&2
  exit 2
}

tools() {
  local missing=()
  for each in podman curl "$@"; do command -v "$each" >/dev/null || missing+=("$each"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] ||
    cannot "${missing[*]} not found: expected them installed, or root on Debian or Ubuntu, where this script does it"
  command -v podman >/dev/null || missing+=(runc) # what Debian recommends, crun, refuses hybrid cgroups
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >"$work/apt.log" 2>&1 </dev/null || { tail -5 "$work/apt.log"; cannot "apt-get install ${missing[*]} failed"; }
  say "installed: ${missing[*]}"
}

# Settings for podman alone, nothing under /etc: its own limits may be above the hard ones, which takes a permission.
settings() {
  local files processes hard
  files=$(ulimit -Hn) processes=$(cat /proc/sys/kernel/pid_max) hard=$(ulimit -Hu)
  [ "$files" != unlimited ] || files=1048576
  [ "$hard" = unlimited ] || [ "$hard" -ge "$processes" ] || processes=$hard
  {
    printf '[containers]\nlog_driver = "k8s-file"\n'
    printf 'default_ulimits = ["nofile=%s:%s", "nproc=%s:%s"]\n' "$files" "$files" "$processes" "$processes"
    printf '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
    printf 'init_path = "/usr/bin/catatonit"\n'
    ! command -v runc >/dev/null || printf 'runtime = "runc"\n'
  } >"$work/containers.conf"
  export CONTAINERS_CONF=$work/containers.conf
}

# make_base NAME PYTHON: Debian packages, and a CPython under /usr/local, by the name that FROM asks for.
make_base() {
  local source
  source=$(find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -maxdepth 1 -name "$2.*" 2>/dev/null | sort -V | tail -1)
  [ -n "$source" ] || cannot "$1 cannot be pulled, and there is no CPython $2 of pyenv to make it of"
  [ "$(id -u)" = 0 ] || cannot "$1 cannot be pulled, and only root can make it of packages"
  tools mmdebstrap
  cat >"$work/hook" <<'HOOK'
set -eu
root=$1 source=$2 python=$3
tar -C "$source" -cf - --exclude=__pycache__ --exclude='*.a' --exclude='*-gdb.py' \
    --exclude="lib/$python/test" --exclude="lib/$python/idlelib" \
    --exclude="lib/$python/site-packages/*" --exclude='_tkinter*.so' \
    "bin/$python" "bin/$python-config" lib include | tar -C "$root/usr/local" --no-same-owner -xf -
grep -rlIF "$source" "$root/usr/local/bin" "$root/usr/local/lib" --include='_sysconfigdata*' \
    --include='*-config' --include='*.pc' --include=Makefile | xargs -r sed -i "s#$source#/usr/local#g"
strip --strip-unneeded "$root"/usr/local/lib/libpython*.so.* 2>/dev/null || true
ln -sf "$python" "$root/usr/local/bin/python3"
ln -sf python3 "$root/usr/local/bin/python"
chroot "$root" ldconfig
chroot "$root" /usr/local/bin/python3 -m ensurepip --default-pip >/dev/null 2>&1
ln -sf pip3 "$root/usr/local/bin/pip"
HOOK
  mmdebstrap --quiet --mode=root --variant=apt --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='force-unsafe-io' \
    --include=ca-certificates,netbase,tzdata,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libnsl2 \
    --include=libreadline8,libsqlite3-0,libssl3,libtirpc3,libuuid1,zlib1g \
    --customize-hook="sh $work/hook \"\$1\" $source python$2" bookworm "$work/base.tar" \
    </dev/null >"$work/base.log" 2>&1 || { tail -20 "$work/base.log"; cannot "mmdebstrap failed for $1"; }
  podman import --quiet --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' "$work/base.tar" "$1" >/dev/null 2>"$work/import.log" ||
    { cat "$work/import.log"; cannot "podman import failed for $1"; }
  rm -f "$work/base.tar"
  say "made $1 of Debian packages and $source"
}

# build TAG: the image of this project, and what it adds to its base: sets $added, in bytes.
build() {
  local python base ca=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt} certificates=()
  tools
  settings
  python=$(sed -n 's/^ARG PYTHON=//p' Dockerfile)
  base=docker.io/library/python:$python-slim
  podman image exists "$base" || timeout 120 podman pull --quiet "$base" >/dev/null 2>&1 || make_base "$base" "$python"
  # A private authority, and a pip.conf that names it, are there during the build only: the image keeps neither.
  printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ntimeout = 180\n' >"$work/pip.conf"
  [ ! -r "$ca" ] || certificates=(-v "$ca:/etc/ssl/certs/ca-certificates.crt:ro" -v "$work/pip.conf:/etc/pip.conf:ro")
  timeout "${BUILD_TIMEOUT:-900}" podman build --pull=never --layers=false --format docker --network host \
    ${certificates[@]+"${certificates[@]}"} -t "$1" . >"$work/build.log" 2>&1 || {
    tail -30 "$work/build.log" | sed 's/^/  | /'
    say "FAIL: podman build"
    exit 1
  }
  added=$(($(podman image inspect "$1" --format '{{.Size}}') - $(podman image inspect "$base" --format '{{.Size}}')))
  say "built $1: $((added / 1000000)) MB on top of $base"
}
