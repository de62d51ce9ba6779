"""Lab 04: 1 GiB over loopback to a RAM disk, ours against nc and against plain Python.

Receiving and sending are measured apart, each against the same other side, which is faster than
both; then whole pairs.
"""

import os
import socket
import struct
import subprocess
import sys
import threading

from side_by_side import RamDisk, compare, need_netcat, port_of, print_ratio, program, start

LAB = "04_file_transfer"
SIZE = int(os.environ.get("WIRELAB_MEBIBYTES", "1024")) << 20
NAME = "big"

PLAIN_RECEIVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % server.getsockname()[1], flush=True)
client, _ = server.accept()
with client, open(sys.argv[1], "wb") as file:
    while part := client.recv(1024):
        file.write(part)
"""

PLAIN_SENDER = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server, open(sys.argv[2], "rb") as file:
    while part := file.read(1024):
        server.sendall(part)
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def feed(receiver, port, file, header=b""):
    """Sends a file as fast as the kernel can: it never passes through this process."""
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:  # nc does not say when it listens
            if receiver.poll() is not None:
                sys.exit(f"{receiver.args} ended with status {receiver.returncode}")
    with connection, open(file, "rb") as contents:
        connection.sendall(header)
        connection.sendfile(contents)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(16)


class Sink:
    """Takes what comes and forgets it: with MSG_TRUNC the kernel does not even copy it."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def take(self):
        connection, _ = self.server.accept()
        with connection:
            buffer = bytearray(1 << 20)
            while connection.recv_into(buffer, len(buffer), socket.MSG_TRUNC):
                pass
            connection.sendall(b"OK\n")
        self.server.close()


def check(process, *files):
    if process.wait() != 0:
        sys.exit(f"{process.args} failed")
    for file in files:
        if os.path.getsize(file) != SIZE:
            sys.exit(f"{file} is not whole")
        os.remove(file)


def main():
    need_netcat()
    with RamDisk() as folder:
        file = os.path.join(folder, NAME)
        copy = os.path.join(folder, "copy")
        with open(file, "wb") as contents:
            for _ in range(SIZE >> 20):
                contents.write(os.urandom(1 << 20))
        header = NAME.encode() + b"\n" + struct.pack(">I", SIZE) + b"\n"

        def start_our_receiver():
            return start(program(LAB, "file_receive"), "--port", "0", "--once", "--dir", copy,
                         stdout=subprocess.PIPE, text=True)

        def start_plain_receiver():
            return start(sys.executable, "-c", PLAIN_RECEIVER, copy, stdout=subprocess.PIPE, text=True)

        def receive_ours():
            receiver = start_our_receiver()
            feed(receiver, port_of(receiver), file, header)
            check(receiver, os.path.join(copy, NAME))
            os.rmdir(copy)

        def receive_nc():
            port = free_port()
            with open(copy, "wb") as output:
                receiver = start("nc", "-l", "127.0.0.1", str(port), stdin=subprocess.DEVNULL, stdout=output)
                feed(receiver, port, file)
            check(receiver, copy)

        def send_ours():
            sink = Sink()
            check(start(program(LAB, "file_send"), "127.0.0.1", str(sink.port), file, stdout=subprocess.DEVNULL))
            sink.thread.join()

        def send_nc():
            sink = Sink()
            with open(file, "rb") as contents:
                check(start("nc", "-N", "127.0.0.1", str(sink.port), stdin=contents, stdout=subprocess.DEVNULL))
            sink.thread.join()

        def pair_ours():
            receiver = start_our_receiver()
            check(start(program(LAB, "file_send"), "127.0.0.1", str(port_of(receiver)), file,
                        stdout=subprocess.DEVNULL))
            check(receiver, os.path.join(copy, NAME))
            os.rmdir(copy)

        def pair_plain():
            receiver = start_plain_receiver()
            check(start(sys.executable, "-c", PLAIN_SENDER, str(port_of(receiver)), file))
            check(receiver, copy)

        megabytes = SIZE / 1e6
        receiving = compare("MB/s", megabytes, {"file_receive": receive_ours, "nc -l > file": receive_nc})
        sending = compare("MB/s", megabytes, {"file_send": send_ours, "nc < file": send_nc})
        pairs = compare("MB/s", megabytes, {"file_send, file_receive": pair_ours, "Python, 1024 bytes a call": pair_plain})

    print_ratio("receiving", receiving, "file_receive", "nc -l > file")
    print_ratio("sending", sending, "file_send", "nc < file")
    print_ratio("both", pairs, "file_send, file_receive", "Python, 1024 bytes a call")


main()
