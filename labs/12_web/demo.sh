# shellcheck shell=bash
# Played by ./lab demo 12.
# shellcheck disable=SC2154,SC2034,SC2317 # those that are never set here, or never used, are the player's
has_command curl || die "the demo's client is curl, which is not installed"
mkdir -p "$folder/site/notes"
cd "$folder" || exit
printf '<h1>It works</h1>\n<img src="cat.svg">\n' >site/index.html
printf '<svg xmlns="http://www.w3.org/2000/svg"><circle cx="50" cy="50" r="40"/></svg>\n' >site/cat.svg
printf 'hello\n' | tee site/notes/a.txt >'site/notes/<i>.txt'
head -c 100000000 /dev/zero >site/film.bin
ln -s /etc site/outside

# Lets bash do something as a client, and shows what that prints. URL in it stands for the server's.
colours[client]=${RESET:+$'\e[33m'}
client() {
    local command=${1//URL/"http://127.0.0.1:$port"} line
    show_rest
    show client "$DIM\$ $command$RESET"
    while IFS= read -r line; do show client "${line%$'\r'}"; done < <(
        curl() { command curl --silent --max-time "$patience" "$@"; }
        eval "$command"
    )
}

say "A web server, and the folder that it serves: $(cd site && echo *)"
start server web_server --dir site --port 0
port=$(port_of server)

say "What curl sends (>), and what it gets (<). Behind the empty line is the page."
client "curl -v URL/ 2>&1 | grep -v '^[*{}]'"
wait_for server 'GET / HTTP.* 200'

say "The same once more: has it changed since? No: no body."
client "curl -v -z site/index.html URL/ 2>&1 | grep -v '^[*{}]'"
wait_for server 'GET / HTTP.* 304'

say "Ten bytes from the middle of the picture. In the same way the player of a film asks when it jumps."
client "curl -v -r 30-39 URL/cat.svg 2>&1 | grep -v '^[*{}]'"
wait_for server 'GET /cat.svg.* 206'

say "A folder without its slash: links in it would lead astray, so the client is sent on to where it has one. Then a
list, in which a name is a name, whatever it looks like."
client "curl -i URL/notes"
client "curl URL/notes/"
wait_for server 'GET /notes/ .* 200'

say "Three ways out of the folder: dots, encoded dots, and a symbolic link to /etc. None is there."
for way in ../../etc/passwd %2e%2e%2f%2e%2e/etc/passwd outside/passwd; do
    client "curl --path-as-is URL/$way"
    wait_for server "passwd.* 404"
done

say "Somebody sends what is no request, but would look like the end of a log line, and turn the terminal red. In the log
it is shown as what it is."
client "printf 'GET /\"\\033[31m HTTP/1.1\\r\\n\\r\\n' | nc -N 127.0.0.1 $port | head -n 1"
wait_for server '\\x22\\x1b.*" 400'

say "Somebody asks for a film of 100 MB, and reads nothing. Does anyone wait for that?"
by_bash "exec {sleeper}<>/dev/tcp/127.0.0.1/$port"
by_bash "printf 'GET /film.bin HTTP/1.1\r\nHost: a\r\n\r\n' >&\$sleeper"
client "curl -o /dev/null -w '%{size_download} bytes in %{time_total} s\\n' URL/film.bin"
wait_for server 'film.bin.* 200 100000000'
client "grep VmHWM /proc/$(pgrep -P "${pids[server]}")/status"

say "Nobody; and the server has never held more than this in its memory. The sleeper leaves: that is reported, and logged
with the bytes that were sent."
by_bash "exec {sleeper}>&-"
wait_for server 'film.bin.* 200'
