# shellcheck shell=bash
# What each stage of tests/run does: one function a stage, run in a process of its own in $root, with its output in a log.
# A stage succeeds or fails by its status; it says what it ran by `count`. Tests find a database by
# KEYRACK_TEST_DATABASE_URL, and process-level tests the programs by KEYRACK_BUILD.
# shellcheck disable=SC2154  # root, stage_dir and counts are given by tests/run

# count NAME PASSED FAILED SKIPPED SECONDS: one line of the stage's account.
count() { printf '%s\t%d\t%d\t%d\t%s\n' "$@" >>"$counts"; }

configure() { # PRESET
  if [[ -f build/$1/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "build/$1/CMakeCache.txt"; then
    rm -rf "build/$1"
  fi
  if [[ ! -f build/$1/build.ninja ]]; then cmake --preset "$1"; fi
}

# test_programs PRESET LABEL: the programs of ctest's tests with that label, which are targets in the build directory too:
# test NAME is test_NAME, as tests/CMakeLists.txt makes them.
test_programs() {
  ctest --test-dir "build/$1" --show-only=json-v1 -L "^$2\$" | jq -r '.tests[] | "test_\(.name)"'
}

build_tests() { # PRESET LABEL…
  local label targets=()
  configure "$1"
  for label in "${@:2}"; do mapfile -t -O "${#targets[@]}" targets < <(test_programs "$1" "$label"); done
  cmake --build --preset "$1" --target "${targets[@]}"
}

# run_label PRESET LABEL: ctest's tests with a label; each gtest case counts as a test.
run_label() {
  local results=$stage_dir/$1-$2 status=0
  rm -rf "$results" && mkdir -p "$results"
  GTEST_OUTPUT=json:$results/ ctest --test-dir "build/$1" -L "^$2\$" --output-on-failure --no-tests=error -j1 || status=$?
  count_gtest "$results" "$status"
  return "$status"
}

# A binary that crashed leaves no result, and no failed case either: it counts as one failed test.
count_gtest() { # RESULTS STATUS
  local file bad=0 fields
  for file in "$1"/*.json; do
    [[ -f $file ]] || continue
    read -r -a fields < <(jq -r '[.testsuites[].testsuite[]] as $all | ($all | map(select(.result == "SKIPPED")) | length) as $skipped
      | [.tests - .failures - .disabled - $skipped, .failures, $skipped, (.time | rtrimstr("s"))] | @tsv' "$file")
    count "$(basename "$file" .json)" "${fields[@]}"
    bad=$((bad + fields[1]))
  done
  if (($2 != 0 && bad == 0)); then count "unfinished program" 0 1 0 -; fi
}

stage_build() { configure dev && cmake --build --preset dev; }

stage_layers() {
  tests/check_layers --self-test
  tests/check_layers
}

stage_unit() { run_label dev unit; }
stage_integration() { run_label dev integration; }
# The simulation is optimised in the development build, too.
stage_sim() { simulate "$KEYRACK_PRESET" "$KEYRACK_SIM_SEEDS" --gtest_filter='Simulation.*'; }

# simulate PRESET SEEDS OPTION…: says how far it is and what it did, which ctest would keep to itself.
simulate() {
  local results=$stage_dir/$1-sim status=0
  rm -rf "$results" && mkdir -p "$results"
  KEYRACK_SIM_SEEDS=$2 GTEST_OUTPUT=json:$results/ "build/$1/test_sim" --gtest_brief=1 "${@:3}" || status=$?
  count_gtest "$results" "$status"
  return "$status"
}

# The process-level tests: programs that print their own checks, and fail by their status. Most of their time they wait for
# what they have done to have its effect, so two run at a time; but alone, whatever compares how fast things are.
stage_process() {
  local file running=0 failed=0 alone=tests/http/test_slow_clients.py
  process_test "$alone" || failed=1
  for file in tests/*/test_*.py; do
    if [[ $file == "$alone" ]]; then continue; fi
    if ((running == 2)); then
      wait -n || failed=1
      running=$((running - 1))
    fi
    process_test "$file" &
    running=$((running + 1))
  done
  while ((running > 0)); do
    wait -n || failed=1
    running=$((running - 1))
  done
  ((failed == 0))
}

process_test() { # FILE
  local log before verdict=ok seconds said
  log=$stage_dir/process-$(basename "$1" .py).log
  before=$(now_ms)
  KEYRACK_BUILD=$root/build/$KEYRACK_PRESET python3 "$1" >"$log" 2>&1 </dev/null || verdict=FAILED
  seconds=$(seconds_since "$before")
  said=$(printf '%-7s %6s s  %s' "$verdict" "$seconds" "$1")
  if [[ $verdict == FAILED ]]; then said+=$'\n'$(tail -n 60 "$log"); fi
  printf '%s\n' "$said"
  count_process "$1" "$log" "$verdict" "$seconds"
  [[ $verdict == ok ]]
}

# One that ends with "N passed, N failed", perhaps ", N skipped", has counted by itself; any other is one test.
count_process() { # FILE LOG VERDICT SECONDS
  local ok=1 bad=0 skip=0
  if [[ $3 == FAILED ]]; then ok=0 bad=1; fi
  if [[ $(tail -n 1 "$2") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    ok=${BASH_REMATCH[1]} skip=${BASH_REMATCH[4]:-0}
    if ((BASH_REMATCH[2] > 0)); then bad=${BASH_REMATCH[2]}; fi
  fi
  count "$1" "$ok" "$bad" "$skip" "$4"
}

stage_format() {
  git ls-files -z '*.cpp' '*.hpp' | xargs -0 clang-format-19 --dry-run --Werror
}

# The files that changed last are looked at first: whatever the time allows, new code is in it.
stage_lint() {
  local files checked status=0
  # It reads the compiler's command lines, and the headers that are made by the build.
  configure dev && ninja -C build/dev persistence/proto/journal.pb.h
  mapfile -t files < <(git log --format= --name-only -- '*.cpp' | awk '!seen[$0]++' |
    grep -E '^(actors|cluster|persistence|gateway|config|deploy)/' | while read -r file; do
    if [[ -f $file ]]; then printf '%s\n' "$file"; fi
  done)
  : >"$stage_dir/linted"
  export -f lint_file
  printf '%s\0' "${files[@]}" |
    timeout "$KEYRACK_LINT_SECONDS" xargs -0 -n 1 -P 2 bash -c "lint_file '$stage_dir/linted' \"\$1\"" lint || status=$?
  checked=$(wc -l <"$stage_dir/linted")
  say "$checked of ${#files[@]} files checked."
  count "$checked of ${#files[@]} files" $((status == 0 || status == 124)) $((status != 0 && status != 124)) 0 -
  ((status == 0 || status == 124))
}

lint_file() { # LIST FILE
  local said status=0
  said=$(clang-tidy-19 --quiet -p build/dev "$2" 2>/dev/null) || status=$?
  if [[ -n $said ]]; then printf '%s\n' "$said"; fi
  printf '%s\n' "$2" >>"$1"
  return "$status"
}

stage_asan() {
  local status=0 label
  build_tests asan unit integration sim
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
  if [[ -f tests/lsan.supp ]]; then export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp; fi
  export KEYRACK_SCRIPTS=300
  for label in unit integration; do run_label asan "$label" || status=1; done
  simulate asan "$KEYRACK_SIM_SEEDS_ASAN" --gtest_filter='Simulation.*' || status=1
  return "$status"
}

stage_tsan() {
  build_tests tsan shell
  TSAN_OPTIONS="suppressions=$root/tests/tsan.supp history_size=4 second_deadlock_stack=1" run_label tsan shell
}

# Each target grows its own copy of its corpus; what it finds stays in build/fuzz/found, to be moved into the corpus by hand.
stage_fuzz() {
  local program name corpus before inputs ran=0 failed=0
  configure fuzz && cmake --build --preset fuzz
  mkdir -p build/fuzz/found
  for program in build/fuzz/fuzz_*; do
    [[ -x $program && ! -d $program ]] || continue
    name=${program##*/fuzz_}
    corpus=$(mktemp -d)
    before=$(now_ms) ran=$((ran + 1))
    if [[ -d tests/fuzz/corpus/$name ]]; then cp -r "tests/fuzz/corpus/$name/." "$corpus"; fi
    if UBSAN_OPTIONS=print_stacktrace=1 "$program" -max_total_time="$KEYRACK_FUZZ_SECONDS" -rss_limit_mb=4096 -timeout=10 \
      -print_final_stats=1 -artifact_prefix="build/fuzz/found/$name-" "$corpus" >"$stage_dir/fuzz-$name.log" 2>&1; then
      inputs=$(grep -a number_of_executed_units "$stage_dir/fuzz-$name.log" | grep -oE '[0-9]+$')
      count "$name, $inputs inputs" 1 0 0 "$(seconds_since "$before")"
    else
      failed=$((failed + 1))
      tail -n 40 "$stage_dir/fuzz-$name.log"
      count "$name" 0 1 0 "$(seconds_since "$before")"
    fi
    rm -rf "$corpus"
  done
  say "$ran targets, $failed with a finding (kept in build/fuzz/found)."
  ((ran > 0 && failed == 0))
}

# Alone it finds nothing built; behind the release build there is nothing left to build.
stage_planted() {
  configure release
  cmake --build --preset release --target test_sim
  simulate release 0 --gtest_filter='*Planted*'
}

stage_release() {
  configure release
  cmake --build --preset release --target keyrack keyrack-demo keyrack-other-version test_sim fence_writer
}

stage_bench() {
  local scenario before
  for scenario in booking reads scale hop moves; do
    before=$(now_ms)
    tests/bench/run "$scenario" --smoke
    count "$scenario" 1 0 0 "$(seconds_since "$before")"
  done
}

stage_run() {
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  deploy/run --check --port "$port"
}
