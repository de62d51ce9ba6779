# shellcheck shell=bash
# usage: ./lab export DIR
#
# Writes the kit for students into the new folder DIR: everything but the solutions, the catalogue of mistakes,
# the alternatives, the fuzz targets, the grader, the slides and what our own continuous integration needs. It builds and tests by itself.

teachers='^(solutions|tests/mistakes|tests/fuzz|tests/alternatives|tests/grader/(autograder|autograder_tests|hostile)|slides|\.ci|\.github)/'

# Prints the kit's files, each ended by a NUL: those that git knows, or where git doesn't know any, all
# but what was built or installed.
list_files() {
    cd "$ROOT" || exit
    if git ls-files --error-unmatch lab >/dev/null 2>&1; then
        git ls-files -z
    else
        find . '(' -path ./build -o -path ./.lab -o -name node_modules -o -name .git ')' -prune -o \
            '(' -type f -o -type l ')' -printf '%P\0'
    fi
}

(($# > 0)) || usage_error "where to? name a new folder"
[[ $1 == -* ]] && reject "$1"
(($# == 1)) || reject "$2"
target=$1
[[ ! -e $target || -d $target ]] || die "$target is there already, and no folder"
[[ ! -d $target || -z $(ls -A "$target") ]] || die "$target is there already, and not empty"
mkdir -p "$target" || die "cannot make the folder $target"
target=$(cd "$target" && pwd)

count=0
cd "$ROOT" || exit
while IFS= read -r -d '' file; do
    # What git knows may have been deleted since; what lies in the target was written by us.
    [[ ! $file =~ $teachers && -e $file && $ROOT/$file != "$target"/* ]] || continue
    mkdir -p "$target/$(dirname "$file")"
    cp -p "$file" "$target/$file"
    ((count += 1))
done < <(list_files | sort -z)
((count > 0)) || die "found no file to export"
while IFS= read -r file; do
    echo "left out, for git does not know it: $file (git add it first)" >&2
done < <(cd "$ROOT" && git ls-files --others --exclude-standard -- labs tests/labs common 2>/dev/null)
# What was left out is no business of a student's.
sed -i -e 's/^\.\/lab demo .*/.\/lab check 01   # installs what is missing, builds your own lab 01, and tells what is left to do/' -e '/^## If you teach/,/^The licence/{/^The licence/!d}' "$target/README.md"
echo "wrote $count files to $target: the kit without solutions, mistakes and slides"
