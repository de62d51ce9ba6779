#!/usr/bin/env bash
# usage: stays_inside.sh BUILD
#
# Runs the tests of all labs in a network namespace with a spare interface, through which the default route
# leads, and watches that: whatever a test or a program sent to the outside would be seen there. Exit status 0: it
# saw nothing. 77: this machine allows no namespaces.
set -euo pipefail
build=$1

if [[ ${2:-} != inside ]]; then
    as_root=(--map-root-user)
    ((EUID != 0)) || as_root=()
    unshare "${as_root[@]}" --net true || { echo "this machine allows no network namespaces" && exit 77; }
    command -v tcpdump >/dev/null || { echo "tcpdump is not installed" && exit 77; }
    exec unshare "${as_root[@]}" --net --kill-child --fork bash "$0" "$build" inside
fi

# IPv6 stays off on the spare interface: the kernel itself would speak there, of neighbours and groups.
ip link set lo up
ip link add spare type veth peer other
for interface in spare other; do
    echo 1 >"/proc/sys/net/ipv6/conf/$interface/disable_ipv6"
    ip link set "$interface" up
done
ip address add 192.0.2.1/24 dev spare
ip route add default dev spare

folder=$(mktemp -d)
trap 'kill "$(jobs -p)" 2>/dev/null; rm -rf "$folder"' EXIT
mkfifo "$folder/starts"
tcpdump -i spare -l -n >"$folder/seen" 2>"$folder/starts" &
grep -m 1 'listening on spare' "$folder/starts" >/dev/null

# The tests of the labs, but not those of this kit, which would begin all over again.
status=0
ctest --test-dir "$build" --tests-regex '^[0-9][0-9]_' --label-exclude long --no-tests=error \
    --parallel "$((3 * $(nproc)))" --timeout 120 >"$folder/log" 2>&1 || status=$?
tail -n 20 "$folder/log"
((status == 0)) || exit 1

# Now something that must be seen, so that seeing nothing before means something.
SECONDS=0
echo marker >/dev/udp/192.0.2.99/9
until [[ -s $folder/seen ]]; do
    ((SECONDS < 30)) || { echo "the watch saw not even what was sent on purpose" && exit 1; }
    sleep 0.1
done
if ! head -n 1 "$folder/seen" | grep 'who-has 192.0.2.99' >/dev/null; then
    echo "these packets would have left this machine:"
    grep -v 192.0.2.99 "$folder/seen"
    exit 1
fi
echo "nothing left through the spare interface"
