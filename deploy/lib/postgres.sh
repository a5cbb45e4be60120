#!/usr/bin/env bash
# A private PostgreSQL 15 in a directory of the caller's: created, started, adopted or cleaned up after a crash, stopped,
# removed. Unix socket only. Knows nothing of Keyrack's schema, and touches no process whose working directory is not its
# own data directory.
#
# To be sourced (needs say.sh), or run, for programs that are not bash:
#   deploy/lib/postgres.sh start DIR [setting=value…]   start it, creating it if need be; prints its URL
#   deploy/lib/postgres.sh stop | crash | remove DIR    end it cleanly; kill -9 all of it; end it and delete its data
#   deploy/lib/postgres.sh url | pid | where DIR        its URL; its postmaster's pid; its data directory
#
# On the disk, for DIR = x:
#   x/data             the data directory, owned by the user that PostgreSQL runs as
#   x.at               instead, when that user cannot enter x (a clone under root's home): the path of a directory that
#                      holds data/ in its place, /var/lib/keyrack-<hash of x>
#   x.log              what the server said
# The socket lies beside data/, or, when that path is too long for one, in /tmp/keyrack-<hash of x>.

pg_bin=/usr/lib/postgresql/15/bin

# pg_locate DIR: sets pg_home (of DIR: where data/ is), pg_data, pg_log, pg_socket and pg_owner (uid:gid). Changes nothing.
pg_locate() {
  local dir
  dir=$(realpath -m -- "$1")
  pg_dir=$dir pg_home=$dir pg_log=$dir.log
  pg_hash=$(printf '%s' "$dir" | sha256sum | cut -c 1-12)
  if [[ -f $dir.at ]]; then
    pg_home=$(<"$dir.at")
    # It will be created, filled and deleted: nothing but the name that pg_make_home writes there is believed.
    [[ $pg_home =~ ^/var/lib/keyrack-[0-9a-f]{12}$ ]] || fail "$dir.at does not name a directory of ours: remove it and try again."
  fi
  pg_data=$pg_home/data
  pg_owner=$(pg_find_owner)
  # A socket's path has at most 107 bytes, and its directory stands in a comma-separated list.
  pg_socket=$pg_home
  if ((${#pg_socket} + 15 > 107)) || [[ $pg_socket =~ [^[:alnum:]/._-] ]]; then pg_socket=/tmp/keyrack-$pg_hash; fi
}

# Whoever owns the data runs the server; new data belongs to this user, or to postgres when this is root.
pg_find_owner() {
  if [[ -d $pg_data ]]; then
    stat -c %u:%g "$pg_data"
  elif ((EUID != 0)); then
    printf '%s:%s' "$(id -u)" "$(id -g)"
  else
    id -u postgres >/dev/null 2>&1 || fail "PostgreSQL does not run as root, and there is no user postgres: run deploy/bootstrap."
    printf '%s:%s' "$(id -u postgres)" "$(id -g postgres)"
  fi
}

# Runs a command as the owner, in /, without the caller's environment (PGHOST and its like would lead it astray).
pg_as_owner() {
  local become=()
  if [[ ${pg_owner%:*} != "$EUID" ]]; then
    ((EUID == 0)) || fail "$pg_data belongs to another user: run this as that user, or as root."
    become=(setpriv --reuid "${pg_owner%:*}" --regid "${pg_owner#*:}" --clear-groups --)
  fi
  (cd / && exec env -i PATH="$pg_bin:/usr/bin:/bin" HOME=/ LC_ALL=C.UTF-8 TZ=UTC "${become[@]}" "$@")
}

# pg_url DIR [DATABASE]: for libpq. Says the port, lest PGPORT change it.
pg_url() {
  pg_locate "$1"
  printf 'postgresql://keyrack@/%s?host=%s&port=5432\n' "${2:-keyrack}" "$pg_socket"
}

pg_psql() {
  pg_as_owner env PGCONNECT_TIMEOUT=3 psql -X -q -A -t -v ON_ERROR_STOP=1 -U keyrack -h "$pg_socket" -p 5432 "$@"
}

# The pids of all PostgreSQL processes whose working directory is pg_data: ours, whoever started them.
pg_processes() {
  local process
  for process in /proc/[0-9]*; do
    if [[ $process/cwd -ef $pg_data && $(<"$process/comm") == postgres ]]; then printf '%s\n' "${process#/proc/}"; fi
  done 2>/dev/null
}

# pg_pid DIR: the postmaster's pid; status 1 when there is none.
pg_pid() {
  local pid
  pg_locate "$1"
  pid=$(pg_as_owner head -n 1 "$pg_data/postmaster.pid" 2>/dev/null) || return 1
  [[ /proc/$pid/cwd -ef $pg_data && $(<"/proc/$pid/comm") == postgres ]] 2>/dev/null || return 1
  printf '%s\n' "$pid"
}

# Makes pg_home: DIR itself, or, when the owner cannot enter DIR, a directory elsewhere with a pointer to it.
pg_make_home() {
  if [[ -e $pg_home && ! -O $pg_home ]] && ((EUID != 0)); then
    fail "$pg_home belongs to $(stat -c %U "$pg_home"): run this as that user, or as root."
  fi
  if ! mkdir -p "${pg_dir%/*}" "$pg_home"; then fail "cannot create $pg_home: choose a directory that you may write to."; fi
  chmod 700 "$pg_home"
  chown "$pg_owner" "$pg_home"
  if pg_as_owner test -w "$pg_home" -a -x "$pg_home"; then return; fi
  rmdir "$pg_home" || fail "user ${pg_owner%:*} cannot write to $pg_home: remove it and try again."
  ((EUID == 0)) || fail "cannot write to $pg_home."
  pg_home=/var/lib/keyrack-$pg_hash
  if [[ -e $pg_home ]]; then
    # Its clone has lost the pointer to it, so that clone is gone, and this is another one at the same place.
    say "Removing $pg_home: it belonged to an earlier clone at this place."
    pg_data=$pg_home/data
    pg_kill_all
    rm -rf "$pg_home"
  fi
  mkdir -m 700 "$pg_home"
  chown "$pg_owner" "$pg_home"
  printf '%s\n' "$pg_home" >"$pg_dir.at"
  pg_locate "$pg_dir"
}

# Makes the socket's directory when it is not the data's parent. In /tmp anybody may have been there first.
pg_make_socket_directory() {
  if [[ $pg_socket == "$pg_home" ]]; then return; fi
  if mkdir -m 700 "$pg_socket" 2>/dev/null; then chown "$pg_owner" "$pg_socket"; fi
  [[ ! -L $pg_socket && $(stat -c %u:%g:%a "$pg_socket") == "$pg_owner:700" ]] ||
    fail "$pg_socket is not a private directory of this user: remove it and try again."
}

# Creates the data directory whole or not at all.
pg_create() {
  local fresh=$pg_home/data.new
  pg_require_space 300
  rm -rf "$fresh" "$pg_home"/removed-*
  pg_as_owner initdb -D "$fresh" -U keyrack -A trust -E UTF8 --locale=C --data-checksums --no-instructions >>"$pg_log" 2>&1 ||
    pg_explain_failure
  echo "include 'keyrack.conf'" | pg_as_owner tee -a "$fresh/postgresql.conf" >/dev/null
  pg_as_owner mv -T "$fresh" "$pg_data"
}

# pg_free_mb DIR: room on the disk that holds its data, in MiB.
pg_free_mb() {
  pg_locate "$1"
  printf '%d' "$(($(stat -f -c '%a * %S / 1048576' "$pg_home")))"
}

# pg_require_space MB
pg_require_space() { (($(pg_free_mb "$pg_dir") >= $1)) || pg_fail_full; }

# pg_settings [setting=value…]: what a booking's durability and speed rest on, then the caller's wishes.
pg_settings() {
  cat <<END
# Written anew at each start by $(realpath "${BASH_SOURCE[0]}").
listen_addresses = ''
unix_socket_directories = '$pg_socket'
unix_socket_permissions = 0700
port = 5432
max_connections = 200

# An acknowledged commit is on the disk, and survives a torn page.
fsync = on
synchronous_commit = on
full_page_writes = on

shared_buffers = 512MB
wal_compression = lz4
wal_buffers = 16MB
max_wal_size = 2GB
min_wal_size = 512MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
# Every statement is short: compiling one costs more than running it.
jit = off

# A peer that is gone, and a transaction that somebody forgot, let go of their locks.
tcp_keepalives_idle = 5
tcp_keepalives_interval = 2
tcp_keepalives_count = 3
idle_in_transaction_session_timeout = 10s

timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
logging_collector = off
END
  local setting
  for setting in "$@"; do printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"; done
}

# Clears away what a crash left: our processes that do not answer, and lock files of processes that are gone. PostgreSQL
# would mistake a stranger with the same pid, or a zombie that nobody has reaped yet, for the holder of those.
pg_clean_up() {
  pg_kill_all
  pg_as_owner rm -f "$pg_data/postmaster.pid" "$pg_socket/.s.PGSQL.5432" "$pg_socket/.s.PGSQL.5432.lock"
}

# kill -9 of every process of ours, and waits until the kernel has taken them away: only then is their shared memory free.
pg_kill_all() {
  local pids tries
  for ((tries = 0; tries < 100; ++tries)); do
    mapfile -t pids < <(pg_processes)
    if ((${#pids[@]} == 0)); then return; fi
    kill -9 "${pids[@]}" 2>/dev/null || true
    sleep 0.05
  done
  fail "PostgreSQL's processes ${pids[*]} do not end even by kill -9: the disk may hang; restart the machine."
}

# pg_start DIR [setting=value…]: after it PostgreSQL answers at pg_url DIR, and the database keyrack is there. A running
# one is adopted, with the settings that it was started with.
pg_start() {
  local dir=$1
  shift
  [[ -x $pg_bin/postgres ]] || fail "PostgreSQL 15 is not installed: run deploy/bootstrap."
  pg_locate "$dir"
  if pg_pid "$dir" >/dev/null && pg_psql -d keyrack -c 'SELECT 1' >/dev/null 2>&1; then return; fi
  pg_make_home
  pg_make_socket_directory
  if [[ ! -e $pg_data ]]; then pg_create; fi
  pg_check_data
  pg_require_space 64
  pg_clean_up
  pg_settings "$@" | pg_as_owner tee "$pg_data/keyrack.conf" >/dev/null || pg_explain_failure
  pg_rotate_log
  # From within, because pg_ctl hands the path to a shell without escaping it.
  pg_as_owner env -C "$pg_data" pg_ctl start -s -w -t 120 -D . >>"$pg_log" 2>&1 </dev/null || pg_explain_failure
  if [[ -z $(pg_psql -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'keyrack'") ]]; then
    pg_psql -d postgres -c 'CREATE DATABASE keyrack'
  fi
}

pg_check_data() {
  local version
  version=$(pg_as_owner cat "$pg_data/PG_VERSION" 2>/dev/null) || pg_fail_broken "PG_VERSION is missing"
  [[ $version == 15 ]] || pg_fail_broken "it was made by PostgreSQL $version, and this is 15"
}

pg_rotate_log() {
  if [[ -f $pg_log ]] && (($(stat -c %s "$pg_log") > 10000000)); then mv -f "$pg_log" "$pg_log.1"; fi
  pg_log_from=$(stat -c %s "$pg_log" 2>/dev/null || echo 0)
}

pg_fail_broken() {
  fail "the database in $pg_data cannot be used: $1 (more in $pg_log). If its files are damaged, put your copy of them back,
or begin anew, without its bookings, by deploy/run --reset."
}

# Turns what the server said since it was started into one sentence.
pg_explain_failure() {
  local said reason
  said=$(tail -c "+$((${pg_log_from:-0} + 1))" "$pg_log" | tail -n 200)
  case $said in
    *"No space left on device"* | *"Disk quota exceeded"*) pg_fail_full ;;
    *"Cannot allocate memory"* | *"could not map anonymous shared memory"* | *"could not resize shared memory"*)
      fail "PostgreSQL finds too little memory to start (see $pg_log): close other programs and try again." ;;
  esac
  reason=$(grep -aE '(FATAL|PANIC|error|postgres): ' <<<"$said" | head -n 1 | sed -E 's/.*(FATAL|PANIC|error|postgres): +//')
  pg_fail_broken "${reason:-PostgreSQL does not start}"
}

pg_fail_full() {
  fail "the disk that holds $pg_home is full: make room and try again; nothing that was acknowledged is lost."
}

# pg_stop DIR: cleanly, ending the sessions that are left; by force if that takes more than 60 s. Nothing runs: no error.
pg_stop() {
  pg_pid "$1" >/dev/null || return 0
  pg_as_owner pg_ctl stop -s -w -t 60 -m fast -D "$pg_data" >>"$pg_log" 2>&1 || pg_clean_up
}

# pg_crash DIR: as a power cut would, the disk's cache apart.
pg_crash() {
  pg_locate "$1"
  pg_kill_all
}

# pg_remove DIR: ends it and deletes all of it, the log included.
pg_remove() {
  pg_locate "$1"
  pg_kill_all
  # In one step, lest a removal that is interrupted leave half a database.
  if [[ -e $pg_data ]]; then mv -T "$pg_data" "$pg_home/removed-$$"; fi
  rm -rf "$pg_home" "$pg_dir" "$pg_dir.at" "$pg_log" "$pg_log.1"
  if [[ $pg_socket == /tmp/keyrack-"$pg_hash" ]]; then rm -rf "$pg_socket"; fi
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  # shellcheck source=deploy/lib/say.sh
  . "$(dirname "$0")/say.sh"
  (($# >= 2)) || { manual "$0" >&2; exit 2; }
  case $1 in
    start) pg_start "${@:2}" >&2 && pg_url "$2" ;;
    stop | crash | remove | url | pid) "pg_$1" "$2" ;;
    where) pg_locate "$2" && say "$pg_data" ;;
    *) usage_error "unknown command \"$1\"; run it without arguments for its manual" ;;
  esac
fi
