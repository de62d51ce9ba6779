"""Lab 06: lines a second, line_server against a Python server that prints the same lines.

Both print into a file on a RAM disk, and are fed by the same client.
"""

import os
import socket
import subprocess
import sys
import time

from side_by_side import RamDisk, Stopwatch, compare, print_ratio, program, start

LINES = int(os.environ.get("WIRELAB_LINES", "1000000"))
LINE = b"A line of text, as people write them\n"

PLAIN_SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % server.getsockname()[1], flush=True)
client, peer = server.accept()
print("new connection from %s:%d" % peer, flush=True)
with client, client.makefile() as lines:
    for line in lines:
        print("=> " + line.rstrip("\\n"))
print("connection closed", flush=True)
"""


def wait_for(server, file, found):
    while server.poll() is None:
        with open(file, "rb") as contents:
            contents.seek(max(0, os.path.getsize(file) - 200))
            text = contents.read()
        if found(text):
            return text
        time.sleep(0.001)
    sys.exit(f"{server.args} ended with status {server.returncode}")


def run(arguments, file):
    """Returns the seconds from the connection to the last line, without the server's start."""
    with open(file, "wb") as output:
        server = start(*arguments, stdout=output)
    text = wait_for(server, file, lambda text: b"\n" in text)
    port = int(text.split(b"\n")[0].rsplit(b":", 1)[1])
    many = LINE * 10000
    with Stopwatch() as watch:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for _ in range(LINES // 10000):
                connection.sendall(many)
        wait_for(server, file, lambda text: text.endswith(b"connection closed\n"))
    server.terminate()
    server.wait()
    with open(file, "rb") as contents:
        count = sum(1 for _ in contents)
    if count != LINES + 3:
        sys.exit(f"{arguments[0]} printed {count} lines")
    os.remove(file)
    return watch.seconds


def main():
    with RamDisk() as folder:
        file = os.path.join(folder, "output")
        rates = compare("lines/s", LINES, {
            "line_server": lambda: run([program("06_lines", "line_server"), "--port", "0"], file),
            "Python": lambda: run([sys.executable, "-c", PLAIN_SERVER], file),
        }, measure=lambda once: once())
    print_ratio("lines", rates, "line_server", "Python")


main()
