# shellcheck shell=bash
# What a newcomer does first: book a room, change the booking, cancel it. Printed as three commands, and done as a check.
# Needs say.sh, node.sh, curl and jq. Knows the HTTP API only.

# tour_choose BASE: sets tour_hotel, tour_hotel_name, tour_type, tour_in, tour_out, tour_longer: a hotel that sells a room to
# two guests for two nights, and for one more, some weeks from now.
tour_choose() {
  local hotels='' weeks tries
  # The list comes from the projection, which may be a moment behind.
  for ((tries = 0; tries < 100; ++tries)); do
    hotels=$(curl -fsS -m 10 "$1/v1/hotels?limit=20") || fail "the list of hotels could not be read from $1."
    if [[ $(jq '.data | length' <<<"$hotels") != 0 ]]; then break; fi
    sleep 0.1
  done
  for weeks in 5 9 14; do
    tour_in=$(date -u -d "+$weeks weeks" +%F)
    tour_out=$(date -u -d "$tour_in +2 days" +%F)
    tour_longer=$(date -u -d "$tour_in +3 days" +%F)
    while IFS=$'\t' read -r tour_hotel tour_hotel_name; do
      tour_type=$(comm -12 <(tour_bookable "$1" "$tour_out") <(tour_bookable "$1" "$tour_longer") | head -n 1)
      if [[ -n $tour_type ]]; then return; fi
    done < <(jq -r '.data[] | [.id, .name] | @tsv' <<<"$hotels")
  done
  fail "none of the first hotels has a room free: begin anew with deploy/run --reset."
}

# The room types of tour_hotel that two can book from tour_in to $2, sorted as text.
tour_bookable() {
  curl -fsS -m 10 "$1/v1/hotels/$tour_hotel/availability?check_in=$tour_in&check_out=$2&guests=2&rooms=1" |
    jq -r '.room_types[] | select(.bookable) | .room_type_id' | sort
}

tour_body() {
  printf '{"reservation_id":"%s","hotel_id":"%s","check_in":"%s","check_out":"%s",' "$1" "$tour_hotel" "$tour_in" "$tour_out"
  printf '"items":[{"room_type_id":%s,"rooms":1,"guests":2}],"hold":false,"guest":{"name":"Ada Lovelace","email":"ada@example.org"}}' "$tour_type"
}

# tour_print BASE: the three commands, ready to be pasted.
tour_print() {
  cat <<END
Try it: two nights at $tour_hotel_name. The second and third command use the id that the first one got.

  book    ID=\$(curl -s $1/v1/reservations -H 'Content-Type: application/json' \\
            -d '$(tour_body "$(cat /proc/sys/kernel/random/uuid)")' | tee /dev/stderr | jq -r .id)

  change  curl -s -X PATCH $1/v1/reservations/\$ID -H 'Content-Type: application/json' \\
            -d '{"check_in":"$tour_in","check_out":"$tour_longer"}'

  cancel  curl -s -X POST $1/v1/reservations/\$ID/cancel

END
}

# tour_ask METHOD URL [BODY] [HEADER]: sets tour_status, tour_answer (body) and tour_headers (in lower case).
tour_ask() {
  local raw arguments=(-sS -i -m 20 -X "$1" "$2")
  if [[ -n ${3:-} ]]; then arguments+=(-H 'Content-Type: application/json' --data-raw "$3"); fi
  if [[ -n ${4:-} ]]; then arguments+=(-H "$4"); fi
  raw=$(curl "${arguments[@]}" | tr -d '\r') || fail "no answer to $1 $2."
  tour_headers=${raw%%$'\n\n'*}
  tour_answer=${raw#*$'\n\n'}
  tour_status=$(cut -d ' ' -f 2 <<<"${tour_headers%%$'\n'*}")
  tour_headers=${tour_headers,,}
}

# tour_expect WHAT STATUS JQ-CONDITION: prints what was seen, and fails unless it is what was promised.
tour_expect() {
  local seen
  seen=$(jq -rc '[.id, .status, .check_in, .check_out, .total.amount, .total.currency, .code] | map(select(. != null)) | join(" ")' \
    <<<"$tour_answer" 2>/dev/null || true)
  printf '  %-58s %s %s\n' "$1" "$tour_status" "$seen"
  if [[ $tour_status == "$2" ]] && jq -e "$3" <<<"$tour_answer" >/dev/null; then return; fi
  printf '%s\n' "$tour_answer" >&2
  fail "expected status $2 and $3."
}

# Rooms of the tour's type that are free on the first night.
tour_free() {
  tour_ask GET "$1/v1/hotels/$tour_hotel/calendar?from=$tour_in&to=$tour_out&room_type=$tour_type"
  jq -r 'first(.. | objects | select(has("free"))).free' <<<"$tour_answer"
}

# tour_await_rest BASE: returns when no shard moves or is about to.
tour_await_rest() {
  local tries
  for ((tries = 0; tries < 300; ++tries)); do
    if curl -fsS -m 10 "$1/v1/cluster" | jq -e '.well and .shards.moving == 0 and (.planned | length) == 0' >/dev/null; then return; fi
    sleep 0.1
  done
  fail "the cluster does not come to rest: $(curl -fsS -m 10 "$1/v1/cluster" | jq -c '.concerns')"
}

# tour_owner BASE: the number of the node that the tour's hotel lives on.
tour_owner() {
  local node
  node=$(curl -fsS -m 10 "$1/v1/cluster/hotels/$tour_hotel" | jq -r .node) || fail "$1 does not say where hotel $tour_hotel lives."
  printf '%s\n' "${node#node-}"
}

# tour_book BASE WHAT: one more booking like the tour's, told as WHAT; sets tour_booked to its id.
tour_book() {
  tour_ask POST "$1/v1/reservations" "$(tour_body "$(cat /proc/sys/kernel/random/uuid)")"
  tour_expect "$2" 201 '.status == "CONFIRMED"'
  # shellcheck disable=SC2034  # for the caller
  tour_booked=$(jq -r .id <<<"$tour_answer")
}

# tour_check BASE RESTART: the tour, with command RESTART (kill -9 and start of the node) between its steps.
tour_check() {
  local base=$1 restart=$2 body id first_answer changed free
  body=$(tour_body "$(cat /proc/sys/kernel/random/uuid)")
  free=$(tour_free "$base")
  say "Checking at $base: hotel $tour_hotel ($tour_hotel_name), room type $tour_type, $free rooms free on $tour_in"

  tour_ask POST "$base/v1/reservations" "$body"
  tour_expect "book two nights" 201 '.status == "CONFIRMED"'
  first_answer=$tour_answer id=$(jq -r .id <<<"$tour_answer")
  tour_ask PATCH "$base/v1/reservations/$id" "{\"check_in\":\"$tour_in\",\"check_out\":\"$tour_longer\"}"
  tour_expect "change to three nights" 200 ".check_out == \"$tour_longer\" and (.items[0].nights | length) == 3"
  changed=$tour_answer

  "$restart"
  tour_ask GET "$base/v1/reservations/$id"
  tour_expect "read it after kill -9: as it was" 200 ". == $changed"
  tour_ask POST "$base/v1/reservations" "$body"
  tour_expect "book again with the same id: the first answer" 201 ". == $first_answer"
  [[ $tour_answer == "$first_answer" && $tour_headers == *"idempotent-replayed: true"* ]] ||
    fail "the repeated booking was not answered as the first one, byte for byte."
  (($(tour_free "$base") == free - 1)) || fail "one room should be taken out of $free, and $(tour_free "$base") are free."

  tour_ask POST "$base/v1/reservations/$id/cancel"
  tour_expect "cancel" 200 '.status == "CANCELLED"'
  "$restart"
  tour_ask GET "$base/v1/reservations/$id"
  tour_expect "read it after another kill -9" 200 '.status == "CANCELLED"'
  (($(tour_free "$base") == free)) || fail "$free rooms should be free again, and $(tour_free "$base") are."
  say "  $free rooms are free again: booked, changed, cancelled, and nothing was lost."
}
