# shellcheck shell=bash
# Played by ./lab demo 06.

# Sends what it is given, piece by piece, with a pause between them, then ends the stream. Shows each piece.
send_pieces() {
    local piece connection
    exec {connection}>"/dev/tcp/127.0.0.1/$port"
    for piece in "$@"; do
        show_rest
        show client "sends: $piece"
        printf '%b' "$piece" >&"$connection"
        sleep 0.4
    done
    exec {connection}>&-
}

say "A server prints the lines that clients send, on any free port. A line may have 40 bytes here."
start server line_server --port 0 --max-line 40 --timeout 2
port=$(port_of server)

say "A client writes lines to a stream, as to a file. Each is there as soon as it is flushed."
run client line_client 127.0.0.1 "$port" --count 3 --interval 0.4
wait_for server "connection closed"

say "TCP does not keep lines together: 'one' and the half of 'two' come first, the rest later."
send_pieces 'one\ntw' 'o\nthr' 'ee\r\nand the last'
wait_for server "=> and the last"
wait_for server "connection closed"

say "A line that does not end is refused when it is too long. What came before it stays."
send_pieces 'short\nthis line has more than forty bytes, and no end' || true
wait_for server "line over 40 bytes"
wait_for server "connection closed"

say "A client that stops in the middle of a line has two seconds. Its half line is not shown."
exec {silent}>"/dev/tcp/127.0.0.1/$port"
show client 'sends: whole\nhalf'
printf 'whole\nhalf' >&"$silent"
wait_for server "timed out"
wait_for server "connection closed"
exec {silent}>&-

say "Without a pause, lines come glued together. The stream takes them apart again."
run client line_client 127.0.0.1 "$port" --count 3 --interval 0
wait_for server "connection closed"
