#!/usr/bin/env bash
# Installs what the demo, the tests and the screenshots need from Debian's or Ubuntu's packages; does nothing when it
# is there already. Usage: setup.sh server|pooler|fonts|bench
set -euo pipefail

server_bin() {
  ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1 ||
    command -v postgres
}

has_server() { [ -n "$(server_bin)" ]; }

has_cron() {
  local config=${PG_CONFIG:-$(dirname "$(server_bin)")/pg_config}
  [ -e "$("$config" --pkglibdir)/pg_cron.so" ]
}

has_fonts() { fc-list 2>/dev/null | grep -q 'JetBrains Mono' || ls /usr/share/fonts/truetype/jetbrains-mono >/dev/null 2>&1; }

install() {
  if ! command -v apt-get >/dev/null; then
    echo "This is not Debian or Ubuntu: please install $* by hand ($need)." >&2
    exit 1
  fi
  local root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  # Two apt runs at once fail on dpkg's lock: wait for the other.
  "${root[@]}" apt-get -o DPkg::Lock::Timeout=300 -qq update
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends "$@" >/dev/null
}

case "${1:-}" in
  server)
    need="a PostgreSQL server with its contrib modules, and pg_cron"
    # Rust needs a C linker, and one dependency a C compiler.
    command -v cc >/dev/null || install gcc libc6-dev
    has_server || install postgresql postgresql-contrib
    if ! has_cron; then
      major=$(server_bin | cut -d/ -f5)
      install "postgresql-$major-cron"
    fi
    ;;
  pooler)
    need="pgbouncer"
    [ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null || install pgbouncer
    ;;
  fonts)
    need="the font JetBrains Mono"
    has_fonts || install fonts-jetbrains-mono
    ;;
  bench)
    need="psql, pg_top and Python's venv"
    command -v pg_top >/dev/null || install pgtop
    python3 -c 'import venv, ensurepip' 2>/dev/null || install python3-venv
    ;;
  *)
    echo "usage: $0 server|pooler|fonts|bench" >&2
    exit 2
    ;;
esac
