#!/usr/bin/env bash
# Builds the image of the Dockerfile without Docker and without a registry, and looks at what came out: `make
# container-check`. Needs root, buildah, debootstrap and a Python with pip of the same version as the image's stand-in.
#
# The base image is stood in for by a Debian with its own Python, made by debootstrap; the packages of requirements.lock
# are fetched by this machine's pip and given to the build as a folder. All else is the Dockerfile's: each of its steps is run.
set -euo pipefail
cd "$(dirname "$0")/.."
WORK=${WORK:-/var/tmp/everbot-container-check}
MIRROR=${MIRROR:-http://deb.debian.org/debian}
EXTRAS=${EXTRAS:-}
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
BASE=$(sed -n 's/^FROM \([^ ]*\) AS build$/docker.io\/library\/\1/p' Dockerfile)
NAME=localhost/everbot-check

say() { echo "== $*"; }
fail() { echo "FAIL: $*" >&2; exit 1; }

for tool in buildah debootstrap; do command -v $tool > /dev/null || fail "$tool is missing (apt install $tool)"; done
for version in 3.13:trixie 3.11:bookworm; do
  if "python${version%:*}" -m pip --version > /dev/null 2>&1; then PYTHON=python${version%:*} SUITE=${version#*:}; break; fi
done
[ -n "${PYTHON:-}" ] || fail "neither python3.13 nor python3.11 is here with its pip"
STAND_IN=localhost/everbot-base-$SUITE
mkdir -p "$WORK"

if ! buildah inspect --type image "$STAND_IN" > /dev/null 2>&1; then
  say "$BASE, stood in for by Debian $SUITE"
  [ -e "$WORK/$SUITE/etc/debian_version" ] || debootstrap --variant=minbase \
    --include=python3,python3-venv,python3-pip,ca-certificates "$SUITE" "$WORK/$SUITE" "$MIRROR" > "$WORK/debootstrap.log"
  container=$(buildah from scratch)
  buildah add -q "$container" "$WORK/$SUITE" / > /dev/null
  buildah run "$container" -- sh -c 'ln -sf /usr/bin/python3 /usr/local/bin/python; ln -sf /usr/bin/pip3 /usr/local/bin/pip'
  buildah commit -q --rm "$container" "$STAND_IN" > /dev/null
fi
buildah tag "$STAND_IN" "$BASE"

say "packages"
rm -rf "$WORK/wheels"
"$PYTHON" -m pip --disable-pip-version-check download --quiet --require-hashes --no-deps -r requirements.lock -d "$WORK/wheels"
printf '[global]\nno-index = true\nfind-links = /wheels\n' > "$WORK/pip.conf"

say "the Dockerfile's steps"
buildah build --quiet --format docker --pull-never --build-arg "EXTRAS=$EXTRAS" \
  --volume "$WORK/wheels:/wheels:ro" --volume "$WORK/pip.conf:/etc/pip.conf:ro" -t "$NAME" . > /dev/null

say "what came out"
container=$(buildah from --pull-never "$NAME")
cleaned() { [ -z "${running:-}" ] || kill "$running" 2> /dev/null || true; buildah rm "$container" > /dev/null; }
trap cleaned EXIT
inside() { buildah run --env EVERBOT_DATA_DIR=/data "$container" -- "$@"; }
served() { # of the processes under this one, the one that is everbot itself
  local child
  for child in $(pgrep -P "$1"); do
    case $(tr '\0' ' ' < "/proc/$child/cmdline") in /venv/bin/python*"everbot run "*) echo "$child"; return ;; esac
    served "$child"
  done
}
config() { buildah inspect --type image --format "{{.Docker.Config.$1}}" "$NAME"; }

[ "$(config User)" = everbot ] || fail "its user is not everbot"
[ "$(inside id -u)" = 10001 ] || fail "it does not run as everbot"
case $(config Healthcheck.Test) in *"everbot health"*) ;; *) fail "there is no HEALTHCHECK" ;; esac
inside sh -c '! touch /venv/x 2> /dev/null && ! touch /etc/x 2> /dev/null' || fail "its user may change the program"
inside sh -c 'touch /data/x && rm /data/x && touch /backups/x && rm /backups/x' || fail "its volumes cannot be written"
inside sh -c 'ls -d /src /venv/bin/hatchling /venv/bin/pip 2> /dev/null' && fail "what only builds is in it"
inside du -sm /venv | sed 's/^/MB: /'
told() { grep "$1" > /dev/null; } # reads to the end, so that nobody writes into a closed pipe
echo 'My dog is called Biscuit.' | inside everbot chat --user ada | told . || fail "it does not answer"
inside everbot doctor || fail "doctor finds something wrong"
echo "What is my dog called?" | inside everbot chat --user ada | told Biscuit || fail "it does not remember"
inside everbot backup --keep 2 | told /data/backups/ || fail "it makes no backup"
{ inside everbot setup < /dev/null || true; } | told OPENAI_API_KEY || fail "setup does not say what to do without a terminal"

say "a running one"
buildah run --env DISCORD_BOT_TOKEN=x --env EVERBOT_DISCORD__API_URL=http://127.0.0.1:9 "$container" -- everbot run &
running=$!
for _ in $(seq 60); do inside everbot health && break; sleep 1; done 2> /dev/null
inside everbot health || fail "it is not healthy"
inside everbot health --ready && fail "it is ready, though Discord cannot be reached"
"$PYTHON" - << 'END' || fail "health is not told on all interfaces"
import socket
listening = [line.split()[1] for line in open("/proc/net/tcp") if line.split()[3] == "0A"]
assert "00000000:1F90" in listening, listening
END
kill -TERM "$(served "$running")"
wait "$running" || fail "it does not stop in good order"
running=
say "all is well (Dockerfile built by buildah, isolation chroot, base: Debian $SUITE)"
