# shellcheck shell=bash
# Where the image listens, whether its HEALTHCHECK finds the place, and how it ends: each a function that `try` calls.
CASES+=(prefix_and_health_endpoint a_tcp_endpoint a_socket_in_the_file_system an_ssl_endpoint tls
  a_download_that_ends_in_time a_download_that_does_not)

prefix_and_health_endpoint() {
  data 1000:1000
  start 8081 -v "$data:/pypi" -e "PYPI_EXTRA=-p 8081 --server-base-url /base --health-endpoint /ok"
  answers /base/ok
  ends
}

a_tcp_endpoint() {
  data 1000:1000
  start 8083 -v "$data:/pypi" -- --listen tcp:8083
  answers /health
  ends
}

a_socket_in_the_file_system() {
  data 1000:1000
  start 80 -v "$data:/pypi" -e PYPI_LISTEN=unix:/pypi/.socket
  answers /health --unix-socket "$data/.socket"
  ends
}

# certificate: one that nobody trusts, for another name, in the folder of the packages.
certificate() {
  tools openssl
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=pypi.example.com -addext subjectAltName=DNS:pypi.example.com \
    -keyout "$data/.key.pem" -out "$data/.cert.pem" 2>"$work/openssl.log" || cannot "$(tail -1 "$work/openssl.log")"
  chown 1000:1000 "$data/.key.pem" "$data/.cert.pem"
}

an_ssl_endpoint() {
  data 1000:1000
  certificate
  start 8443 -v "$data:/pypi" -e PYPI_LISTEN=ssl:8443:privateKey=/pypi/.key.pem:certKey=/pypi/.cert.pem
  url=${url/http:/https:}
  answers /health --insecure
  ends
}

# As compose.tls.yaml starts it.
tls() {
  data 1000:1000
  certificate
  start 443 -v "$data:/pypi" -e PYPI_PORT=443 -e PYPI_TLS_CERT=/pypi/.cert.pem -e PYPI_TLS_KEY=/pypi/.key.pem \
    -e PYPI_REDIRECT_HTTP=80
  url=${url/http:/https:}
  answers /health --insecure
  serves_as 1000
  inside python -c 'import http.client as http; c = http.HTTPConnection("127.0.0.1", 80); c.request("GET", "/simple/")
answer = c.getresponse(); assert answer.status in {301, 308}, answer.status
assert answer.headers["Location"].startswith("https://"), answer.headers["Location"]'
  ends
}

# big: 64 MiB that a client takes in as long as it likes.
big() {
  data 1000:1000
  python3 - "$data/big-1.0-py3-none-any.whl" <<'PY'
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as file:
    file.writestr("big.bin", os.urandom(2**26))
    file.writestr("big-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: big\nVersion: 1.0\n")
    file.writestr("big-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
PY
  touch -d '1 minute ago' "$data/big-1.0-py3-none-any.whl" # else it might still be arriving
  start 80 -v "$data:/pypi"
  answers /simple/big/
}

# take BYTES_A_SECOND: download it in the background, as $taker; there is something of it when this returns.
take() {
  curl --silent --fail --max-time 60 --noproxy '*' --limit-rate "$1" -o "$work/taken" "$url/packages/big-1.0-py3-none-any.whl" &
  taker=$!
  until [ -s "$work/taken" ]; do
    kill -0 "$taker" 2>/dev/null || wrong "the download did not begin: $(ask "$url/packages/big-1.0-py3-none-any.whl" | head -c 200)"
    sleep 0.1
  done
}

a_download_that_ends_in_time() {
  local code=0 ending
  big
  take 16M
  podman kill --signal TERM "$name" >/dev/null
  sleep 0.5
  ! ask -o /dev/null "$url/health" 2>/dev/null || wrong "somebody new is served while it ends"
  ending=$SECONDS
  wait "$taker" || code=$?
  [ "$code" = 0 ] || wrong "curl $code: the download was cut"
  cmp "$work/taken" "$data/big-1.0-py3-none-any.whl" || wrong "other bytes"
  [ "$(podman wait "$name")" = 0 ] || wrong "exit code $(podman inspect "$name" --format '{{.State.ExitCode}}')"
  say "the download ended $((SECONDS - ending)) s after SIGTERM, whole, and the server with exit code 0"
}

a_download_that_does_not() {
  big
  take 500K
  ends # within the 10 s that an engine gives it
  wait "$taker" && wrong "half of a file was taken for the whole"
  say "and the client knows that it has not all of it"
}
