# shellcheck shell=bash
# usage: ./lab hint [NN] [--step N] [--again]
#
# Prints the next hint for the step you are at in lab NN, one hint a call, from a nudge to nearly the answer.
# Without NN: the lab that you last checked, or the first that is not done.
#
#   --step N   hints for step N
#   --again    the hints for this step that you have already seen

lab='' wanted='' again=''
while (($# > 0)); do
    case $1 in
        -h | --help) show_help && exit ;;
        --again) again=yes ;;
        --step | --step=*)
            [[ $1 == *=* ]] || { (($# > 1)) && shift; } || usage_error "--step needs a number"
            wanted=${1#--step=}
            [[ $wanted =~ ^[1-9][0-9]*$ ]] || usage_error "--step $wanted: not the number of a step"
            ;;
        *)
            [[ -z $lab ]] || reject "$1"
            lab=$1
            ;;
    esac
    shift
done

if [[ -n $lab ]]; then
    find_lab "$lab"
elif ! next_lab; then
    echo "every lab is done: no hint needed"
    exit
fi
number=${LAB%%_*}
hints=$ROOT/labs/$LAB/hints.md
[[ -f $hints ]] || die "lab $number has no hints: labs/$LAB/hints.md is missing"

# Sets wanted to the step that the student is at.
find_step() {
    if next_step "$LAB"; then
        wanted=$STEP
    elif ! read_progress "$LAB"; then
        echo "lab $number: no TODO is left, type ./lab check $number to see what the tests say"
        exit
    else
        echo "lab $number is done: no hint needed (--step N shows those of a step)"
        exit
    fi
}

# Prints the hints FROM to TO of the step.
print_hints() {
    awk -v step="$wanted" -v from="$1" -v to="$2" '
        /^## /                       { inside = index($0, "## Step " step ":") == 1 }
        inside && /^[0-9]+\. /       { hint++ }
        inside && /^([0-9]+\.|  ) /  { if (hint >= from && hint <= to) print }
    ' "$hints"
}

[[ -n $wanted ]] || find_step
title=$(sed -n "s/^## Step $wanted: //p" "$hints")
[[ -n $title ]] || die "lab $number has no hints for a step $wanted"
count=$(print_hints 1 99 | grep -c '^[0-9]')

# Each line of .lab/hints tells how many hints for a step were shown: NN_topic STEP COUNT.
seen=0
mkdir -p "$STATE"
touch "$STATE/hints"
while read -r name at shown; do
    [[ $name == "$LAB" && $at == "$wanted" ]] && seen=$shown
done <"$STATE/hints"

echo "${BOLD}Lab $number, step $wanted: $title${RESET}"
if [[ -n $again ]]; then
    ((seen > 0)) || echo "you have seen no hint for this step yet: ./lab hint $number shows the first"
    print_hints 1 "$seen"
    exit
fi
if ((seen >= count)); then
    echo "those were all $count hints for this step: ./lab hint $number --step $wanted --again shows them again"
    exit
fi
((seen += 1))
print_hints "$seen" "$seen"
others=$(grep -v "^$LAB $wanted " "$STATE/hints" || true)
printf '%s\n' ${others:+"$others"} "$LAB $wanted $seen" >"$STATE/hints"
if ((seen == count)); then
    echo "${DIM}that was the last hint for this step; --again shows all of them${RESET}"
else
    echo "${DIM}hint $seen of $count; call again for the next${RESET}"
fi
