# shellcheck shell=bash
# usage: ./lab check [NN]
#
# Builds your own programs of lab NN, tests them, and prints a verdict for each requirement; of the first
# that is not met, a transcript of what happened and the likely cause. Without NN: every lab, in order.
#
# The exit status is 0 only if every test passed. ./lab shows later what was found.

# Builds one lab and its tests and judges it. What does not compile is not judged, as that would judge an
# older program: status 2.
check_lab() {
    local number=${1%%_*}
    if ! build "labs.$1" "$1_test" verdict; then
        echo "${RED}lab $number does not compile${RESET}: the compiler's first words are above" >&2
        return 2
    fi
    local -a todo=()
    if next_todo "$1"; then todo=(--todo "$STEP"); fi
    cd "$ROOT" || return
    WIRELAB_PROGRAMS=build/dev/labs build/dev/tests/"$1_test" -r xml -w NoAssertions |
        build/dev/tests/verdict --lab "$1" --progress .lab/progress "${todo[@]}"
}

# Judges every lab and adds it all up.
check_all() {
    local lab status done=0 cases=0 met=0 score=0 maximum=0
    for lab in "${LABS[@]}"; do
        echo "${BOLD}lab ${lab%%_*}: $(lab_title "$lab")${RESET}"
        status=0
        check_lab "$lab" || status=$?
        echo
        if ((status == 0)); then ((done += 1)); fi
        if ((status > 1)) || ! read_progress "$lab"; then continue; fi
        ((met += PASSED, cases += TOTAL, score += POINTS, maximum += OF_POINTS)) || true
    done
    echo "${BOLD}$done of ${#LABS[@]} labs done: $met of $cases tests passed, $score of $maximum points${RESET}"
    ((done == ${#LABS[@]}))
}

(($# < 2)) || reject "$2"
if [[ -n ${1:-} ]]; then find_lab "$1"; else find_labs; fi
set_up test
mkdir -p "$STATE"
if [[ -z ${1:-} ]]; then
    check_all || exit 1
else
    echo "$LAB" >"$STATE/last"
    check_lab "$LAB" || exit 1
fi
