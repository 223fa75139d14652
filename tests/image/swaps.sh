# shellcheck shell=bash
# The image in the place of the old server's: its variables, its command lines, its volumes.  Functions for `try`.
CASES+=(old_volume old_variables old_overwrite_false old_overwrite_true old_command_line old_line_without_sub_command
  old_open_server half_open_server old_update check_before_the_swap
  a_word_that_is_no_option)

# What the old server left behind: root's, in folders of folders, with users of every kind.
old_volume() {
  data root
  mkdir -p "$data/team/web" "$data/.hidden"
  wheel demo 1.0
  cp "$wheel" "$data/"
  wheel web 2.0
  cp "$wheel" "$data/team/web/"
  wheel secret 3.0
  cp "$wheel" "$data/.hidden/"
  echo 'me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' >"$data/.htpasswd" # secret, by htpasswd -s
  start 80 -v "$data:/pypi:rw"
  answers /simple/demo/
  says_not "Nobody can log in yet"
  installs demo
  installs web
  status 404 "$url/packages/.hidden/secret-3.0-py3-none-any.whl"
  wheel demo 2.0
  upload 200 -u me:secret
  cp "$wheel" "$data/team/demo-2.1-py3-none-any.whl"
  rm "$data/team/demo-2.1-py3-none-any.whl"
  status 303 "$url/simple/unknown-project-of-nobody/"
  ends
}

old_variables() {
  data root
  mkdir "$data/files"
  echo 'me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' >"$data/users"
  start 8085 -v "$data:/srv" -e PYPI_ROOT=/srv/files -e PYPI_PORT=8085 -e PYPI_PASSWD_FILE=/srv/users \
    -e PYPI_OVERWRITE= -e "PYPI_AUTHENTICATE=Update, download list" \
    -e "PYPI_EXTRA=--disable-fallback --health-endpoint /ok -v --backend cached-dir --server auto --cache-control 60"
  answers /ok
  status 401 "$url/simple/"
  status 200 -u me:secret "$url/simple/"
  status 404 -u me:secret "$url/simple/unknown-project-of-nobody/"
  wheel demo 1.0
  upload 401
  upload 200 -u me:secret
  [ -s "$data/files/${wheel##*/}" ] || wrong "the upload is not in PYPI_ROOT"
  status 401 "$url/packages/${wheel##*/}"
  ends
}

# again CODE: the same name with other bytes.
again() {
  wheel demo 1.0
  upload 200
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "a").writestr("more.py", "")' "$wheel"
  upload "$1"
}

old_overwrite_false() {
  data root
  start 80 -v "$data:/pypi" -e PYPI_OVERWRITE=false -e PYPI_AUTHENTICATE=. -e PYPI_PASSWD_FILE=.
  answers /health
  says "PYPI_OVERWRITE"
  again 409
  ends
}

old_overwrite_true() {
  data root
  start 80 -v "$data:/pypi" -e PYPI_OVERWRITE=true -e PYPI_AUTHENTICATE=. -e PYPI_PASSWD_FILE=.
  answers /health
  again 200
  ends
}

old_command_line() {
  data root
  start 8082 -v "$data:/pypi" -- run -p 8082 -a . -P . --overwrite /pypi
  answers /simple/
  again 200
  ends
}

old_line_without_sub_command() {
  data root
  echo 'me:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' >"$data/.htpasswd"
  start 8080 -v "$data:/pypi" -- -p 8080 -P /pypi/.htpasswd -a update,download /pypi
  answers /health
  wheel demo 1.0
  upload 401
  upload 200 -u me:secret
  status 401 "$url/packages/${wheel##*/}"
  ends
}

old_open_server() {
  data root
  start 80 -v "$data:/pypi" -e "PYPI_EXTRA=-a . -P ."
  answers /health
  wheel demo 1.0
  upload 200
  ends
}

# refuses CODE TEXT [podman's options] [-- the command line]: it ends at once, and says why.
refuses() {
  local code=$1 text=$2
  start 80 "${@:3}"
  [ "$(podman wait "$name")" = "$code" ] || wrong "exit code $(podman inspect "$name" --format '{{.State.ExitCode}}'), not $code"
  says "$text"
}

half_open_server() {
  refuses 1 "PYPI_AUTHENTICATE" -e PYPI_AUTHENTICATE=.
}

old_update() {
  data root
  wheel demo 1.0
  cp "$wheel" "$data/"
  refuses 0 "checking 1 packages for newer version" -v "$data:/pypi" -- -U /pypi
}

check_before_the_swap() {
  data 1000:1000
  wheel demo 1.0
  cp "$wheel" "$data/"
  refuses 0 "PYPI_OVERWRITE=false is read as off" -v "$data:/pypi" -e PYPI_OVERWRITE=false -- twisted-pypi check
}

a_word_that_is_no_option() {
  refuses 2 "--no-such-option (in PYPI_EXTRA) is not an option that is known here" -e PYPI_EXTRA=--no-such-option
}
