# shellcheck shell=bash
# Played by ./lab demo 03.
say "A receiver waits for messages, on any free port. Bound to 127.0.0.1, it is for this machine alone."
start receiver tcp_receive --bind 127.0.0.1 --port 0 --max-bytes 40
port=$(port_of receiver)

say "A sender connects, sends its message and ends its stream: that is where the message ends."
run sender tcp_send 127.0.0.1 "$port" "Hello over there!"
wait_for receiver "Hello over there"

say "What comes from the network must not drive the terminal: newlines and colours are shown as bytes."
run sender tcp_send 127.0.0.1 "$port" $'two\nlines, \e[31mred'
wait_for receiver "red"

say "This receiver takes 40 bytes, no more. It refuses the message, and goes on."
run sender tcp_send 127.0.0.1 "$port" "A message that is too long for the receiver." || true
wait_for receiver "message over 40 bytes"

say "The message 'exit' ends the receiver. Then nobody listens any more."
run sender tcp_send 127.0.0.1 "$port" exit
wait_for receiver ": exit"
