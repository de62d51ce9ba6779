#!/usr/bin/env bash
# usage: student_kit.sh [--build]
#
# Exports the kit for students and looks for traces of the solutions in it; with --build it also
# builds the export from nothing, and runs its tests. Exit status 0: all is as it should be.
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
kit=$(mktemp -d)
trap 'rm -rf "$kit"' EXIT
"$source_dir/lab" export "$kit/kit"
cd "$kit/kit"

for part in solutions slides tests/mistakes tests/fuzz; do
    [[ ! -e $part ]] || { echo "$part is in the students' kit" && exit 1; }
done
for part in lab README.md labs/02_fortune/README.md common/wirelab/program.hpp tests/labs/02_fortune_test.cpp; do
    [[ -e $part ]] || { echo "$part is missing in the students' kit" && exit 1; }
done

for lab in "$source_dir"/labs/[0-9][0-9]_*/; do
    name=$(basename "$lab")
    for part in "labs/$name/README.md" "tests/labs/${name}_test.cpp"; do
        [[ -e $part ]] || { echo "$part is missing in the students' kit" && exit 1; }
    done
done

# Prints each line of the files once, without what it is indented by; short ones say nothing.
lines_of() {
    sed 's/^[[:space:]]*//' "$@" | grep -E '.{24}' | sort -u
}

# The lines that solutions have and stubs have not are what nobody may find in the export.
comm -23 <(lines_of "$source_dir"/solutions/*/*.?pp) <(lines_of "$source_dir"/labs/*/*.?pp) >"$kit/secret"
[[ -s $kit/secret ]] || { echo "found no line to look for" && exit 1; }
find . -type f -exec cat {} + | lines_of >"$kit/public"
if comm -12 "$kit/secret" "$kit/public" | grep .; then
    echo "these lines of the solutions are in the students' kit" && exit 1
fi
echo "no trace of $(wc -l <"$kit/secret") lines of the solutions"

[[ ${1:-} == --build ]] || exit 0
# What git ignores in the kit must do so there too, and nothing may ask for what was left out.
unset WIRELAB_PROGRAMS
cmake --preset dev
cmake --build --preset dev
ctest --preset dev --parallel "$(nproc)"
for lab in labs/[0-9][0-9]_*/; do
    test=build/dev/tests/$(basename "$lab")_test
    if WIRELAB_PROGRAMS=build/dev/labs "$test" >"$kit/report"; then
        echo "$test passes on the stubs" && exit 1
    fi
    tail -n 3 "$kit/report"
done
./lab
