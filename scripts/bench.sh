# shellcheck shell=bash
# usage: ./lab bench NN [--solution]
#
# Measures your own programs of lab NN, with optimisation: against others that do the same, side by side in one run, and
# prints the ratios (04, 06, 09, 11, 12); or what is lost when a receiver is slow (10).
#
#   --solution   the reference's programs instead of yours
#
# WIRELAB_ROUNDS says how often each takes its turn; 5 times unless it is set.

tree=labs number=''
while (($# > 0)); do
    case $1 in
        -h | --help) show_help && exit ;;
        --solution) tree=solutions ;;
        -*) usage_error "unknown option '$1'" ;;
        *)
            [[ -z $number ]] || reject "$1"
            number=$1
            ;;
    esac
    shift
done
[[ -n $number ]] || usage_error "which lab?"
find_lab "$number"
[[ -d $ROOT/$tree/$LAB ]] || usage_error "this kit holds no solution of lab $LAB"
[[ -f $ROOT/benchmarks/$LAB.py ]] || usage_error "lab $LAB has nothing to measure"
command -v python3 >/dev/null || die "the benchmarks need python3"

set_up test # and with that, a classroom
BUILD=$ROOT/build/release
drop_copied_build "$BUILD"
(cd "$ROOT" && cmake --preset release -DWIRELAB_TESTS=OFF >/dev/null)
build "$tree.$LAB" || die "lab $LAB does not build, the compiler's first words are above"
WIRELAB_PROGRAMS=$BUILD/$tree exec python3 "$ROOT/benchmarks/$LAB.py"
