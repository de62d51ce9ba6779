# shellcheck shell=bash
# usage: ./lab test [--all] [-- CTEST_ARGUMENT...]
#
# Builds everything and runs every test: of the helpers, of the solutions, and of the kit itself.
#
#   --all   also the catalogue of mistakes, and everything again under the sanitizers
#
# What follows -- goes to ctest: ./lab test -- -R 02_fortune. The last lines are ctest's own summary.

# Builds what a preset names and runs its tests, keeping the lines of ctest's summary.
test_preset() {
    local preset=$1 log=$STATE/test-$1.log status=0 jobs=$((3 * cores)) # most of a test's time is waiting
    shift
    echo "${BOLD}== $preset${RESET}"
    summary[$preset]="$preset does not build"
    drop_copied_build "$ROOT/build/$preset"
    # A new compiler's new warning is for us to mend, and must not keep others from building.
    cmake --preset "$preset" -DWIRELAB_WERROR="${CI:+ON}" && cmake --build --preset "$preset" --parallel "$cores" || return
    [[ $preset != *san ]] || jobs=$((2 * cores)) # where there is more work in it
    [[ $preset != mistakes ]] || jobs=$((8 * cores)) # where tests wait in vain for what a wrong program owes
    ctest --preset "$preset" --parallel "$jobs" --output-log "$log" "$@" || status=$?
    summary[$preset]=$(sed -n '/tests passed, /,$p' "$log" | sed '/^\[ERROR_MESSAGE\]/d')
    return "$status"
}

presets=(dev)
group='test'
while (($# > 0)); do
    case $1 in
        -h | --help) show_help && exit ;;
        --all)
            group=all
            [[ -d $ROOT/tests/mistakes ]] && presets+=(mistakes)
            presets+=(asan tsan)
            ;;
        --) shift && break ;;
        *) reject "$1" ;;
    esac
    shift
done
set -- --no-tests=error "$@"
set_up "$group"

declare -A summary
cores=$(nproc)
passed=() failed=()
mkdir -p "$STATE"
cd "$ROOT" || exit
for preset in "${presets[@]}"; do
    if test_preset "$preset" "$@"; then passed+=("$preset"); else failed+=("$preset"); fi
done

# All in one place; what failed stands last, where people and machines look.
if ((${#presets[@]} > 1)); then
    for preset in "${passed[@]}" "${failed[@]}"; do
        printf '\n%s== %s%s\n%s\n' "$BOLD" "$preset" "$RESET" "${summary[$preset]}"
    done
fi
((${#failed[@]} == 0)) || exit 1
