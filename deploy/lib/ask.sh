# shellcheck shell=bash
# How a second deploy/run asks the first, which runs this clone's nodes, for something, and hears how it goes. Needs say.sh.
# Knows nothing of what is asked for.
#
# ask_use STATE says where: STATE/lock is held by the first as long as it runs; STATE/asked has one word, and is there until
# it has been answered; STATE/answer has what was said, and STATE/answered the status at the end.

ask_use() { ask_state=$1; }

# Of the second.

# Whether there is a first, and nobody else who asks: fails with a sentence when not.
ask_reachable() {
  mkdir -p "$ask_state"
  exec 8>>"$ask_state/asking"
  flock -n 8 || fail "another command is being carried out for this clone: wait until it has ended."
  ask_alive || fail "Keyrack does not run from this clone: start it with deploy/run, in another terminal, first."
}

ask_alive() { ! flock -n "$ask_state/lock" true; }

# ask_for WORD: shows what is said as it is said; its status is the answer's.
ask_for() {
  local shown=0
  rm -f "$ask_state/answered"
  : >"$ask_state/answer"
  printf '%s\n' "$1" >"$ask_state/asked.new"
  mv "$ask_state/asked.new" "$ask_state/asked"
  trap 'rm -f "$ask_state/asked"; exit 130' INT TERM HUP
  until [[ -e $ask_state/answered ]]; do
    ask_show
    if ! ask_alive; then
      rm -f "$ask_state/asked"
      fail "deploy/run ended meanwhile."
    fi
    sleep 0.1
  done
  ask_show
  return "$(<"$ask_state/answered")"
}

ask_show() {
  local size
  size=$(stat -c %s "$ask_state/answer")
  if ((size == shown)); then return; fi
  # More may have come since: head takes what was counted, and tail may find nobody to read the rest.
  tail -c "+$((shown + 1))" "$ask_state/answer" | head -c $((size - shown)) || true
  shown=$size
}

# Of the first.

ask_forget() { rm -f "$ask_state/asked"; }

# The word that was asked for, if any.
ask_next() { cat "$ask_state/asked" 2>/dev/null || true; }

# ask_say WORDS: to this terminal, and to who asked.
ask_say() {
  say "$*"
  say "$*" >>"$ask_state/answer"
}

# ask_answer COMMAND…: carries it out; its status is the answer's.
ask_answer() {
  local status=0
  "$@" || status=$?
  rm -f "$ask_state/asked"
  printf '%d\n' "$status" >"$ask_state/answered.new"
  mv "$ask_state/answered.new" "$ask_state/answered"
}
