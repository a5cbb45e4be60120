# shellcheck shell=bash
# Starting and ending one node as a process of this machine. Needs say.sh. Knows the program's command line and /readyz,
# nothing else of it. A node's process is remembered with its start time, so that no stranger with its pid is ever ended.
#
# node_use STATE PROGRAM says where pid files and logs go (STATE/node-N.pid, .log) and which program a node is.

node_use() { node_state=$1 node_program=$2; }

node_log() { printf '%s/node-%d.log' "$node_state" "$1"; }

# process_mark PID: "pid start-time", which no two processes of a boot share; status 1 when it is gone or a zombie.
process_mark() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != Z ]] || return 1
  printf '%s %s\n' "$1" "${fields[19]}"
}

# node_pid N: its pid; status 1 when it does not run.
node_pid() {
  local remembered
  remembered=$(cat "$node_state/node-$1.pid" 2>/dev/null) || return 1
  [[ -n $remembered ]] || return 1  # it ended as it began, before it could be known
  [[ $(process_mark "${remembered%% *}") == "$remembered" ]] || return 1
  printf '%s\n' "${remembered%% *}"
}

# port_holder PORT: who listens there, in words; nothing when nobody does.
port_holder() {
  local line
  line=$(ss -Hltnp "sport = :$1" 2>/dev/null | head -n 1)
  if [[ $line =~ \"([^\"]+)\",pid=([0-9]+) ]]; then
    printf '%s (process %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  elif [[ -n $line ]]; then
    printf 'another program'
  fi
}

require_port() {
  local holder
  holder=$(port_holder "$1")
  [[ -z $holder ]] || fail "port $1 is taken by $holder: end that, or choose another port with --port."
}

# node_start N PORT URL [ARGUMENT…]: starts it and returns at once. It ends when this shell does, however that ends, and
# a Ctrl-C at the terminal reaches this shell alone, which then drains the node.
node_start() {
  local number=$1 port=$2 url=$3 log
  shift 3
  log=$(node_log "$number")
  if [[ -f $log ]] && (($(stat -c %s "$log") > 50000000)); then mv -f "$log" "$log.1"; fi
  node_log_from=$(stat -c %s "$log" 2>/dev/null || echo 0)
  KEYRACK_DATABASE_URL=$url setsid setpriv --pdeathsig TERM -- \
    "$node_program" serve --set "gateway.port=$port" "$@" >>"$log" 2>&1 </dev/null &
  process_mark $! >"$node_state/node-$number.pid" || true
  disown $!
}

# node_await N PORT SECONDS: returns when /readyz says 200; fails with a sentence when the node ends or time is up.
node_await() {
  local deadline=$((SECONDS + $3))
  until curl -fs -o /dev/null -m 2 "http://127.0.0.1:$2/readyz"; do
    node_pid "$1" >/dev/null || node_explain_failure "$1" "$2"
    ((SECONDS < deadline)) || fail "node $1 runs, but is not ready after $3 s; what it says is in $(node_log "$1")."
    sleep 0.05
  done
}

node_explain_failure() {
  local log said
  log=$(node_log "$1")
  said=$(tail -c "+$((${node_log_from:-0} + 1))" "$log" | tail -n 40)
  case $said in
    *"ddress already in use"*) require_port "$2" ;;
    *"No space left on device"*) fail "the disk is full: make room and start again; nothing that was acknowledged is lost." ;;
  esac
  fail "node $1 ended; its last words in $log:
$(tail -n 5 <<<"$said")"
}

# node_stop N: SIGTERM, on which it finishes what it has begun; by force, and with a word on it, when that takes longer than
# its own limits (gateway.leave_delay_ms and twice gateway.drain_timeout_ms). Not running is no error.
node_stop() {
  local pid deadline=$((SECONDS + 40))
  if pid=$(node_pid "$1"); then kill -TERM "$pid" 2>/dev/null || true; fi
  while pid=$(node_pid "$1"); do
    if ((SECONDS >= deadline)); then
      printf 'node %d did not end by itself within 40 s, and was killed; what it said is in %s\n' "$1" "$(node_log "$1")" >&2
      node_crash "$1"
    fi
    sleep 0.05
  done
  rm -f "$node_state/node-$1.pid"
}

# node_crash N: kill -9, and waits until it is gone.
node_crash() {
  local pid
  while pid=$(node_pid "$1"); do
    kill -KILL "$pid" 2>/dev/null || true
    sleep 0.02
  done
}
