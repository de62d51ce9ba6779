#!/usr/bin/env bash
# usage: grade_test.sh
#
# Lets ./lab grade judge a right submission, a stub and what is none, and looks at what it writes. Exit status 0: all is
# as it should be.
set -euo pipefail
lab=$(cd "$(dirname "$0")/../.." && pwd)/lab
kit=$(dirname "$lab")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir -p alice/labs bob/labs
cp -r "$kit/solutions/02_fortune" alice/labs
cp -r "$kit/labs/02_fortune" bob/labs
(cd alice && tar czf ../alice.tar.gz labs)
echo "no archive" >carol.zip

grade() {
    "$lab" grade "$@" --labs 02 --out grades --format csv --format gradescope --format junit
}

expect() {
    grep -qE -- "$1" "$2" || { echo "$2 lacks: $1" && cat "$2" && exit 1; }
}

grade alice.tar.gz bob carol.zip >first
expect '^alice 02_fortune: ([0-9]+) of \1 points$' first
expect '^bob 02_fortune: 0 of [1-9]' first
expect '^carol 02_fortune: 0 of [1-9]' first
expect '^"alice",([0-9]+),\1,\1,' grades/grades.csv
expect '"score": [1-9]' grades/alice/gradescope.json
expect '"kind": "not done yet"' grades/bob/02_fortune.json
expect '"kind": "rejected"' grades/carol/02_fortune.json
expect "</html>" grades/report.html

# What has a score is not judged again, until the files are others.
cp "$kit/solutions/02_fortune/fortune_client.cpp" bob/labs/02_fortune
grade alice.tar.gz bob >second
expect "alice 02_fortune: judged before" second
expect '^bob 02_fortune: [1-9][0-9]* of ' second

"$lab" grade alice.tar.gz --labs 02 --seed 7 --only "The client prints a fortune that arrives in one piece" >third
expect "passed: The client prints a fortune that arrives in one piece" third

! "$lab" grade nobody.zip --out grades 2>fourth || { echo "it judges what is not there" && exit 1; }
expect "nobody.zip: there is no such file or folder" fourth
