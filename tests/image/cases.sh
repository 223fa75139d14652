# shellcheck shell=bash
# Who starts the image, and with what rights: each a function that `try` calls.
CASES=(contents first_minutes volume_of_root volume_of_1000 new_volume as_1000 as_any_user_of_group_0 read_only
  read_only_with_nothing_to_write read_only_packages read_only_packages_and_nothing_to_write no_capabilities
  no_capabilities_as_1000 under_an_init several_processes)
MOST=80000000 # bytes on top of the base

contents() {
  local said
  said=$(podman image inspect "$image" --format '{{json .Config}}')
  python3 - "$said" "$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" <<'PY'
import json, sys
config, version = json.loads(sys.argv[1]), sys.argv[2]
labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
assert labels["title"] == "twisted_pypi" and labels["licenses"] == "MIT" and labels["description"], labels
assert labels["version"] == version, f"version {labels['version']} of the label is not {version} of pyproject.toml"
assert "source" not in labels, labels
assert list(config["Volumes"]) == ["/pypi"] and list(config["ExposedPorts"]) == ["80/tcp"], config
assert config["StopSignal"] in {"SIGTERM", "15"}, config["StopSignal"]
assert config.get("User", "") == "" and config["Cmd"] == ["run"], config
PY
  # shellcheck disable=SC2016  # the container's shell is to expand it
  podman run --rm --pull=never "$image" sh -c '
    for each in gcc cc make git hatchling; do ! command -v $each || exit 1; done
    ! ls -d /src /wheels /root/.cache /opt/twisted_pypi/lib/python3*/site-packages/pip 2>/dev/null || exit 1
    ls /opt/twisted_pypi/lib/python3*/site-packages/twisted/plugins/dropin.cache >/dev/null
    twisted-pypi --version && pypi-server --version && twistd --help | grep "^ *pypi "' >"$work/said" ||
    wrong "something is left, or missing: $(cat "$work/said")"
  [ -z "${added:-}" ] || [ "$added" -lt $MOST ] || wrong "$added bytes on top of its base: expected less than $MOST"
}

# What the log says to somebody who starts with nothing, done word by word.
first_minutes() {
  data root
  start 80 -v "$data:/pypi"
  answers /health
  local name_in_there add_user
  name_in_there=$(inside hostname)
  says "docker exec -it $name_in_there twisted-pypi user add NAME"
  says "twine upload --repository-url http://localhost:8080/ -u NAME dist/*"
  says "pip install --index-url http://localhost:8080/simple/ PROJECT"
  says_not "#error" # nothing is wrong yet
  wheel demo 1.0
  upload 401
  add_user=$(podman logs "$name" 2>&1 | sed -n "s/.*docker exec -it $name_in_there \(.*\) NAME\$/\1/p")
  # shellcheck disable=SC2086  # the words of a command
  echo secret | podman exec -i "$name" $add_user me >/dev/null
  upload 200 -u me:secret
  installs demo
  [ "$(stat -c %u "$data/${wheel##*/}")" = 0 ] || wrong "the file of root's volume is not root's"
  ends
  say "on the volume: $(find "$data" -mindepth 1 -maxdepth 1 -printf '%f ')"
}

works() { # works USER: somebody logs in, uploads and installs; the file belongs to USER
  local port=${port:-80}
  echo secret | podman exec -i "$name" twisted-pypi user add me >/dev/null
  [ "$(inside grep -c '^me:\$2[aby]\$' /pypi/.htpasswd)" = 1 ] || wrong "the password is not kept as bcrypt"
  wheel demo 1.0
  upload 401 -u me:wrong
  upload 200 -u me:secret
  [ "$(inside stat -c %u "/pypi/${wheel##*/}")" = "$1" ] || wrong "the file is not of $1"
  installs demo "http://127.0.0.1:$port/simple/"
  inside twisted-pypi why demo >"$work/said"
  grep -q "demo" "$work/said" || wrong "why: $(cat "$work/said")"
  inside pypi-server -U /pypi >"$work/said" 2>&1
  grep -q "^checking 1 packages for newer version" "$work/said" || wrong "pypi-server -U /pypi: $(cat "$work/said")"
  belongs_to "$1"
  wheel demo 1.1
  upload 200 -u me:secret
  is_well
}

belongs_to() { # belongs_to USER: all that is on the volume
  [ -z "$(inside find /pypi -mindepth 1 ! -user "$1")" ] || wrong "not of $1: $(inside find /pypi -mindepth 1 ! -user "$1")"
}

volume_of_root() {
  data root
  start 80 -v "$data:/pypi"
  answers /health
  says "Serving as root, because root owns /pypi"
  serves_as 0
  works 0
  ends
}

volume_of_1000() {
  data 1000:1000
  start 80 -v "$data:/pypi"
  answers /health
  says "Gave up root: serving as 1000:1000"
  serves_as 1000
  works 1000
  keeps_house
  belongs_to 1000
  ends
}

# keeps_house: the commands of an operator, with the server running; `docker exec` is root.
keeps_house() {
  inside twisted-pypi list >"$work/said"
  grep -q demo "$work/said" || wrong "list: $(cat "$work/said")"
  inside twisted-pypi yank demo 1.0 --reason "a mistake" >/dev/null
  inside twisted-pypi remove demo 1.1 >/dev/null
  inside twisted-pypi restore demo 1.1 >/dev/null
  inside twisted-pypi verify >/dev/null
  inside twisted-pypi user list >"$work/said"
  grep -q me "$work/said" || wrong "user list: $(cat "$work/said")"
  wheel demo 1.2
  upload 200 -u me:secret
}

new_volume() {
  start 80
  answers /health
  serves_as 1000
  works 1000
  ends
}

as_1000() {
  data 1000:1000
  local port=8080
  start 8080 --user 1000:1000 -v "$data:/pypi" -e PYPI_PORT=8080
  answers /health
  serves_as 1000
  works 1000
  ends
}

as_any_user_of_group_0() {
  data root:root 0775
  local port=8080
  start 8080 --user 1000730000:0 -v "$data:/pypi" -e PYPI_PORT=8080
  answers /health
  serves_as 1000730000
  works 1000730000
  ends
}

read_only() {
  data 1000:1000
  start 80 --read-only --read-only-tmpfs=false --tmpfs /tmp -v "$data:/pypi"
  answers /health
  works 1000
  ends
}

read_only_with_nothing_to_write() {
  data 1000:1000
  start 80 --read-only --read-only-tmpfs=false -v "$data:/pypi" -e PYPI_AUTHENTICATE=. -e PYPI_PASSWD_FILE=.
  answers /health
  wheel demo 1.0
  upload 200
  status 200 "$url/packages/${wheel##*/}"
  ends
}

# old_packages: a volume that was filled before, with a user.
old_packages() {
  data 1000:1000
  wheel demo 1.0
  cp "$wheel" "$data"
  echo 'me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' >"$data/.htpasswd" # secret
}

serves_but_takes_nothing() {
  says "/pypi cannot be written to: nobody can upload"
  says_not "in memory only" # there is a place for it in /tmp
  installs demo "http://127.0.0.1:$1/simple/"
  wheel other 1.0
  upload 403 -u me:secret
}

read_only_packages() {
  old_packages
  start 80 -v "$data:/pypi:ro"
  answers /simple/demo/
  serves_but_takes_nothing 80
  ends
}

read_only_packages_and_nothing_to_write() {
  old_packages
  start 8080 --user 12345:0 --read-only --read-only-tmpfs=false --tmpfs /tmp -v "$data:/pypi:ro" -e PYPI_PORT=8080
  answers /simple/demo/
  serves_but_takes_nothing 8080
  ends
}

no_capabilities() {
  data root
  local port=8080
  start 8080 --cap-drop ALL -v "$data:/pypi" -e PYPI_PORT=8080
  answers /health
  works 0
  ends
}

no_capabilities_as_1000() {
  data 1000:1000
  local port=8080
  start 8080 --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 -v "$data:/pypi" -e PYPI_PORT=8080
  answers /health
  works 1000
  ends
}

under_an_init() {
  tools catatonit
  data 1000:1000
  start 8082 --init -v "$data:/pypi" -- run -p 8082
  answers /health
  ends
}

several_processes() {
  data 1000:1000
  start 80 -v "$data:/pypi" -e PYPI_WORKERS=2
  answers /health
  works 1000
  ends
}
