# shellcheck shell=bash
# usage: ./lab watch [NN]
#
# Checks lab NN (./lab check NN) now and at every save, until Ctrl-C. Without NN: the lab last checked, or the first that is not done.

# Prints what changes when a source file of the lab is saved.
snapshot() {
    stat -c '%n %s %y' "$ROOT/labs/$LAB" "$ROOT/labs/$LAB"/*.?pp "$ROOT"/common/wirelab/* 2>&1 || true
}

# Returns when the lab's files are no longer as they were.
wait_for_save() {
    while [[ $(snapshot) == "$1" ]]; do
        if command -v inotifywait >/dev/null; then
            inotifywait -qq -t 2 -e close_write,moved_to,delete "$ROOT/labs/$LAB" || true
        else
            sleep 0.5
        fi
    done
}

(($# < 2)) || reject "$2"
if [[ -n ${1:-} ]]; then
    find_lab "$1"
else
    next_lab || die "every lab is done, name one: ./lab watch NN"
fi
set_up test
trap 'exit 0' INT TERM
while true; do
    seen=$(snapshot)
    "$ROOT/lab" check "$LAB" || true
    printf '%s\n' "${DIM}$(date +%T) watching labs/$LAB, Ctrl-C ends it${RESET}"
    wait_for_save "$seen"
done
