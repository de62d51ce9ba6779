# shellcheck shell=bash
# Played by ./lab demo 02.
say "A server waits at a port. Port 0 lets the system choose a free one."
start server fortune_server --port 0
port=$(port_of server)

say "A client connects, sends nothing, and reads until the server closes."
run client fortune_client 127.0.0.1 "$port"
wait_for server "sent"

say "The server goes on waiting: the next client gets another fortune."
run client fortune_client 127.0.0.1 "$port"
wait_for server "sent"

say "The server is stopped. Now nobody listens at that port, and the client says so."
stop server
run client fortune_client 127.0.0.1 "$port" || true
