# shellcheck shell=bash
# usage: ./lab demo [NN] [--step]
#
# Plays lab NN (02 if none is named): its server and its clients side by side, each line with the name of who
# printed it, in the order in which they came. Plays the solution; in a kit without one, your own programs.
#
#   --step   waits for the Enter key before each scene, for an audience
#
# What is played is labs/NN_topic/demo.sh. Ctrl-C ends it, and every program with it.

# Words for the author of a demo.sh:
#   say TEXT                     prints a line that tells what is going on
#   start LABEL PROGRAM ARG...   starts a program of the lab; its output is shown under the label
#   run LABEL PROGRAM ARG...     the same, and waits until it ends; returns its exit status
#   wait_for LABEL REGEX         waits for a line under the label that matches, and sets MATCH to it;
#                                each line is found only once
#   port_of LABEL                prints the port of the line "listening on ADDRESS:PORT"
#   stop LABEL                   ends a program

patience=15 # seconds that a program may let us wait

declare -A pids=() colours=()
declare -A begin=() # where in the transcript a label's program begins
declare -A taken=() # the lines of the transcript that a wait_for has found

# Begins to read what the programs will print, see side_by_side.cpp. The lines that were read are kept in
# a file, since port_of is called in a subshell.
open_stage() {
    folder=$(mktemp -d)
    transcript=$folder/transcript
    : >"$transcript"
    mkfifo "$folder/pipe"
    exec 3<>"$folder/pipe" 4>&1
    "$BUILD/scripts/side_by_side" show "$folder" </dev/null >&3 3>&- 4>&- &
    stage=$!
    read -r -t "$patience" -u 3 || die "the demo cannot start"
}

# Shows one line under its label.
show() {
    printf '%s%-*s |%s %s\n' "${colours[$1]}" "$width" "$1" "$RESET" "$2" >&4
}

# Reads the next line of any program and shows it; false if none comes in the seconds given.
next_line() {
    local entry
    IFS= read -r -t "$1" -u 3 entry || return
    printf '%s\n' "$entry" >>"$transcript"
    [[ $entry != *:* ]] || show "${entry%%:*}" "${entry#*:}"
}

# Finds the first line of a label's program that matches and was not found before: sets FOUND to its
# number and MATCH to the line.
find_line() {
    local entries
    mapfile -t entries <"$transcript"
    for ((FOUND = begin[$1]; FOUND < ${#entries[@]}; ++FOUND)); do
        MATCH=${entries[FOUND]#*:}
        [[ -z ${taken[$FOUND]:-} && ${entries[FOUND]} == "$1:"* && $MATCH =~ $2 ]] && return
    done
    return 1
}

has_ended() {
    tail -n "+$((begin[$1] + 1))" "$transcript" | grep -xF -- "$1" >/dev/null
}

# Shows lines until a condition holds; gives up when it can't hold any more, or after a while.
show_until() {
    local label=$1 wanted=$2 limit=$((SECONDS + patience))
    shift 2
    until "$@"; do
        has_ended "$label" && die "$label ended before it $wanted"
        ((SECONDS < limit)) || die "$label has not $wanted for $patience seconds"
        next_line 1 || true
    done
}

# Shows what has come meanwhile.
show_rest() {
    while read -r -t 0 -u 3; do next_line 1; done
}

say() {
    show_rest
    [[ -z $step ]] || read -rsp $'\n'"${DIM}(Enter)$RESET" </dev/tty
    printf '\n%s%s%s\n' "$BOLD" "$1" "$RESET"
}

# Prints a command line as one would type it.
quote() {
    local word line=''
    for word in "$@"; do
        [[ $word =~ ^[[:alnum:]_./:@%+=,-]+$ ]] || word=${word@Q}
        line+=" $word"
    done
    echo "$DIM\$$line$RESET"
}

start() {
    local label=$1 program=$2 palette=(36 33 35 32 34)
    shift 2
    [[ -x $BUILD/$tree/$LAB/$program ]] || die "the demo stops here: lab $LAB has no program '$program'"
    : "${colours[$label]:=${RESET:+$'\e['${palette[${#colours[@]} % 5]}m}}"
    show_rest
    show "$label" "$(quote "$program" "$@")"
    begin[$label]=$(wc -l <"$transcript")
    "$BUILD/scripts/side_by_side" run "$folder" "$label" "$BUILD/$tree/$LAB/$program" "$@" </dev/null 3>&- 4>&- &
    pids[$label]=$!
}

run() {
    local status=0
    start "$@"
    show_until "$1" ended has_ended "$1"
    wait "${pids[$1]}" || status=$?
    ((status == 0)) || show "$1" "${DIM}(exit status $status)$RESET"
    return "$status"
}

wait_for() {
    show_until "$1" "printed what matches '$2'" find_line "$1" "$2"
    taken[$FOUND]=yes
}

port_of() {
    local -A taken=()
    show_until "$1" "said where it listens" find_line "$1" '^listening on .*:[0-9]+$'
    echo "${MATCH##*:}"
}

stop() {
    kill "${pids[$1]}" 2>/dev/null || true
    show_until "$1" ended has_ended "$1"
}

# Ends every program that is still running, however the demo ended.
end_programs() {
    kill "${pids[@]}" "$stage" || true
    wait
    rm -rf "$folder"
}

lab='' step=''
while (($# > 0)); do
    case $1 in
        --step) step=yes ;;
        -*) reject "$1" ;;
        *)
            [[ -z $lab ]] || reject "$1"
            lab=$1
            ;;
    esac
    shift
done
[[ -z $step ]] || : 2>/dev/null </dev/tty || die "--step needs a terminal, for the Enter key"
find_lab "${lab:-02}"
play=$ROOT/labs/$LAB/demo.sh
[[ -f $play ]] || die "lab $LAB has no demo: labs/$LAB/demo.sh is missing"
tree=solutions
if [[ ! -d $ROOT/solutions/$LAB ]]; then
    tree=labs
    echo "this kit holds no solutions: playing your own programs"
fi
set_up build
build "$tree.$LAB" side_by_side || die "$tree/$LAB does not build, the compiler's first words are above"

# The column of labels is as wide as the longest.
width=$(sed -nE 's/^ *(start|run) +([^ ]+) .*/\2/p' "$play" |
    awk 'length > width { width = length } END { print width }')
trap 'exit 130' INT
trap 'exit 143' TERM HUP
open_stage
trap 'end_programs 2>/dev/null' EXIT
echo "${BOLD}lab ${LAB%%_*}: $(lab_title "$LAB")$RESET"
trap 'echo "lab: the demo stops here: labs/$LAB/demo.sh:$LINENO has failed" >&2' ERR
# shellcheck source=/dev/null
source "$play"
for label in "${!pids[@]}"; do stop "$label"; done
