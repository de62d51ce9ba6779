"""Lab 11: the three chat servers, against one that writes each line by itself, and one in Python.

Each server runs on one processor, and all its clients, in one program, on another:
* how many lines it delivers in a second, and in how much processor time, when all clients talk
* how much memory an idle client takes, and whether a line still comes to all of them
* how long a line takes to the others, with and without a client that does not read; where the
  processors have other work, too, this says more about that work, unless real-time priority is allowed
"""

import collections
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading

from side_by_side import ROUNDS, compare, port_of, print_ratio, program, start

OURS = ["chat_server", "chat_server_threads", "chat_server_select"]
PLAIN = "plain coroutines"
PYTHON = {"Python, each line": "line", "Python, each recv": "recv"}
TALKING = [10, 100, 1000]  # clients
IDLE = {"chat_server": 10000, "chat_server_threads": 1000, "chat_server_select": 10000}
LISTENING = 50  # clients
SECONDS = os.environ.get("WIRELAB_SECONDS", "1")  # that a load lasts
TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds

SERVER_CPU, *_, LOAD_CPU = sorted(os.sched_getaffinity(0)) * 2

# It sends each line by itself, or all that one recv() brings at once. (select() takes descriptors
# below 1024 only, which is enough for 1000 clients.)
PYTHON_SERVER = r"""
import select, socket, sys
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
begun = {}  # by client: the beginning of a line
while True:
    for ready in select.select([listener, *begun], [], [])[0]:
        if ready is listener:
            client, peer = listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begun[client] = b""
            print("joined %s:%d" % peer, flush=True)
        elif data := ready.recv(4096):
            whole, newline, begun[ready] = (begun[ready] + data).rpartition(b"\n")
            lines = whole + newline
            for part in lines.splitlines(True) if sys.argv[1] == "line" else [lines]:
                for client in begun:
                    if client is not ready:
                        client.sendall(part)
        else:
            del begun[ready]
"""


class Server:
    """A server on its processor, until the end of a `with` block, and never longer than this script."""

    def __init__(self, *command):
        self.process = start("setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(SERVER_CPU), *command,
                             stdout=subprocess.PIPE, text=True)
        self.joined = threading.Semaphore(0)

    def __enter__(self):
        self.port = port_of(self.process)
        threading.Thread(target=self.count_joined, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def count_joined(self):
        for line in self.process.stdout:
            if line.startswith("joined "):
                self.joined.release()

    def wait_until_joined(self, clients):
        for _ in range(clients):
            if not self.joined.acquire(timeout=20):
                sys.exit(f"{self.process.args} does not accept all clients")

    def processor_time(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) * TICK

    def memory(self):
        """In bytes; of what programs share each has its part (PSS, see proc_pid_smaps(5))."""
        return 1024 * number_in(f"/proc/{self.process.pid}/smaps_rollup", "Pss")


def number_in(file, name):
    with open(file) as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


class Load:
    """The clients, all connected and known to the server when the `with` block begins."""

    file = None  # the program

    def __init__(self, server, what, clients, *arguments):
        self.server, self.clients = server, clients
        command = [self.file, what, str(server.port), str(clients), *arguments]
        self.process = start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        if self.process.stdout.readline() != "connected\n":
            sys.exit("the clients cannot connect")
        self.server.wait_until_joined(self.clients)
        return self

    def __exit__(self, *_):
        self.server.process.kill()  # first: it need not see them leave
        self.process.kill()
        self.process.wait()

    def run(self):
        """Lets them begin; returns the numbers that they print at the end."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        numbers = self.process.stdout.readline().split()
        if not numbers:
            sys.exit(f"no result of {self.server.process.args}")
        return [float(number) for number in numbers]


def ours(name, *options):
    return [program("11_chat", name), "--bind", "127.0.0.1", "--port", "0", *options]


def compile_programs(folder):
    """Returns the files of the load and the plain server."""
    sources = os.path.dirname(os.path.abspath(__file__))
    files = [os.path.join(folder, name) for name in ("chat_load", "plain_chat_server")]
    compilers = [start(os.environ.get("CXX", "c++"), "-std=c++20", "-O3", "-DNDEBUG", "-pthread", "-o", file,
                       os.path.join(sources, os.path.basename(file) + ".cpp")) for file in files]
    if any([compiler.wait() != 0 for compiler in compilers]):
        sys.exit(f"{sys.argv[0]}: cannot compile what is needed")
    return files


def allow_many_files():
    """For all who inherit it. Returns how many clients there can be."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most - 20


def talk(command, clients, costs):
    """Returns the seconds a delivery, and adds those of processor time to the costs."""
    with Server(*command) as server, Load(server, "talk", clients, SECONDS) as load:
        before = server.processor_time()
        deliveries, seconds = load.run()
        costs.append((server.processor_time() - before) / deliveries)
    return seconds / deliveries


def compare_talk(contestants):
    results = []
    for clients in TALKING:
        print(f"All of {clients} clients talk, each 10 lines of 64 bytes at a time, 1000 lines on the way:")
        costs = collections.defaultdict(list)
        rates = compare("deliveries/s", 1, {
            name: lambda name=name: talk(contestants[name], clients, costs[name]) for name in contestants
        }, measure=lambda once: once())
        results.append((clients, rates, {name: statistics.median(all) for name, all in costs.items()}))
    return results


def kernel_memory():
    """Sockets and other small things, the threads' stacks in the kernel, and page tables."""
    return 1024 * sum(number_in("/proc/meminfo", name) for name in ("SUnreclaim", "KernelStack", "PageTables"))


def rest(name, most):
    clients = min(IDLE[name], most)
    if clients < IDLE[name]:
        print(f"  (ulimit -Hn allows for {clients} clients only)")
    with Server(*ours(name)) as server:
        empty, kernel_empty = server.memory(), kernel_memory()
        with Load(server, "rest", clients) as load:
            idle, kernel = server.memory(), kernel_memory()
            seconds, = load.run()
            used = server.memory()
    return [(idle - empty) / clients, (used - empty) / clients, (kernel - kernel_empty) / clients, seconds * 1000]


def listen(name, stalled):
    """Returns the median latency, that of the slowest in a hundred, and the server's memory."""
    with Server(*ours(name, "--max-backlog", "1000000000")) as server:
        with Load(server, "listen", LISTENING + stalled, str(stalled), SECONDS) as load:
            return [*load.run(), server.memory()]


def go_first():
    """Gives this script, and all that it starts, priority over other work, as root may; see sched(7)."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        print("(Without root's rights other work on this machine counts, too: take the following with care.)")


def listen_twice(name, stalled_first):
    """Returns what listen() does, without and with a stalled client; whoever goes first changes."""
    results = {stalled: listen(name, stalled) for stalled in ([1, 0] if stalled_first else [0, 1])}
    return results[0], results[1]


def medians(runs):
    return [statistics.median(column) for column in zip(*runs)]


def print_row(title, *cells):
    print(f"{title:<24}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def compare_rest(most):
    print("\nIdle clients, bytes for each, and how long a line to all others takes:")
    print_row("", "clients", "at first", "after a line", "the system's", "milliseconds")
    for name in OURS:
        row = medians([rest(name, most) for _ in range(ROUNDS)])
        print_row(name, min(most, IDLE[name]), *(f"{cell:,.0f}" for cell in row))
    print("(The system's: of both ends of the connections, since the clients are on the same machine.)")


def compare_listen():
    print(f"\nMicroseconds until a line comes to each of {LISTENING} clients, one each 2 milliseconds;")
    print("with a client more that does not read, but is not dropped, in brackets what is kept for it:")
    go_first()
    print_row("", "median", "99 %", "median, stalled", "99 %, stalled")
    ratios = {}
    for name in OURS:
        pairs = [listen_twice(name, number % 2) for number in range(2 * ROUNDS)]
        free, stalled = medians([free for free, _ in pairs]), medians([stalled for _, stalled in pairs])
        kept = (stalled[2] - free[2]) / 1e6
        print_row(name, *(f"{cell:,.0f}" for cell in [*free[:2], *stalled[:2]]), f"({kept:.1f} MB)")
        ratios[name] = medians([[b / a for a, b in zip(free, stalled)] for free, stalled in pairs])
    return ratios


def main():
    os.sched_setaffinity(0, {LOAD_CPU})
    if SERVER_CPU == LOAD_CPU:
        print("(There is one processor only, for the server and its clients.)")
    most = allow_many_files()
    with tempfile.TemporaryDirectory() as folder:
        Load.file, plain = compile_programs(folder)
        contestants = {name: ours(name) for name in OURS}
        contestants[PLAIN] = [plain]
        contestants |= {name: [sys.executable, "-c", PYTHON_SERVER, part] for name, part in PYTHON.items()}
        talks = compare_talk(contestants)
        compare_rest(most)
        ratios = compare_listen()

    print("\nNanoseconds of processor time a delivery:")
    print_row("", *(f"{clients} clients" for clients, _, _ in talks))
    for name in contestants:
        print_row(name, *(f"{costs[name] * 1e9:,.0f}" for _, _, costs in talks))
    print()
    for clients, rates, _ in talks:
        for name in OURS:
            for other in (PLAIN, *PYTHON):
                print_ratio(f"{name}, {clients} clients, deliveries a second", rates, name, other)
    for name, (median, slow, _) in ratios.items():
        print(f"{name}, latency with a stalled client: {median:.2f} times that without, of 99 %: {slow:.2f} times")


main()
