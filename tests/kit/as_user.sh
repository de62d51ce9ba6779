#!/usr/bin/env bash
# usage: as_user.sh BUILD
#
# Run by root, runs the tests of the labs that make a network of their own as an ordinary user. Exit status 0: they
# passed. 77: this is no root, so the other tests are run by an ordinary user already.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
((EUID == 0)) || { echo "this is an ordinary user already" && exit 77; }

as_user() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

as_user unshare --map-root-user --net true 2>/dev/null ||
    { echo "this machine allows ordinary users no network namespaces" && exit 77; }

# A tree below /root is closed to others. In a mount namespace of its own it need not be.
if [[ ${2:-} != inside ]] && ! as_user test -r "$source_dir/lab"; then
    exec unshare --mount --propagation private bash "$0" "$build" inside
elif [[ ${2:-} == inside ]]; then
    IFS=/ read -r _ top _ <<<"$source_dir"
    exec {tree}<"$source_dir"
    mount -t tmpfs none "/$top"
    mkdir -p "$source_dir"
    mount --no-canonicalize --bind "/proc/self/fd/$tree" "$source_dir"
    exec {tree}<&-
fi

cd /
for test in "$build"/tests/{08,09,10}_*_test; do
    echo "${test##*/}:"
    report=$(WIRELAB_PROGRAMS=$build/solutions as_user "$test" 2>&1) || { tail -n 60 <<<"$report" && exit 1; }
    tail -n 3 <<<"$report"
    # Namespaces are to be had, as was seen above; so nothing may be skipped for the lack of them.
    ! grep 'SKIPPED: .*namespaces' <<<"$report" || exit 1
done
