# shellcheck shell=bash
# usage: ./lab demo [NN] [--step] [--plain]
#
# Plays lab NN (02 if none is named): its server and its clients side by side, each line with the name of who
# printed it, in the order in which they came. Plays the solution; in a kit without one, your own programs.
#
#   --step    waits for the Enter key before each scene, for an audience
#   --plain   one labelled stream, too, where the demo is one on a LAN and would have a pane for each program (tmux)
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
#   by_bash COMMAND              shows a command line and lets bash do it, such as an exec of /dev/tcp/127.0.0.1/PORT
#
# And for a lab on a LAN, see ./lab classroom --help:
#   classroom [--hosts N] ...    makes one for the demo; it ends with the demo, or when the next one is made
#   on HOST start|run ...        the same as without, on a host; such a program has somebody at its keyboard:
#   type LABEL TEXT              types a line
#   end_input LABEL              types Ctrl-D, the end of the input
#   capture LABEL ARG...         shows what passes the switch, from "listening on" on; as in `-- -t udp`

patience=15 # seconds that a program may let us wait

declare -A pids=() colours=()
declare -A keyboards=() # what a program on a host reads, as an open file
declare -A panes=()     # a label's terminal
side_panes=()           # those that are no capture's
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

# Shows one line under its label, or in its pane.
show() {
    if [[ -n $WIRELAB_PANES ]]; then
        [[ -n ${panes[$1]:-} ]] || open_pane "$1"
        printf '\n%s' "$2" >"${panes[$1]}"
        return
    fi
    printf '%s%-*s |%s %s\n' "${colours[$1]}" "$width" "$1" "$RESET" "$2" >&4
}

# Plays the demo in a terminal of its own with panes, see tmux(1): the first has the player, so it says there what is
# going on and has the keyboard; the others only lend their terminals, each to one label.
play_in_panes() {
    local code=1
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    WIRELAB_PANES=$folder TMUX='' tmux -S "$folder/tmux" -f /dev/null \
        start-server ';' set-option -g status off ';' set-option -g destroy-unattached on ';' \
        set-option -g pane-border-status top ';' set-option -g pane-border-format ' #{pane_title} ' ';' \
        new-session "$ROOT/lab" demo "$LAB" ${step:+--step} || true
    read -r code 2>/dev/null <"$folder/status" || true
    exit "$code"
}

# Opens a label's pane. The player is at the top; a capture has long lines, so it gets the full width at the bottom; all
# others are between, in three columns.
open_pane() {
    local count=${#side_panes[@]} split=(-v) pane
    ((count == 0)) || split=(-h -t "${side_panes[-1]}")
    ((count < 3)) || split=(-v -t "${side_panes[-3]}")
    [[ -z ${2:-} ]] || split=(-v -f)
    read -r pane "panes[$1]" < <(tmux split-window "${split[@]}" -d -P -F '#{pane_id} #{pane_tty}' sleep infinity)
    tmux select-pane -t "$pane" -T "$1"
    case ${2:-} in
        capture) tmux resize-pane -t "$pane" -y 25% ;;
        *) side_panes+=("$pane") ;;
    esac
    [[ ${split[0]} != -h ]] || tmux select-layout -E -t "$pane"
    ((${#side_panes[@]} == 0)) || tmux resize-pane -y 25%
}

# Ends it, when the audience has read to the end.
close_panes() {
    [[ $1 -ge 128 ]] || read -rsp $'\n'"${DIM}(Enter)$RESET" </dev/tty
    echo "$1" >"$WIRELAB_PANES/status"
    tmux kill-server
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
    local text=$1
    show_rest
    [[ -z $step ]] || read -rsp $'\n'"${DIM}(Enter)$RESET" </dev/tty
    [[ ! -t 1 ]] || text=$(fold -s -w "$(tput cols 2>/dev/null || echo 80)" <<<"${text//$'\n'/ }")
    printf '\n%s%s%s\n' "$BOLD" "$text" "$RESET"
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

# Runs a command whose output is shown under a label.
launch() {
    local label=$1 palette=(36 33 35 32 34)
    shift
    : "${colours[$label]:=${RESET:+$'\e['${palette[${#colours[@]} % 5]}m}}"
    show_rest
    show "$label" "${host:+$DIM$host$RESET}$(quote "${shown[@]}")"
    begin[$label]=$(wc -l <"$transcript")
    "$BUILD/scripts/side_by_side" run "$folder" "$label" "$@" <"$input" 3>&- 4>&- &
    pids[$label]=$!
}

start() {
    local label=$1 program=$2 shown=("${@:2}") input=/dev/null command
    command=("$BUILD/$tree/$LAB/$program" "${@:3}")
    [[ -x ${command[0]} ]] || die "the demo stops here: lab $LAB has no program '$program'"
    if [[ -n $host ]]; then
        command=("$ROOT/lab" classroom run "$host" -- "${command[@]}")
        open_keyboard "$label"
        input=$folder/keyboard.$label
    fi
    launch "$label" "${command[@]}"
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

# Lets bash do something by itself, without any program of ours. What it opens stays open.
by_bash() {
    show_rest
    printf '%-*s | %s\n' "$width" bash "$DIM\$ $1$RESET"
    eval "$1"
}

# --- on a LAN -------------------------------------------------------------------------------------------------------

# Makes a classroom that ends with this process; it says itself why it can't be made.
classroom() {
    local hosts=3 loss=0 rate='' answer=''
    while (($# > 1)); do
        local "${1#--}=$2"
        shift 2
    done
    export WIRELAB_CLASSROOM=$folder/classroom
    "$ROOT/lab" classroom down
    [[ -z $WIRELAB_PANES ]] || tmux kill-pane -a # what was in them has ended
    panes=() side_panes=()
    read -r answer < <(exec "$ROOT/lab" classroom keep "$hosts" "$loss" "$rate" 3>&- 4>&-) || true
    [[ $answer == ready ]] || exit 1
}

on() {
    host=$1 "${@:2}"
}

open_keyboard() {
    local keyboard=$folder/keyboard.$1 file
    close_keyboard "$1"
    rm -f "$keyboard"
    mkfifo "$keyboard"
    exec {file}<>"$keyboard"
    keyboards[$1]=$file
}

type() {
    show_rest
    show "$1" "$BOLD> $2$RESET"
    printf '%s\n' "$2" >&"${keyboards[$1]}"
}

close_keyboard() {
    local file=${keyboards[$1]:-}
    [[ -z $file ]] || exec {file}>&-
    unset "keyboards[$1]"
}

end_input() {
    show_rest
    show "$1" "$BOLD> (Ctrl-D)$RESET"
    close_keyboard "$1"
}

capture() {
    local label=$1 input=/dev/null shown=(./lab classroom capture "${@:2}")
    [[ -z $WIRELAB_PANES || -n ${panes[$label]:-} ]] || open_pane "$label" capture
    launch "$label" "$ROOT/lab" classroom capture "${@:2}"
}

# Ends every program that is still running, however the demo ended.
end_programs() {
    kill "${pids[@]}" "$stage" || true
    [[ -z ${WIRELAB_CLASSROOM:-} ]] || "$ROOT/lab" classroom down || true
    wait
    rm -rf "$folder"
}

# --- the player -----------------------------------------------------------------------------------------------------

# Ends all, and keeps what is in the panes on screen until it was read.
finish() {
    end_programs 2>/dev/null
    [[ -z $WIRELAB_PANES ]] || close_panes "$1"
}

lab='' step='' plain='' host=''
: "${WIRELAB_PANES:=}" # set where we are the player in the first pane: a folder that the other panes' maker looks into
while (($# > 0)); do
    case $1 in
        --step) step=yes ;;
        --plain) plain=yes ;;
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
unset WIRELAB_CLASSROOM # the demo's own, if it makes one
on_lan=$(grep -cE '^ *classroom( |$)' "$play") || true
set_up build
((on_lan == 0)) || set_up classroom
build "$tree.$LAB" side_by_side || die "$tree/$LAB does not build, the compiler's first words are above"

if ((on_lan > 0)) && [[ -t 0 && -t 1 && ${TERM:-dumb} != dumb && -z $plain$WIRELAB_PANES ]] && has_command tmux; then
    play_in_panes
fi

# The column of labels is as wide as the longest.
width=$(sed -nE 's/^ *(on +[^ ]+ +)?(start|run|capture) +([^ ]+).*/\3/p' "$play" |
    awk 'length > width { width = length } END { print width }')
[[ -z $WIRELAB_PANES ]] || tmux select-pane -T "lab ${LAB%%_*}"
trap 'exit 130' INT
trap 'exit 143' TERM HUP
open_stage
trap 'finish $?' EXIT
echo "${BOLD}lab ${LAB%%_*}: $(lab_title "$LAB")$RESET"
trap 'echo "lab: the demo stops here: labs/$LAB/demo.sh:$LINENO has failed" >&2' ERR
# shellcheck source=/dev/null
source "$play"
for label in "${!pids[@]}"; do stop "$label"; done
