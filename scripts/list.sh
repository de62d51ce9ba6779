# shellcheck shell=bash
# usage: ./lab
#
# Lists the labs with what the last ./lab check of each found, and names the next step.

(($# == 0)) || reject "$1"
find_labs

titles=() width=0
for lab in "${LABS[@]}"; do
    title=$(lab_title "$lab")
    titles+=("$title")
    ((${#title} > width)) && width=${#title}
done

for i in "${!LABS[@]}"; do
    lab=${LABS[i]} colour='' state='not checked yet'
    if read_progress "$lab"; then
        state="$PASSED of $TOTAL passed, $POINTS of $OF_POINTS points"
        [[ $UNMET == - ]] && colour=$GREEN state+=', done'
    else
        colour=$DIM
    fi
    printf '%s  %-*s  %s%s%s\n' "${lab%%_*}" "$width" "${titles[i]}" "$colour" "$state" "$RESET"
done

echo
if ! next_lab; then
    echo "${BOLD}next:${RESET} every lab is done; each handout ends with ways to go further"
    exit
fi
number=${LAB%%_*}
read_progress "$LAB" || echo "handout: labs/$LAB/README.md"
if next_step "$LAB" && [[ -n $TASK ]]; then
    echo "${BOLD}next:${RESET} lab $number, step $STEP: $TASK ($PLACE), then type ./lab check $number"
elif [[ -n $STEP ]]; then
    echo "${BOLD}next:${RESET} lab $number, step $STEP: not all of it is met yet, type ./lab check $number to see what"
else
    echo "${BOLD}next:${RESET} lab $number, no TODO is left: type ./lab check $number"
fi
