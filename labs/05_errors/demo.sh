# shellcheck shell=bash
# Played by ./lab demo 05.

# A port that listens, with room for one connection in its queue, and never accepts.
listen_and_never_accept() {
    exec python3 -c '
import signal, socket, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
listener = socket.create_server(("127.0.0.1", 0), backlog=0)
print(listener.getsockname()[1], flush=True)
time.sleep(60)' </dev/null
}

port=9
if command -v python3 >/dev/null; then
    say "A port listens. Its program never accepts, and its queue has room for one connection."
    exec 5< <(listen_and_never_accept 3>&- 4>&-)
    pids['listener']=$!
    read -r -t 15 -u 5 port

    say "The first check finds it open: it is the system that answers, not the program."
    run check connect_check 127.0.0.1 "$port"

    say "Now the queue is full, and the system does not even say no. Silence: only a timeout ends the wait."
    run check connect_check 127.0.0.1 "$port" --timeout 2 || true

    kill "${pids["listener"]}"
    wait "${pids["listener"]}" || true
    unset "pids['listener']"
    say "The program has ended, and nobody listens. The system says no at once."
else
    say "(There is no python3 to play a port that is open and one that is silent; the rest needs none.)"
    say "Where nobody listens, the system says no at once."
fi
run check connect_check 127.0.0.1 "$port" || true

say "To an address of all machines there is no connection: the system refuses before it sends anything."
run check connect_check 127.255.255.255 "$port" || true

say "A name with an empty part can't exist, so no name server is asked: the look-up fails."
run check connect_check no..name "$port" || true

say "Five lines for people. A script looks at the exit status alone."
