# shellcheck shell=bash
# usage: ./lab run NN [--solution] PROGRAM [ARGUMENT...]
#
# Builds your own PROGRAM of lab NN and runs it with the arguments given, in the folder you are in.
#
#   --solution   the reference's program instead of yours
#
# Of what the compiler says, only errors and warnings are shown. The exit status is the program's.

tree=labs
words=()
while (($# > 0 && ${#words[@]} < 2)); do
    case $1 in
        -h | --help) show_help && exit ;;
        --solution) tree=solutions ;;
        -*) usage_error "unknown option '$1'" ;;
        *) words+=("$1") ;;
    esac
    shift
done
# No program has an option of that name, and many a hand types it there.
[[ ${1:-} != --solution ]] || { tree=solutions && shift; }
((${#words[@]} > 0)) || usage_error "which lab and program?"
find_lab "${words[0]}"
[[ -d $ROOT/$tree/$LAB ]] || usage_error "this kit holds no solution of lab $LAB"

programs=("$ROOT/$tree/$LAB"/*.cpp)
programs=("${programs[@]##*/}")
programs=("${programs[@]%.cpp}")
program=${words[1]:-}
[[ -n $program ]] || usage_error "which program? lab $LAB has ${programs[*]}"
[[ -f $ROOT/$tree/$LAB/$program.cpp ]] || usage_error "there is no program '$program': lab $LAB has ${programs[*]}"

set_up build
build "$tree.$LAB.$program" || die "$tree/$LAB/$program.cpp does not build, the compiler's first words are above"
exec "$BUILD/$tree/$LAB/$program" "$@"
