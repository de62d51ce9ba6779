# shellcheck shell=bash
# Played by ./lab demo 08.
# shellcheck disable=SC2154 # the width of the labels' column, and DIM and RESET, are the player's

# Sends a datagram from h3 to Ann alone, without any program of ours; bash can do so.
send_to_ann() {
    local command="printf '$1' > /dev/udp/10.0.0.1/40000"
    show_rest
    printf '%-*s | %s\n' "$width" bash "${DIM}h3 \$ $command$RESET"
    "$ROOT/lab" classroom run h3 -- bash -c "$command"
}

start_all() {
    on h1 start ann udp_chat "$@"
    on h2 start bob udp_chat --name Bob
    on h3 start cleo udp_chat
    local label
    for label in ann bob cleo; do wait_for "$label" "^listening on"; done
}

say "Three people at three machines. No server: each program sends to everyone on the network, and hears everyone."
classroom
start_all --name Ann
type ann "hello, all"
for label in ann bob cleo; do wait_for "$label" "Ann: hello, all$"; done

say "Each program does two things at once: one thread waits for the keyboard, another for the network."
type cleo "hi Ann, Cleo here"
wait_for ann "> hi Ann"
type bob "and Bob"
wait_for ann "Bob: and"

say "An empty line is a message too, of no bytes at all. One datagram, one message: that border UDP keeps."
type cleo ""
wait_for ann "^10.0.0.3:40000> $"

say "Nobody vouches for the sender. On h3 somebody else calls himself Bob."
on h3 start fake udp_chat --name Bob
wait_for fake "^listening on"
type fake "I owe you 10"
wait_for ann "10.0.0.3:40000> Bob: I owe you 10"

say "And nobody needs our program. What comes from the network must not drive the terminal: the colour stays a byte."
send_to_ann '\e[31mBob: make it 100'
wait_for ann "x1b.31mBob: make it 100"

say "'exit' ends a chat, and so does Ctrl-D, the end of the input. The others do not notice: there is no connection."
type ann "exit"
end_input bob
for label in ann bob; do
    show_until "$label" ended has_ended "$label"
    show "$label" "${DIM}(ended)$RESET"
done

say "The same on a worse network: three of ten messages are lost on their way to a machine. Nobody is told."
classroom --loss 30
start_all
for number in 1 2 3 4 5 6 7 8; do
    type ann "line $number"
    sleep 0.3
done
sleep 0.5

say "Who has missed which? Only the numbers tell."
