"""Lab 09: processor time a datagram, broadcast_receiver against a bare loop of recvfrom(2).

Both print the same lines into a file on a RAM disk, each at once, and are fed by broadcasts on the
loopback of a private network: as fast as they can take them, and so that none is lost.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from side_by_side import RamDisk, compare, print_ratio, program, start

DATAGRAMS = int(os.environ.get("WIRELAB_DATAGRAMS", "100000"))
SIZES = (11, 1000, 65507)
OURS = "broadcast_receiver"
BARE = "recvfrom loop"


def enter_private_network():
    """Starts this script again in a network where nothing it sends can get out."""
    if "WIRELAB_PRIVATE_NETWORK" not in os.environ:
        os.environ["WIRELAB_PRIVATE_NETWORK"] = "yes"
        os.execvp("unshare", ["unshare", "-r", "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def compile_bare_receiver(folder):
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bare_receiver.cpp")
    file = os.path.join(folder, "bare_receiver")
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-std=c++20", "-O2", "-o", file, source], check=True)
    return file


def contents_of(file):
    with open(file) as output:
        return output.read()


def wait_for_size(receiver, file, size):
    while os.path.getsize(file) < size:
        if receiver.poll() is not None:
            sys.exit(f"{receiver.args} ended with status {receiver.returncode}")
        time.sleep(0.00002)


def wait_for_greeting(receiver, file):
    """Waits for the line `listening on ADDRESS:PORT`, and returns it."""
    greeting = ""
    while not greeting.endswith("\n"):
        wait_for_size(receiver, file, len(greeting) + 1)
        greeting = contents_of(file)
    return greeting


def run(arguments, file, data, count):
    """Returns the seconds of processor time that the receiver took, its start included."""
    with open(file, "wb") as output:
        receiver = start(*arguments, stdout=output)
    greeting = wait_for_greeting(receiver, file)
    port = int(greeting.rsplit(":", 1)[1])

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.bind(("127.0.0.1", 0))
        sender.connect(("127.255.255.255", port))
        line = f"received {len(data)} bytes from 127.0.0.1:{sender.getsockname()[1]}: {data.decode()}\n"
        burst = max(1, min(50, 100000 // len(data)))  # no more than fit into the receiver's buffer
        sent = 0
        while sent < count:
            for _ in range(min(burst, count - sent)):
                sender.send(data)
                sent += 1
            wait_for_size(receiver, file, len(greeting) + sent * len(line))

    receiver.send_signal(signal.SIGKILL)
    _, _, used = os.wait4(receiver.pid, 0)
    if contents_of(file) != greeting + line * count:
        sys.exit(f"{arguments[0]} printed other lines")
    os.remove(file)
    return used.ru_utime + used.ru_stime


def main():
    enter_private_network()
    ratios = []
    with RamDisk() as folder, tempfile.TemporaryDirectory() as programs:
        file = os.path.join(folder, "output")
        bare = compile_bare_receiver(programs)
        for size in SIZES:
            data = (b"A line of text, as people write them. " * 2000)[:size]
            count = min(DATAGRAMS, 300_000_000 // size)  # what fits into memory
            print(f"{count} datagrams of {size} bytes:")
            rates = compare("datagrams a second of processor time", count, {
                OURS: lambda: run([program("09_broadcast", OURS), "--port", "0"], file, data, count),
                BARE: lambda: run([bare], file, data, count),
            }, measure=lambda once: once())
            costs = {name: 1 / rate for name, rate in rates.items()}
            ratios.append((size, costs))
    for size, costs in ratios:
        print_ratio(f"processor time a datagram of {size} bytes", costs, OURS, BARE)


main()
