"""Lab 10: what is lost while a receiver pauses, next to what its receive buffer should hold.

On one host of a classroom somebody sends at several rates. On another is multicast_receiver, which
is stopped for that time, as if it waited for a disk. What comes meanwhile waits in the buffer or is
thrown away. Linux grants twice what SO_RCVBUF asks for, and charges each datagram for all the
memory that it takes, its own notes included. The formula: RATE x PAUSE - GRANTED / CHARGE are lost.
"""

import ctypes
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

from side_by_side import ROUNDS, RamDisk, port_of, program, start

GROUP = "224.202.20.30"
SIZES = [100, 1000]  # bytes in a datagram
PAUSES = [20, 100]  # milliseconds
RATES = [400, 2000, 10000]  # datagrams a second
BUFFERS = [13, 52, 208]  # KiB to ask for; many systems grant no more than the last
LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab")

# Reads lines "SIZE RATE COUNT", sends as they say, and prints "done".
SENDER = """
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for line in sys.stdin:
    size, rate, count = (int(word) for word in line.split())
    begin = time.perf_counter()
    for number in range(count):
        time.sleep(max(0, begin + number / rate - time.perf_counter()))
        sender.sendto(bytes(size), (sys.argv[1], int(sys.argv[2])))
    print("done", flush=True)
"""


def on(host, *arguments):
    return start(LAB, "classroom", "run", host, "--", *arguments,
                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Receiver:
    """multicast_receiver, and a handle of ours on its socket, of which it knows nothing."""

    def __init__(self):
        self.process = on("h2", program("10_multicast", "multicast_receiver"), "--port", "0", "--count", "0")
        self.port = port_of(self.process)
        self.process.stdout.readline()  # "joined"
        self.socket = self.share_socket()
        self.received = 0
        threading.Thread(target=self.count_lines, daemon=True).start()

    def share_socket(self):
        files = f"/proc/{self.process.pid}/fd"
        number = next(int(name) for name in os.listdir(files) if "socket" in os.readlink(f"{files}/{name}"))
        call = ctypes.CDLL(None, use_errno=True).syscall
        handle = call(438, os.pidfd_open(self.process.pid), number, 0)  # pidfd_getfd(2)
        if handle < 0:
            sys.exit(f"{sys.argv[0]}: cannot share the receiver's socket: {os.strerror(ctypes.get_errno())}")
        return socket.socket(fileno=handle)

    def count_lines(self):
        for _ in self.process.stdout:
            self.received += 1

    def set_buffer(self, size):
        """Returns what the system grants."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    def memory(self):
        """What is charged now, and how many datagrams were thrown away so far; SO_MEMINFO is 55."""
        charged, *_, lost = struct.unpack("9I", self.socket.getsockopt(socket.SOL_SOCKET, 55, 36))
        return charged, lost


def pause(receiver, sender, size, rate, count):
    """Returns what the buffer was charged for, and how many datagrams were lost."""
    received, (_, lost_before) = receiver.received, receiver.memory()
    receiver.process.send_signal(signal.SIGSTOP)
    os.waitpid(receiver.process.pid, os.WUNTRACED)
    print(size, rate, count, file=sender.stdin, flush=True)
    sender.stdout.readline()
    time.sleep(0.01)  # until the last has come
    charged, _ = receiver.memory()
    receiver.process.send_signal(signal.SIGCONT)
    patience = time.monotonic() + 10
    while receiver.received - received + receiver.memory()[1] - lost_before != count:
        if time.monotonic() > patience:
            sys.exit(f"{sys.argv[0]}: some datagrams were neither received nor thrown away")
        time.sleep(0.001)
    return charged, receiver.memory()[1] - lost_before


def print_row(title, *cells):
    print(f"{title:<42}" + "".join(f"{cell:>12}" for cell in cells), flush=True)


def measure(receiver, sender, size):
    charge, _ = pause(receiver, sender, size, rate=1, count=1)
    room = {buffer: receiver.set_buffer(buffer << 10) // charge for buffer in BUFFERS}
    print()
    print_row(f"{size} bytes each, charged as {charge}; it holds", *room.values())
    for milliseconds in PAUSES:
        for rate in RATES:
            count = rate * milliseconds // 1000
            cells = []
            for buffer, held in room.items():
                receiver.set_buffer(buffer << 10)
                lost = [pause(receiver, sender, size, rate, count)[1] for _ in range(ROUNDS)]
                cells.append(f"{statistics.median(lost):.0f} ({max(0, count - held)})")
            print_row(f"{rate:>7} a second, {milliseconds:>3} ms: {count:>4} come", *cells)


def main():
    with RamDisk() as folder:
        os.environ["WIRELAB_CLASSROOM"] = os.path.join(folder, "classroom")
        classroom = start(LAB, "classroom", "keep", "2", "0", "", stdout=subprocess.PIPE, text=True)
        try:
            if classroom.stdout.readline() != "ready\n":
                sys.exit(1)
            receiver = Receiver()
            sender = on("h1", sys.executable, "-c", SENDER, GROUP, str(receiver.port))
            print("How many are lost in a pause of the receiver, and in brackets what the formula says")
            print_row("a buffer (SO_RCVBUF) of", *(f"{buffer} KiB" for buffer in BUFFERS))
            for size in SIZES:
                measure(receiver, sender, size)
        finally:
            subprocess.run([LAB, "classroom", "down"])


main()
