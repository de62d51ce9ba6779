# shellcheck shell=bash
# Played by ./lab demo 04.
# shellcheck disable=SC2154 # the folder is the demo's own, and removed at its end
mkdir "$folder/files"
cd "$folder/files" || exit
printf 'A whole file.\n' >notes.txt
printf 'Nobody should see this.\n' >.profile
head -c 3000000 /dev/urandom >photo.jpg

say "A receiver stores files in a folder of its own. This one takes a million bytes each, no more."
start receiver file_receive --port 0 --max-size 1000000
port=$(port_of receiver)

say "The sender announces name and size, sends the contents, and waits for the answer."
run sender file_send 127.0.0.1 "$port" notes.txt
wait_for receiver "saved .*notes"

say "The same once more, and a file that is too large: both are refused, and the sender learns why."
run sender file_send 127.0.0.1 "$port" notes.txt photo.jpg || true
wait_for receiver "rejected photo"

say "A name must not hide in the folder, or lead out of it."
run sender file_send 127.0.0.1 "$port" .profile || true
wait_for receiver "rejected .profile"

say "Another sender announces 100 bytes, and sends 9."
exec {half}>"/dev/tcp/127.0.0.1/$port"
printf 'film.mp4\n\0\0\0\144\nbeginning' >&"$half"
wait_for receiver "receiving film"

say "The folder shows nothing of it, only $(ls uploads). And now that sender is gone."
exec {half}>&-
wait_for receiver "rejected film"

say "The folder holds what came whole, and nothing else: $(ls -A uploads)"
