"""nginx as a peer: one process, the same bytes from files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.corpus import empty_folder
from benchmarks.servers import LOGS, SERVER_CORE, on_core
from tests.clients.server import Process, clean_variables, free_port

_CONFIGURATION = """
daemon off;
{user}
master_process off;
worker_processes 1;
worker_rlimit_nofile 30000;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
events {{ worker_connections 20000; }}
http {{
  access_log {logs}/nginx-access.log combined buffer=64k flush=1s;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 300;
  keepalive_requests 1000000000;
  client_body_temp_path {work}/body;
  proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi;
  scgi_temp_path {work}/scgi;
  default_type application/octet-stream;
  types {{ text/html html; application/vnd.pypi.simple.v1+json json; }}
  server {{
    listen 127.0.0.1:{port};
    root {root};
    index index.json index.html;
    gzip_static on;
    add_header Vary "Accept, Accept-Encoding";
    location /packages/ {{ gzip_static off; }}
    location = /health {{ return 200 "ok"; }}
  }}
}}
"""


def program() -> str | None:
    """Return nginx, installed by apt where this runs as root; ``None``: there is none."""
    places = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which("nginx", path=places)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        installed = subprocess.run(["apt-get", "install", "-y", "nginx-light"], capture_output=True, check=False)
        found = shutil.which("nginx", path=places) if installed.returncode == 0 else None
    if found is None:
        print("  nginx is not installed and could not be: what is compared with it is left out", flush=True)
    return found


def version() -> str:
    """Return the version of nginx, or a dash."""
    found = program()
    if found is None:
        return "-"
    done = subprocess.run([found, "-v"], capture_output=True, text=True, check=True)
    return done.stderr.strip().rpartition("/")[2]


def nginx(root: Path) -> Process:
    """Serve a folder: sendfile, kept connections, a buffered access log, ``*.gz`` beside pages."""
    found = program()
    assert found is not None
    work, port = empty_folder("nginx"), free_port()
    LOGS.mkdir(parents=True, exist_ok=True)
    # As root it would become somebody who may not read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = work / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(work=work, logs=LOGS, port=port, root=root, user=user))
    command: list[str | Path] = [*on_core(SERVER_CORE), found, "-p", work, "-c", configuration]
    log = LOGS / "nginx.log"
    log.unlink(missing_ok=True)
    return Process(command, port, log, clean_variables())
