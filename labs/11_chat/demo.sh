# shellcheck shell=bash
# Played by ./lab demo 11.
# shellcheck disable=SC2154,SC2034 # those that are never set here, or never used, are the player's

# Starts a client with somebody at its keyboard.
join() {
    local label=$1 arguments=(127.0.0.1 "$port" "${@:2}") input=$folder/keyboard.$1
    local shown=(chat_client "${arguments[@]}")
    open_keyboard "$label"
    launch "$label" "$BUILD/$tree/$LAB/chat_client" "${arguments[@]}"
    wait_for server "^joined"
}

# Runs a command line of bash as a client of the server.
pipe() {
    local label=$1 input=/dev/null shown=(bash -c "$2")
    launch "$label" bash -c "${2//chat_client/"'$BUILD/$tree/$LAB/chat_client'"}"
    wait_for server "^joined"
}

await_end() {
    show_until "$1" ended has_ended "$1"
    show "$1" "$DIM(ended)$RESET"
}

say "A server with one thread for everybody, and three people. It tells who comes and who goes, not what they say."
start server chat_server --bind 127.0.0.1 --port 0
port=$(port_of server)
join ann --name Ann
join bob --name Bob
join cleo

say "What one types, all others get; the sender does not."
type ann "hello, all"
for label in bob cleo; do wait_for "$label" "^Ann: hello"; done
type cleo "hi Ann"
for label in ann bob; do wait_for "$label" "^hi Ann"; done

say "Only whole lines are sent on. Half of one waits in the server until its end has come; nobody else waits for it."
by_bash "exec {dan}<>/dev/tcp/127.0.0.1/$port"
wait_for server "^joined"
by_bash "printf 'I am sl' >&\$dan"
type bob "who is that?"
for label in ann cleo; do wait_for "$label" "^Bob: who"; done
by_bash "printf 'ow\n' >&\$dan"
for label in ann bob cleo; do wait_for "$label" "^I am slow"; done

say "Bob types 'exit', Cleo's typing ends with Ctrl-D. Both leave, and nothing that they said before is lost."
type bob "bye, all"
type bob "exit"
type cleo "bye"
end_input cleo
for label in bob cleo; do await_end "$label"; done
for line in "Bob: bye" "bye"; do wait_for ann "^$line"; done
for label in bob cleo; do wait_for server "^left"; done
type ann "exit"
await_end ann
wait_for server "^left"

say "Dan is still there, and reads nothing. Emma counts lines. Somebody sends 20 MB: who waits for Dan?"
pipe emma "cat < /dev/tcp/127.0.0.1/$port | wc -l"
pipe flood "yes \$(printf %0999d 7) | head -n 20000 | chat_client 127.0.0.1 $port"
await_end flood
wait_for server "backlog over"
for label in dan flood; do wait_for server "^left"; done

say "Nobody. Dan's backlog went over its limit, so he was dropped. The server ends, its closing ends every client, and
Emma has counted every line."
stop server
wait_for emma "^20000$"
await_end emma
exec {dan}>&-
