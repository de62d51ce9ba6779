# shellcheck shell=bash
# usage: ./lab classroom up [--hosts N] [--loss PERCENT] [--rate MBIT]
#        ./lab classroom run HOST -- COMMAND [ARGUMENT...]
#        ./lab classroom shell HOST
#        ./lab classroom status
#        ./lab classroom capture [-- TCPDUMP_ARGUMENT...]
#        ./lab classroom down
#
# A LAN inside this machine: a switch, and hosts h1, h2, ... with the addresses 10.0.0.1/24, 10.0.0.2/24, ...
# They know each other by these names. Nothing gets out. It takes no root where ordinary users may make network
# namespaces; Ubuntu allows that with `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`.
#
#   up        makes it, in place of one that is up
#               --hosts N        how many hosts, 1 to 99 (3)
#               --loss PERCENT   each host loses so much of what others send to it, 0 to 100 (0)
#               --rate MBIT      each host sends at most so many megabits a second (no limit)
#   run       runs a command on a host; its exit status is the command's
#   shell     opens a shell on a host
#   status    shows the hosts, what is bound to their ports, and the groups they joined; fails if none is up
#   capture   shows what passes the switch, until Ctrl-C; with `-- -X udp` only UDP, and its bytes, see tcpdump(8)
#   down      ends it, and every program that runs on its hosts

# How it is made: one process, the keeper, holds a network namespace with the switch, a mount namespace, and unless
# root made it a user namespace, in which whoever made it is root. Only in that mount namespace, $classroom is a file
# system in memory. On it each host's network has a name, the file $classroom/HOST. Whatever runs on a host is in that
# mount namespace, too, and can be told by that; when the keeper and all of these have ended, nothing is left.
# See namespaces(7), veth(4), unshare(1), nsenter(1).

classroom=${WIRELAB_CLASSROOM:-$STATE/classroom} # a test or a demo has one of its own
[[ $classroom == /* ]] || classroom=$PWD/$classroom
PATH=$PATH:/usr/sbin:/sbin # where ip, nft and tc are, for ordinary users too

# What a process of this classroom sees as $classroom/FILE; for any other process there is no such file.
seen_by() {
    echo "/proc/$1/root$classroom/$2"
}

# Sets KEEPER to the process that holds the classroom, and HOSTS, LOSS and RATE to what it was made with; false if
# none is up.
find_classroom() {
    [[ -f $classroom/keeper ]] || return
    [[ -O $classroom/keeper ]] || ((EUID == 0)) || die "this classroom was made by another user (by sudo?): use sudo"
    KEEPER=$(<"$classroom/keeper")
    [[ -e $(seen_by "$KEEPER" ready) ]] && read -r HOSTS LOSS RATE <"$(seen_by "$KEEPER" ready)"
}

need_classroom() {
    find_classroom || die "no classroom is up (make one with './lab classroom up')"
}

need_host() {
    need_classroom
    [[ $1 =~ ^h[1-9][0-9]?$ && ${1#h} -le $HOSTS ]] || die "there is no host '$1' (h1 to h$HOSTS are up)"
}

need_outside() {
    [[ ! -e $classroom/etc ]] || die "this is a host of the classroom: do that in a shell outside of it"
}

# Sets ENTER to the command that becomes another on a host.
set_enter() {
    ENTER=(nsenter --target "$KEEPER" --mount --root --wdns="$PWD"
        --net="$(seen_by "$KEEPER" "$1")" --uts="$(seen_by "$KEEPER" "$1.name")")
    ((EUID == 0)) || ENTER+=(--user --preserve-credentials)
}

# With sudo, what a person runs on a host is still that person's: else root's files would lie about in the tree.
leave_sudo() {
    [[ -n ${SUDO_UID:-} && -z ${WIRELAB_CLASSROOM:-} ]] || return 0
    ENTER+=(setpriv --reuid "$SUDO_UID" --regid "$SUDO_GID" --init-groups
        env HOME="$(getent passwd "$SUDO_UID" | cut -d: -f6)")
}

# --- up: the keeper -------------------------------------------------------------------------------------------------

# Prints a number with up to `digits` decimals without its point: 2.5 and 2 make 250; false if it is no such number.
scaled() {
    local number=$1 digits=$2
    [[ $number =~ ^([0-9]{1,6})(\.([0-9]+))?$ && ${#BASH_REMATCH[3]} -le $digits ]] || return
    printf -v number '%s%-*s' "${BASH_REMATCH[1]}" "$digits" "${BASH_REMATCH[3]}"
    echo $((10#${number// /0}))
}

check_settings() {
    local value
    [[ $1 =~ ^[1-9][0-9]?$ ]] || usage_error "--hosts takes a number from 1 to 99, not '$1'"
    { value=$(scaled "$2" 2) && ((value <= 10000)); } ||
        usage_error "--loss takes a number from 0 to 100 with at most two decimals, not '$2'"
    [[ -z $3 ]] || { value=$(scaled "$3" 3) && ((value > 0)); } ||
        usage_error "--rate takes a number above 0 with at most three decimals, not '$3'"
}

# Becomes the keeper: first enters namespaces of its own, then fills them. Says when all is ready. Ends with its
# parent, unless it is told to stay.
keep() {
    local enter=() until=(setpriv --pdeathsig KILL)
    [[ ${4:-} != stay ]] || until=()
    # Who is not root becomes it in a user namespace, inside another that the keeper holds open, for capture.
    # shellcheck disable=SC2016 # the inner shell is the one that expands "$@"
    ((EUID == 0)) || enter=(unshare --user --map-current-user --keep-caps
        bash -c 'exec 8</proc/self/ns/user; exec "$@"' bash unshare --user --map-root-user)
    ((EUID != 0)) || enter=(unshare)
    enter+=(--net --mount --propagation slave --uts)
    check_settings "$1" "$2" "$3"
    "${enter[@]}" ip link set lo up 2>/dev/null || die "$(why_not)"
    mkdir -p "$classroom" || die "cannot make the folder $classroom"
    # What root makes in another's tree stays that person's.
    ((EUID != 0)) || [[ $classroom != "$STATE"/* ]] || chown --reference="$ROOT" "$STATE"
    echo $$ >"$classroom/keeper"
    exec "${enter[@]}" "${until[@]}" "$ROOT/lab" classroom fill "$1" "$2" "$3" "${until:+$PPID}"
}

why_not() {
    local switch=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
    if ((EUID == 0)); then
        echo "no network namespaces here (a container needs --privileged for them)"
    elif [[ -f $switch && $(<$switch) == 1 ]]; then
        echo "only root may make network namespaces here: use sudo, or let everybody until the next start with" \
            "'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0'"
    else
        echo "no network namespaces for you here: use sudo"
    fi
}

fill() {
    local hosts=$1 loss=$2 rate=$3 number silent
    [[ -z $4 || $4 == "$PPID" ]] || exit 1 # the parent has ended before this process could be told to end with it
    mount -t tmpfs classroom "$classroom"
    echo $$ >"$classroom/keeper"
    write_names
    write_shell
    echo 1 2>/dev/null >/proc/sys/net/ipv6/conf/default/disable_ipv6 || true # the switch itself keeps quiet
    ip link set lo up
    ip link add switch type bridge mcast_snooping 0 2>/dev/null || die "this machine's kernel has no bridge"
    ip link set switch up
    for ((number = 1; number <= hosts; ++number)); do add_host "h$number" "$number"; done
    until_links_are_up
    for ((number = 1; number <= hosts; ++number)); do until_host_knows_itself "h$number"; done
    echo "$hosts $loss $rate" >"$classroom/ready"
    cd /
    echo ready
    # Ends when the folder is deleted, too: that takes the file system in memory away.
    mkfifo "$classroom/silent"
    exec {silent}<>"$classroom/silent"
    while [[ -e $classroom/ready ]]; do read -r -t 5 -u "$silent" || true; done
}

# Gives the hosts a private /etc/hosts, and no other way to look up a name.
write_names() {
    local number etc=$classroom/etc
    mkdir "$etc"
    printf '%s\n' '127.0.0.1 localhost' '::1 localhost ip6-localhost' >"$etc/hosts"
    for ((number = 1; number <= hosts; ++number)); do echo "10.0.0.$number h$number"; done >>"$etc/hosts"
    { sed 's/^hosts:.*//' /etc/nsswitch.conf 2>/dev/null || true && echo 'hosts: files'; } >"$etc/nsswitch.conf"
    { mount --bind "$etc/hosts" /etc/hosts && mount --bind "$etc/nsswitch.conf" /etc/nsswitch.conf; } 2>/dev/null ||
        mount -t overlay classroom -o "lowerdir=$etc:/etc" /etc 2>/dev/null || true # a bare system lacks these files
}

# What a shell on a host begins with.
write_shell() {
    cat >"$classroom/shell" <<END
[[ ! -f ~/.bashrc ]] || source ~/.bashrc
PROMPT_COMMAND=''
PS1='\h:\w\$ '
echo "This is \$HOSTNAME, 10.0.0.\${HOSTNAME#h}, in a classroom with h1 to h$hosts. Leave it with 'exit' or Ctrl-D."
END
}

# Runs a command on a host, for the keeper.
on() {
    nsenter --net="$classroom/$1" --uts="$classroom/$1.name" "${@:2}"
}

add_host() {
    local host=$1 number=$2 share kbit
    touch "$classroom/$host" "$classroom/$host.name"
    unshare --net="$classroom/$host" --uts="$classroom/$host.name" hostname "$host"
    on "$host" ip link add eth0 address "02:00:00:00:00:$(printf %02x "$number")" \
        type veth peer "$host" netns $$ 2>/dev/null || die "this machine's kernel has no veth"
    ip link set "$host" master switch up
    # Broadcasts and groups go where the default route goes, as on a real host; here it ends at the switch.
    on "$host" bash -c '
        cd /proc/sys/net/ipv6/conf/eth0 2>/dev/null && echo 0 | tee accept_dad router_solicitations >/dev/null
        ip -batch -' <<<"link set lo up
            address add 10.0.0.$number/24 broadcast + dev eth0
            link set eth0 up
            route add default dev eth0"
    share=$(scaled "$loss" 2)
    ((share == 0)) || on "$host" nft "table inet classroom {
        chain arriving {
            type filter hook prerouting priority -450 # before fragments are put together: packets are lost
            ip saddr 10.0.0.$number accept # its own broadcasts, and what it sends to groups, cross no wire
            ip6 saddr $(printf 'fe80::ff:fe00:%x' "$number") accept
            iif eth0 numgen random mod 10000 <= $((share - 1)) counter drop
        }
    }" 2>/dev/null || die "--loss needs nftables, and this machine's kernel has not all of it"
    [[ -n $rate ]] || return 0
    kbit=$(scaled "$rate" 3)
    on "$host" tc qdisc add dev eth0 root \
        tbf rate "${kbit}kbit" burst $((kbit * 5 / 8 + 4000)) latency 100ms 2>/dev/null ||
        die "--rate needs tbf, which this machine's kernel has not"
}

# A link takes a moment before it passes anything on.
until_links_are_up() {
    local tries
    for ((tries = 0; tries < 500; ++tries)); do
        (($(bridge link show | grep -c 'state forwarding') < hosts)) || return 0
        sleep 0.01
    done
    die "the hosts' links do not come up"
}

# Nor is a host's IPv6 address its own before that has a route.
until_host_knows_itself() {
    local host=$1 tries
    [[ $(on "$host" cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6 2>/dev/null) == 0 ]] || return 0
    for ((tries = 0; tries < 500; ++tries)); do
        [[ $(on "$host" ip -6 route show table local) != *'local fe80:'* ]] || return 0
        sleep 0.01
    done
    die "$host gets no IPv6 address"
}

up() {
    local hosts=3 loss=0 rate='' answer=''
    while (($# > 0)); do
        case $1 in
            --hosts | --loss | --rate) (($# > 1)) || usage_error "$1 takes a number" ;;&
            --hosts) hosts=$2 ;;
            --loss) loss=$2 ;;
            --rate) rate=$2 ;;
            *) reject "$1" ;;
        esac
        shift 2
    done
    check_settings "$hosts" "$loss" "$rate"
    set_up classroom
    down
    trap down EXIT
    # It outlives this terminal, and prints nothing but that it is ready, or why not.
    read -r answer < <(setsid "$ROOT/lab" classroom keep "$hosts" "$loss" "$rate" stay </dev/null 2>&1) || true
    [[ $answer == ready ]] || die "${answer#lab: }"
    trap - EXIT
    echo "h1 to h$hosts are up; './lab classroom shell h1' opens a shell on one"
}

# --- down -----------------------------------------------------------------------------------------------------------

# Sets PROGRAMS to the processes that are in the classroom, whether or not it has a keeper.
find_programs() {
    local process
    PROGRAMS=()
    for process in /proc/[0-9]*; do
        process=${process#/proc/}
        [[ ! -e /proc/$process/root$classroom/etc ]] || PROGRAMS+=("$process")
    done
}

# Ends every program, then all is gone. Most programs end when asked to, a shell when its terminal is gone.
down() {
    local tries
    [[ -d $classroom ]] || return 0
    need_outside
    find_classroom || true
    for ((tries = 0; tries < 100; ++tries)); do
        find_programs
        ((${#PROGRAMS[@]})) || break
        case $tries in
            0) kill "${PROGRAMS[@]}" 2>/dev/null || true ;;
            10) kill -HUP "${PROGRAMS[@]}" 2>/dev/null || true ;;
            [2-9]0) kill -KILL "${PROGRAMS[@]}" 2>/dev/null || true ;;
        esac
        sleep 0.03
    done
    ((${#PROGRAMS[@]} == 0)) || die "these processes do not end: ${PROGRAMS[*]}"
    rm -f "$classroom/keeper"
    rmdir "$classroom" || die "there is more in $classroom than a classroom leaves"
}

# --- on its hosts ---------------------------------------------------------------------------------------------------

# Becomes the command, on the host: so its process is the one that was started here.
run() {
    (($# > 0)) || usage_error "on which host?"
    need_host "$1"
    set_enter "$1"
    leave_sudo
    shift
    [[ ${1:-} != -- ]] || shift
    (($# > 0)) || usage_error "which command?"
    exec "${ENTER[@]}" "$@"
}

shell() {
    (($# > 0)) || usage_error "on which host?"
    (($# < 2)) || reject "$2"
    need_host "$1"
    set_enter "$1"
    leave_sudo
    exec "${ENTER[@]}" bash --rcfile "$classroom/shell"
}

# Shows what passes the switch, each frame on a line: when, from which Ethernet address to which, and what was in it.
capture() {
    [[ ${1:-} != -- ]] || shift
    need_outside
    need_classroom
    set_up classroom
    ENTER=(nsenter --target "$KEEPER" --mount --root --wdns="$PWD" --net)
    # To a root without other users, as one's own user namespace has it, tcpdump refuses its service. In the outer
    # namespace we are no root, but own the inner one, and may do in it what root may.
    ((EUID == 0)) || ENTER+=(--user="/proc/$KEEPER/fd/8" --preserve-credentials)
    exec "${ENTER[@]}" tcpdump -i switch -l -n -e -v -K --immediate-mode "$@" > >(trap '' INT && shorten)
}

# Leaves out what tcpdump -v says of an IP header, but for the time to live, and has one line where it has two.
shorten() {
    sed -u -E -e '/, ethertype /{
        /\(tos .*\)$/N
        s/, ethertype [^ ]+ \(0x[0-9a-f]+\), length [0-9]+:/ |/
        s/\((tos [^ ]+), id /(\1, ttl 0, id / # a zero is not printed
        s/\(tos .*ttl ([0-9]+), .*\)\n *(.*)/\2 (ttl \1)/
        s/\| \(.*hlim ([0-9]+), next-header .* payload length: [0-9]+\) (.*)/| \2 (hop limit \1)/
        s/ HBH .* ICMP6/ ICMP6/
        s/\| Ethernet \(len 6\), IPv4 \(len 4\),/| ARP/
        s/, [0-9]+ group record\(s\)/:/
        s/\] \[gaddr /], [gaddr /g
        s/\[gaddr ([^ ]+) to_ex, 0 source\(s\)\]/joins \1/g
        s/\[gaddr ([^ ]+) to_in, 0 source\(s\)\]/leaves \1/g
    }'
}

status() {
    local number host link notes note
    need_classroom
    echo "loss: $LOSS %, rate: ${RATE:-no limit}${RATE:+ Mbit/s}"
    printf '%-5s %-10s %-5s %s\n' host address link "ports and groups"
    for ((number = 1; number <= HOSTS; ++number)); do
        host=h$number
        set_enter "$host"
        read -r _ link _ < <("${ENTER[@]}" ip -brief link show eth0)
        notes=$(list_ports && list_groups)
        while IFS= read -r note; do
            printf '%-5s %-10s %-5s %s\n' "$host" "10.0.0.$number" "$link" "$note"
        done <<<"${notes:--}"
    done
}

# Prints what is bound to a host's ports, see ss(8).
list_ports() {
    local protocol state local_end peer users
    "${ENTER[@]}" ss --no-header --tcp --udp --all --numeric --processes |
        while read -r protocol state _ _ local_end peer users; do
            [[ $protocol == udp || $state == LISTEN ]] || continue
            [[ $state != ESTAB ]] || local_end+=" (to $peer)"
            [[ $users =~ \"([^\"]*)\",pid=([0-9]+) ]] || BASH_REMATCH=('' '?' '?')
            echo "$protocol $local_end ${BASH_REMATCH[1]}, process ${BASH_REMATCH[2]}"
        done
}

# Prints the groups that a host has joined, but for those that every host is in.
list_groups() {
    "${ENTER[@]}" ip -oneline maddress show | sed -nE '/ (224\.0\.0\.1|ff0[12]::1(:ff[0-9a-f:]+)?)( |$)/d
        s/^[0-9]+:\s+([^\\]+)\\\s+inet6?\s+(\S+).*/group \2 on \1/p'
}

subcommand=${1:-}
shift || true
case $subcommand in
    up | run | shell | capture | keep | fill) "$subcommand" "$@" ;;
    status | down) (($# == 0)) || reject "$1" && "$subcommand" ;;
    '') usage_error "up, run, shell, status, capture or down?" ;;
    *) reject "$subcommand" ;;
esac
