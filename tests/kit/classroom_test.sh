#!/usr/bin/env bash
# usage: classroom_test.sh CASE
#
# Tests ./lab classroom: a case is a function below, whose comment is the name of the test. Where we are root, it is
# also tested as an ordinary user, with a copy of the kit. Exit status 77: this machine allows no namespaces.
# shellcheck disable=SC2016,SC2317 # what other shells run; what `eventually` runs
set -euo pipefail

kit=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
export WIRELAB_CLASSROOM=$folder/classroom # no other test's, and not the person's
unset SUDO_UID SUDO_GID
PATH=$PATH:/usr/sbin:/sbin

lab() {
    "$kit/lab" classroom "$@"
}

fail() {
    echo "as $(id -un): line ${BASH_LINENO[0]}: $*" >&2
    exit 1
}

# Waits until a command succeeds, 10 seconds at most.
eventually() {
    local limit=$((SECONDS + 10))
    until "$@"; do
        ((SECONDS < limit)) || fail "never happened: $*"
        sleep 0.02
    done
}

# Expects a command to end with a status and to print what matches, on one line if it is an error.
expect() {
    local wanted=$1 pattern=$2 output status=0
    shift 2
    output=$("$@" 2>&1) || status=$?
    [[ $status == "$wanted" ]] || fail "exit status $status, not $wanted: $* printed: $output"
    [[ $output =~ $pattern ]] || fail "'$*' printed no '$pattern' but: $output"
    [[ $wanted == 0 || $output != *$'\n'* ]] || fail "'$*' printed more than a line: $output"
}

# Starts a command of the classroom in the background; its output is in $folder/NAME.
start() {
    local name=$1
    shift
    "$kit/lab" classroom "$@" </dev/null >"$folder/$name" 2>&1 &
}

prints() {
    grep -qsE -- "$2" "$folder/$1"
}

# Does a host have a UDP port in use?
listens() {
    lab run "$1" -- ss -Hlun "sport = $2" | grep -q .
}

# Is any process in the classroom?
is_empty() {
    local process
    for process in /proc/[0-9]*; do
        [[ ! -e $process/root$WIRELAB_CLASSROOM/etc ]] || return
    done
}

# How many datagrams have come to a host, to its programs or in vain?
received() {
    lab run "$1" -- awk '/^Udp: [0-9]/ { print $2 + $3 + $4 }' /proc/net/snmp
}
has_received() {
    (($(received "$1") >= $2))
}

# Sends so many datagrams from h1 to h2.
send() {
    lab run h1 -- bash -c "exec 3>/dev/udp/h2/40000; for ((i = 0; i < $1; ++i)); do echo \$i >&3; done"
}

# --- the cases ------------------------------------------------------------------------------------------------------

up_and_down() { # A classroom comes up with its hosts and goes without a trace
    expect 0 '^h1 to h4 are up' lab up --hosts 4
    expect 0 '^h4$' lab run h4 -- hostname
    expect 0 ' 10\.0\.0\.4/24 brd 10\.0\.0\.255 ' lab run h4 -- ip address show eth0
    expect 0 'UP' lab run h4 -- ip address show lo
    expect 1 "there is no host 'h5' \(h1 to h4 are up\)$" lab run h5 -- true
    expect 0 '^h1 to h3 are up' lab up
    expect 1 "there is no host 'h4' \(h1 to h3 are up\)$" lab run h4 -- true
    expect 0 '^$' lab down
    is_empty || fail "there is still a process"
    [[ ! -e $WIRELAB_CLASSROOM ]] || fail "there is still $WIRELAB_CLASSROOM"
    expect 0 '^$' lab down
    expect 1 '^lab: no classroom is up' lab run h1 -- true
    expect 1 '^lab: no classroom is up' lab status
    expect 1 '^lab: no classroom is up' lab capture
}

one_lan() { # Hosts of a classroom reach each other by name and broadcast and group
    lab up
    start h1 run h1 -- socat -u udp-recv:40000,ip-add-membership=239.1.2.3:10.0.0.1 -
    start h2 run h2 -- socat -u udp-recv:40000 -
    eventually listens h1 40000
    eventually listens h2 40000
    lab run h3 -- bash -c 'echo by name >/dev/udp/h1/40000; echo by name >/dev/udp/h2/40000'
    for address in 10.0.0.255 255.255.255.255 239.1.2.3; do
        lab run h3 -- socat -u - "udp-datagram:$address:40000,broadcast" <<<"to $address"
    done
    for line in 'by name' 'to 10.0.0.255' 'to 255.255.255.255'; do
        eventually prints h1 "^$line$"
        eventually prints h2 "^$line$"
    done
    eventually prints h1 '^to 239.1.2.3$'
    ! prints h2 '239.1.2.3' || fail "h2 has not joined the group, and got what was sent to it"
}

no_way_out() { # Nothing gets out of a classroom
    lab up --hosts 1
    socat -u tcp-listen:0,bind=127.0.0.1 - >"$folder/outside" 2>&1 &
    listener=$!
    find_port() { port=$(ss -Hltnp | sed -nE "s/.*127\.0\.0\.1:([0-9]+) .*pid=$listener,.*/\1/p") && [[ -n $port ]]; }
    eventually find_port
    expect 1 'refused' lab run h1 -- sh -c 'socat /dev/null "tcp:127.0.0.1:$1" 2>&1 | tail -n 1; exit 1' sh "$port"
    [[ $(lab run h1 -- ip -o link | wc -l) == 2 ]] || fail "h1 has more than lo and eth0"
    expect 2 '^$' lab run h1 -- getent hosts www.example.com # the status of a name that nobody knows
    [[ ! -s $folder/outside ]] || fail "something got out"
}

run_becomes_the_command() { # What runs on a host is the process that was started and ends like it
    lab up --hosts 1
    expect 7 '^$' lab run h1 -- sh -c 'exit 7'
    expect 0 '^a b\|\*\|\|$' lab run h1 -- printf '%s|' 'a b' '*' ''
    expect 0 '^typed$' lab run h1 -- cat <<<typed
    cd "$folder"
    expect 0 "^$folder$" lab run h1 pwd
    "$kit/lab" classroom run h1 -- sleep 1000 &
    is_sleep() { [[ $(<"/proc/$!/comm") == sleep ]]; }
    eventually is_sleep
    kill -TERM $!
    status=0
    wait $! || status=$?
    [[ $status == 143 ]] || fail "a signal did not reach the command: status $status"
}

shell_on_a_host() { # A shell shows where it is and tells how to leave
    lab up --hosts 2
    expect 0 'This is h2, 10\.0\.0\.2, .* h1 to h2\..*exit.*h2:.*\$' \
        script -qc "'$kit/lab' classroom shell h2" /dev/null <<<exit
    expect 5 '^h2$' lab shell h2 <<<'hostname; exit 5'
    expect 1 'outside' lab run h1 -- "$kit/lab" classroom down
}

status_tells() { # The status of a classroom shows its hosts and ports and groups
    lab up --hosts 2 --loss 2.5 --rate 100
    local group=ip-add-membership=239.1.2
    start h2 run h2 -- socat -u "udp-recv:40000,$group.3:10.0.0.2,$group.4:127.0.0.1" -
    eventually listens h2 40000
    expect 0 'loss: 2\.5 %, rate: 100 Mbit/s' lab status
    expect 0 "h1 +10\.0\.0\.1 +UP +-"$'\n' lab status
    expect 0 "h2 +10\.0\.0\.2 +UP +udp 0\.0\.0\.0:40000 socat, process $!"$'\n' lab status
    expect 0 "group 239\.1\.2\.4 on lo"$'\n''h2 +10\.0\.0\.2 +UP +group 239\.1\.2\.3 on eth0$' lab status
}

capture_shows() { # A capture shows Ethernet addresses and who joins and leaves a group
    lab up --hosts 2
    start wire capture
    capture=$!
    eventually prints wire 'listening on'
    local group=ip-add-membership=239.1.2
    start h1 run h1 -- socat -u "udp-recv:40000,$group.3:10.0.0.1,$group.4:10.0.0.1" -
    member=$!
    eventually prints wire '\| 10\.0\.0\.1 > 224\.0\.0\.22: .*: joins 239\.1\.2\.[34], joins 239\.1\.2\.[34] \(ttl 1\)$'
    lab run h2 -- socat -u - udp-datagram:239.1.2.3:40000 <<<hello
    local from=' 02:00:00:00:00:02 >'
    eventually prints wire "$from 01:00:5e:01:02:03 \| 10\.0\.0\.2\.[0-9]+ > 239\.1\.2\.3\.40000: UDP, length 6"
    lab run h2 -- socat -u - udp-datagram:10.0.0.255:40000,broadcast <<<hello
    eventually prints wire "$from ff:ff:ff:ff:ff:ff \| 10\.0\.0\.2\.[0-9]+ > 10\.0\.0\.255\.40000: UDP, length 6"
    kill $member
    eventually prints wire ': leaves 239\.1\.2\.[34], leaves 239\.1\.2\.[34] \(ttl 1\)$'
    lab run h2 -- nft 'table ip test {
        chain out {
            type filter hook output priority 0
            ip ttl set 0
        }
    }'
    lab run h2 -- bash -c 'echo >/dev/udp/h1/40001'
    eventually prints wire '\| 10\.0\.0\.2\.[0-9]+ > 10\.0\.0\.1\.40001: UDP, length 1 \(ttl 0\)$'
    kill -INT $capture
    wait $capture || fail "Ctrl-C is no failure"
}

loss_loses() { # Loss loses about the share that was asked for
    for loss in 50 100; do
        lab up --hosts 2 --loss "$loss"
        start sink run h2 -- socat -u udp-recv:40000 /dev/null
        eventually listens h2 40000
        send 1000
        eventually has_received h2 $((loss == 50 ? 400 : 0))
        (($(received h2) <= (loss == 50 ? 600 : 0))) || fail "--loss $loss let too much through"
    done
    start own run h1 -- socat -u udp-recv:40000 -
    eventually listens h1 40000
    lab run h1 -- socat -u - udp-datagram:10.0.0.255:40000,broadcast <<<'my own'
    eventually prints own 'my own'
}

rate_limits() { # A rate limits what a host can send
    lab up --hosts 2 --rate 2.5
    start sink run h2 -- socat -u tcp-listen:40000 "create:$folder/received"
    h2_waits() { lab run h2 -- ss -Hltn | grep -q 40000; }
    eventually h2_waits
    before=${EPOCHREALTIME/[.,]/}
    head -c 250000 /dev/zero | lab run h1 -- socat -u - tcp:h2:40000
    is_complete() { [[ $(wc -c <"$folder/received") == 250000 ]]; }
    eventually is_complete
    took=$((${EPOCHREALTIME/[.,]/} - before)) # two megabits, which take 800 milliseconds
    ((took > 600000)) || fail "250,000 bytes at 2.5 Mbit/s took only $took microseconds"
}

deaf_programs() { # A program that does not end when asked to goes with its classroom
    lab up --hosts 1
    start h1 run h1 -- bash -c 'trap "" TERM HUP; echo deaf; exec sleep 1000'
    eventually prints h1 deaf
    expect 0 '^$' lab down
    [[ ! -e /proc/$!/exe ]] || fail "it still runs"
}

crash_leaves_nothing() { # After the end of its keeper the next command clears a classroom away
    for command in down up; do
        lab up
        start h1 run h1 -- sleep 1000
        program=$!
        is_sleep() { [[ $(<"/proc/$program/comm") == sleep ]]; }
        eventually is_sleep
        kill -KILL "$(<"$WIRELAB_CLASSROOM/keeper")"
        has_none() { ! lab status >/dev/null 2>&1; }
        eventually has_none
        expect 1 '^lab: no classroom is up' lab run h1 -- true
        expect 0 '^(h1 to h3 are up.*)?$' lab "$command"
        [[ ! -e /proc/$program/exe ]] || fail "a program survived '$command'"
    done
    expect 0 '^$' lab down
    is_empty || fail "there is still a process"
    [[ ! -e $WIRELAB_CLASSROOM ]] || fail "there is still $WIRELAB_CLASSROOM"
}

keep_ends_with_its_parent() { # A test's classroom ends with the test however that ends
    bash -c '"$0" classroom keep 2 0 "" >"$1" 2>&1 & wait' "$kit/lab" "$folder/keep" &
    parent=$!
    eventually prints keep '^ready$'
    expect 0 '^h2$' lab run h2 -- hostname
    kill -KILL $parent
    wait $parent 2>/dev/null || true
    eventually is_empty
}

two_at_once() { # Two classrooms do not meet
    lab up --hosts 2
    WIRELAB_CLASSROOM=$folder/other lab up --hosts 2
    send 1
    eventually has_received h2 1
    other=$(WIRELAB_CLASSROOM=$folder/other received h2)
    ((other == 0)) || fail "the other classroom heard it"
    lab down
    WIRELAB_CLASSROOM=$folder/other expect 0 '^h1$' lab run h1 -- hostname
    WIRELAB_CLASSROOM=$folder/other lab down
}

usage_errors() { # The classroom rejects what it does not know
    while read -r arguments; do
        # shellcheck disable=SC2086 # words are what is wanted
        expect 2 "^lab classroom: .*\(try './lab classroom --help'\)$" lab $arguments
    done <<<'
        sit
        --loud
        up 3
        up --hosts
        up --hosts 0
        up --hosts 100
        up --hosts -1
        up --hosts 3x
        up --loss 101
        up --loss 100.01
        up --loss -1
        up --loss 1.234
        up --rate 0
        up --rate fast
        up --rate -5
        run
        shell
        status h1
        down h1'
    expect 0 'usage: ./lab classroom up' lab --help
    lab up --hosts 1
    expect 2 'which command\?' lab run h1 --
    expect 1 "there is no host 'lo'" lab run lo -- true
}

forbidden() { # Where a machine cannot do it one line says so and nothing stays
    for tool in unshare nft tc; do
        printf '#!/bin/sh\nexit 1\n' >"$folder/$tool"
        chmod +x "$folder/$tool"
        PATH=$folder:$PATH expect 1 '^lab: (no network namespaces|--loss needs|--rate needs)' lab up --loss 1 --rate 1
        [[ ! -e $WIRELAB_CLASSROOM ]] || fail "there is still $WIRELAB_CLASSROOM"
        is_empty || fail "there is still a process"
        rm "$folder/$tool"
    done
}

# --- as whom --------------------------------------------------------------------------------------------------------

end() {
    local status=$? programs
    mapfile -t programs < <(jobs -p)
    ((${#programs[@]} == 0)) || kill "${programs[@]}" 2>/dev/null || true
    "$kit/lab" classroom down || status=1
    rm -rf "$folder"
    exit "$status"
}

# Runs the case as an ordinary user, with the little of the kit that it takes.
as_ordinary_user() {
    local copy=$folder/kit
    mkdir -p "$copy/tests/kit"
    cp -r "$kit/lab" "$kit/scripts" "$copy"
    cp "$kit/tests/kit/classroom_test.sh" "$copy/tests/kit"
    chown -R 65534:65534 "$folder"
    cd "$folder" # where we are may be closed to others, as /root is
    setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$folder" "$copy/tests/kit/classroom_test.sh" "$1"
}

trap end EXIT
grep -q "^$1() { # " "$0" || fail "there is no case '$1'"
skipped=0
if ((EUID == 0)); then as_ordinary_user "$1" || { skipped=$? && ((skipped == 77)); }; fi
user=()
((EUID == 0)) || user=(--user --map-root-user)
if ! unshare "${user[@]}" --net --mount --uts true 2>/dev/null; then
    echo "as $(id -un): this machine allows no network namespaces"
    exit 77
fi
"$1"
((skipped == 0)) || echo "not tested as an ordinary user"
