# shellcheck shell=bash
# Played by ./lab demo 09.

start_receivers() {
    local label
    for label in h1 h2 h3; do
        on "$label" start "$label" broadcast_receiver
        wait_for "$label" "^listening on"
    done
}

# Sends once from h1, with what is sent as the text.
send() {
    on h1 run sender broadcast_sender --count 1 --address "$1" --message "to $1"
}

# Runs a command on a host, as one would type it in a shell there.
on_shell() {
    show_rest
    # shellcheck disable=SC2154 # the width of the labels' column, and DIM and RESET, are the player's
    printf '%-*s | %s\n' "$width" shell "${DIM}$1\$ $2$RESET"
    "$ROOT/lab" classroom run "$1" -- bash -c "$2" 2>&1 | sed "s/^/$(printf '%-*s | ' "$width" shell)/"
}

say "Three hosts of one subnet, 10.0.0.0/24, and a receiver on each. One datagram from h1, and all of them hear it."
classroom
start_receivers
send 255.255.255.255
for label in h1 h2 h3; do wait_for "$label" "from 10.0.0.1:.*: to 255"; done

say "On the wire it is one frame, to ff:ff:ff:ff:ff:ff. The address of the subnet makes the same frame."
capture wire -- -t udp
wait_for wire "listening on"
send 255.255.255.255
send 10.0.0.255
for label in h1 h2 h3; do wait_for "$label" "to 10.0.0.255"; done
wait_for wire "> ff:ff:ff:ff:ff:ff .*> 10.0.0.255"

say "Loopback's own broadcast address stays on the machine, and needs no network. A unicast is for one host."
send 127.255.255.255
wait_for h1 "from 127.0.0.1:.*: to 127"
send 10.0.0.2
wait_for h2 "to 10.0.0.2"

say "10.255.255.255 would be everyone in the class A net 10. With a mask of /24 it is one more host, and not there."
send 10.255.255.255

say "Tell h1 and h2, but not h3, that their network is all of 10.0.0.0/8: now it is a broadcast, for those two."
on_shell h1 'ip address add 10.0.0.1/8 broadcast + dev eth0'
on_shell h2 'ip address add 10.0.0.2/8 broadcast + dev eth0'
send 10.255.255.255
for label in h1 h2; do wait_for "$label" "to 10.255"; done

say "h3 moves to another subnet. It is on the same wire: 255.255.255.255 still reaches it, 10.0.0.255 does not."
on_shell h3 'ip address add 10.0.1.3/24 broadcast + dev eth0'
on_shell h3 'ip address del 10.0.0.3/24 dev eth0'
send 10.0.0.255
wait_for h2 "to 10.0.0.255"
send 255.255.255.255
wait_for h3 "to 255"

say "Who sends to everyone must say that this is meant, by an option. Bash does not, and the system refuses."
on_shell h1 'echo hello > /dev/udp/255.255.255.255/54321' || true
