#!/usr/bin/env bash
# visualdl 2.5.3: every page is "500 Internal Server Error" for a browser whose languages do not include English or Chinese.
#
# Expected: a page is shown in English if the browser's language is not supported, and curl or a start-up check gets 200 as well.
# Happens:  the page's cookie is set to the best match of Accept-Language, which is None for "fr" and without that header: 500, and
#           nothing in the server's log. "fr,en" is fine, so most browsers are not affected. The API always answers 200.
# Workaround: start the server with `--language en`. A check asks /alive or /app/api/runs.
set -euo pipefail
work=$(mktemp -d)
server=
export no_proxy=127.0.0.1
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq visualdl==2.5.3 setuptools

cat > show.py <<'PY'
import sys
import time
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

address = f"http://127.0.0.1:{sys.argv[1]}"


def status(path, language=None):
    headers = {} if language is None else {"Accept-Language": language}
    try:
        code = urlopen(Request(address + path, headers=headers), timeout=10).status
    except HTTPError as error:
        code = error.code
    print(f"GET {path}, Accept-Language: {language or 'not sent'}: {code}")
    return code


deadline = time.monotonic() + 60
while True:
    try:
        urlopen(address + "/alive", timeout=10).close()
        break
    except URLError:
        if time.monotonic() > deadline:
            sys.exit("the server did not start within 60 s")
        time.sleep(0.5)
pages = [status("/app/scalar", language) for language in (None, "fr", "fr,en", "en")]
if status("/app/api/runs") != 200 or pages != [int(code) for code in sys.argv[2:]]:
    sys.exit("CHANGED: the behaviour is no longer as described")
PY
venv/bin/python -c 'from visualdl import LogWriter
with LogWriter("log") as writer:
    writer.add_scalar("loss", 1.0, 0)' 2>/dev/null
serve() {
  port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  venv/bin/visualdl --logdir log --host 127.0.0.1 --port "$port" "$@" >>server.log 2>&1 &
  server=$!
}

venv/bin/python -c 'from importlib.metadata import version; print("visualdl", version("visualdl"))'
serve
venv/bin/python show.py "$port" 500 500 200 200
kill "$server"
echo "with --language en:"
serve --language en
venv/bin/python show.py "$port" 200 200 200 200
echo "as described: 500 for a browser with French alone and without Accept-Language, 200 with --language en"
