# shellcheck shell=bash
# How scripts speak to a person: one sentence when something fails, a live line for whatever takes longer than a second.
# Knows nothing of Keyrack.

say() { printf '%s\n' "$*"; }

# One sentence that says what is wrong and what to do about it; ends the script (or the subshell it stands in).
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

usage_error() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# Prints the comment that opens script $1, up to its first other line: its manual.
manual() { awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$1"; }

# Milliseconds on a clock that only measures differences.
now_ms() { printf '%s' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }

# seconds_since MS: "1.4".
seconds_since() {
  local passed=$(($(now_ms) - $1))
  printf '%d.%d' $((passed / 1000)) $((passed % 1000 / 100))
}

# The last thing that a program printed to file $1, progress bars that overwrite their line included.
last_line() { tail -c 4096 "$1" 2>/dev/null | tr '\r' '\n' | grep -a . | tail -n 1 | tr -cd '[:print:]' | cut -c "1-${2:-100}"; }

# with_progress LABEL LOG COMMAND…: runs COMMAND with its output in LOG and returns its status. A command of less than a
# second is not mentioned. On a terminal the line is live; elsewhere a line comes after one second and then every 20.
with_progress() {
  local label=$1 log=$2 started status=0 next=1 passed verdict='done'
  shift 2
  started=$(now_ms)
  : >"$log"
  "$@" >>"$log" 2>&1 </dev/null &
  progress_job=$!
  while kill -0 "$progress_job" 2>/dev/null; do
    passed=$((($(now_ms) - started) / 1000))
    if [[ -t 1 ]] && ((passed >= 1)); then
      printf '\r\033[K%s … %d s  %s' "$label" "$passed" "$(last_line "$log" $((${COLUMNS:-100} - ${#label} - 12)))"
    elif ((passed >= next)); then
      printf '%s … %d s  %s\n' "$label" "$passed" "$(last_line "$log")"
      next=$((passed + 20))
    fi
    sleep 0.1
  done
  wait "$progress_job" || status=$?
  progress_job=
  if (($(now_ms) - started >= 1000)); then
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
    if ((status != 0)); then verdict=failed; fi
    printf '%s: %s in %s s\n' "$label" "$verdict" "$(seconds_since "$started")"
  fi
  return "$status"
}

# Ends what with_progress is running, if anything: for traps.
progress_abandon() {
  if [[ -n ${progress_job:-} ]]; then kill -TERM "$progress_job" 2>/dev/null || true; fi
}
