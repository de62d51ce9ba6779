# shellcheck shell=bash
# usage: ./lab grade SUBMISSION... [--labs NN,NN] [--out DIR] [--format NAME]... [--jobs N]
#
# Judges submissions with the tests that students run. A submission is a folder or an archive (zip, tar) with a
# student's labs/; only its sources count. Each is built and run in a sandbox, the strongest that works here.
#
#   --labs 02,03           the labs to judge (default: all)
#   --out DIR              where the results go (default: grades): DIR/NAME/NN_topic.json, and DIR/report.html
#   --format NAME          also for a platform: gradescope, prairielearn, autolab, classroom50, junit, csv
#   --jobs N               how many at once (default: two for each core)
#   --require-sandbox      refuse where bubblewrap does not work
#   --again                judge again what has a score already; without it, a run that broke off is resumed
#   --only NAME --seed N   replay one requirement, and show what happened
#
# Exit status 0: there is a verdict on everything. 1: there is not, and that is not the submissions' fault.

(($# > 0)) || usage_error "which submissions?"
[[ -d $ROOT/tests/grader/autograder ]] || die "the students' kit has no grader"
set_up grade
find_labs
build wirelab confine verdict "${LABS[@]/%/_test}" || die "the kit itself does not build"
PYTHONPATH=$ROOT/tests/grader exec python3 -m autograder "$@"
