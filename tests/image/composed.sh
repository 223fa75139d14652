# shellcheck shell=bash
# The image as the compose files start it, but for the ports outside.  Functions for `try`.
CASES+=(compose compose_tls)

composed() { podman-compose -p "$1" -f "$work/$2" "${@:3}" >"$work/compose.log" 2>&1; }

composed_down() {
  composed "$1" "$2" down -v -t 5
  podman network rm -f "${1}_default" >/dev/null 2>&1 # which older ones leave behind
}

# compose_up FILE OUTSIDE PLAIN: start it as it is there, at other ports; $name is then the container's.
compose_up() {
  local file=$1
  tools podman-compose
  undo="composed_down $name $file"
  sed -e "s/^    image: .*/    image: ${image//\//\\/}/" -e '/^    build: /d' \
    -e "s/\"8080:8080\"/\"127.0.0.1:$2:8080\"/" -e "s/\"80:8080\"/\"127.0.0.1:$3:8080\"/" \
    -e "s/\"443:8443\"/\"127.0.0.1:$2:8443\"/" "$file" >"$work/$file"
  begun_us=${EPOCHREALTIME/[.,]/}
  composed "$name" "$file" up -d || wrong "$(tail -3 "$work/compose.log")"
  name=$(podman ps --format '{{.Names}}' --filter "label=io.podman.compose.project=$name")
}

compose() {
  local port=8080 outside
  outside=$(free_port)
  compose_up compose.yaml "$outside" 0
  url=http://127.0.0.1:$outside
  answers /health
  serves_as 1000
  works 1000
  ! inside touch /here 2>/dev/null || wrong "the image can be written to"
  ends
}

compose_tls() {
  local outside plain answer
  mkdir "$work/tls"
  data=$work/tls certificate
  mv "$work/tls/.cert.pem" "$work/tls/cert.pem"
  mv "$work/tls/.key.pem" "$work/tls/key.pem"
  outside=$(free_port) plain=$(free_port)
  compose_up compose.tls.yaml "$outside" "$plain"
  url=https://127.0.0.1:$outside
  answers /health --insecure
  answer=$(ask -o /dev/null -w '%{http_code} %{redirect_url}' "http://127.0.0.1:$plain/simple/")
  [ "$answer" = "301 https://pypi.example.com/simple/" ] || wrong "plain HTTP: $answer"
  ends
}
