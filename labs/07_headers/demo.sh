# shellcheck shell=bash
# Played by ./lab demo 07.

# Shows a command that bash runs.
show_bash() {
    show_rest
    # shellcheck disable=SC2154 # the width of the labels' column, and DIM and RESET, are the player's
    printf '%-*s | %s\n' "$width" bash "$DIM\$ $1$RESET"
}

# Sends bytes that no client of ours would send, over a connection of their own.
send() {
    show_bash "printf '$1' > /dev/tcp/127.0.0.1/$port"
    printf '%b' "$1" >"/dev/tcp/127.0.0.1/$port"
}

# Opens a connection that stays open, and sends bytes over it.
open_connection() {
    exec {connection}>"/dev/tcp/127.0.0.1/$port"
    show_bash "exec $connection> /dev/tcp/127.0.0.1/$port"
}
send_on() {
    show_bash "printf '$1' >&$connection"
    printf '%b' "$1" >&"$connection"
}

say "A server prints messages that begin with a header of eight bytes: the version, and the size of the data."
start server header_server --port 0 --timeout 2
port=$(port_of server)
run client header_client 127.0.0.1 "$port" --version 3 --size 10
wait_for server "^Data: X{10}$"

say "Nobody needs our client for that. Each number is four bytes, the most significant first."
send '\x00\x00\x00\x01\x00\x00\x00\x05hello'
wait_for server "^Data: hello$"

say "This one takes its 1 from memory, where most machines keep the lowest byte first. It arrives as 16777216."
send '\x01\x00\x00\x00\x00\x00\x00\x05hello'
wait_for server "^Version: 16777216$"
wait_for server "^Data: hello$"

say "And this one does so with the size. Its 5 is 84 megabytes, and the server does not even begin."
send '\x00\x00\x00\x01\x05\x00\x00\x00hello'
wait_for server "over the limit"

say "A header that is cut short, and data that are. Nothing of such a message is printed."
send '\x00\x00\x00'
wait_for server "incomplete header: got 3 of 8 bytes"
send '\x00\x00\x00\x03\x00\x00\x00\x0ahell'
wait_for server "incomplete data: got 4 of 10 bytes"

say "A header in two halves is a header."
open_connection
send_on '\x00\x00\x00'
sleep 1
send_on '\x02\x00\x00\x00\x04slow'
wait_for server "^Data: slow$"
exec {connection}>&-

say "A client that stops in the middle has two seconds."
open_connection
send_on '\x00\x00\x00'
wait_for server "timed out"
exec {connection}>&-
