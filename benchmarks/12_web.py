"""Lab 12: requests a second, web_server against nginx (one worker) and Python's http.server.

All serve the same files from a RAM disk, log each request into a file there, and have one core for themselves; wrk asks
from the others, on connections that stay open. On a busy machine the rates go up and down with what else it does; the
processor time that a server takes for a request hardly does.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

from side_by_side import RamDisk, compare, print_ratio, program, start

SECONDS = os.environ.get("WIRELAB_SECONDS", "1")
SIZES = {"1KiB": 1024, "1MiB": 1024 * 1024}

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
{user}
events {{ }}
http {{
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    access_log {folder}/nginx.log;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
}}
"""


def need_wrk():
    for tool, package in {"wrk": "wrk", "taskset": "util-linux"}.items():
        if shutil.which(tool) is None:
            sys.exit(f"{sys.argv[0]}: {tool} is not installed; the system's package {package} has it")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until_it_accepts(server, port):
    for _ in range(1000):
        with contextlib.suppress(ConnectionError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        if server.poll() is not None:
            break
        time.sleep(0.01)
    sys.exit(f"{sys.argv[0]}: {server.args} does not serve")


def processor_time(server):
    """Returns the seconds that a process and its children have computed so far."""
    with open(f"/proc/{server}/task/{server}/children", encoding="ascii") as file:
        children = file.read().split()
    with open(f"/proc/{server}/stat", encoding="ascii") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    own = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_time(child) for child in children)


class Servers:
    """The contestants, each with the first core for itself; they end with the block."""

    def __init__(self, folder):
        self.folder = folder
        self.cores = sorted(os.sched_getaffinity(0))
        self.running = {}  # by their ports
        self.costs = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.running.values():
            server.terminate()
        for server in self.running.values():
            server.wait()

    def start(self, name, port, *arguments):
        with open(os.path.join(self.folder, name + ".out"), "wb") as output:
            server = start("taskset", "-c", str(self.cores[0]), *arguments, stdout=output, stderr=output)
        self.running[port] = server
        wait_until_it_accepts(server, port)
        return port

    def start_all(self):
        files = os.path.join(self.folder, "files")
        port = free_port()
        found = {
            "web_server": self.start("ours", port, program("12_web", "web_server"), "--port", str(port), "--dir", files)
        }
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if nginx:
            port = free_port()
            configuration = os.path.join(self.folder, "nginx.conf")
            with open(configuration, "w", encoding="utf-8") as file:
                user = "user root;" if os.geteuid() == 0 else ""
                file.write(NGINX.format(folder=self.folder, port=port, user=user))
            errors = os.path.join(self.folder, "nginx-errors")
            found["nginx"] = self.start("nginx", port, nginx, "-e", errors, "-p", self.folder, "-c", configuration)
        else:
            print("nginx is not installed: without it")
        port = free_port()
        found["http.server"] = self.start("python", port, sys.executable, "-m", "http.server", "--protocol", "HTTP/1.1",
                                          "--bind", "127.0.0.1", "--directory", files, str(port))
        return found

    def rate(self, port, file, clients):
        """Returns how many requests a second wrk gets answered."""
        others = self.cores[1:] or self.cores
        before = processor_time(self.running[port].pid)
        run = subprocess.run(["taskset", "-c", ",".join(map(str, others)), "wrk", "-t1", f"-c{clients}", f"-d{SECONDS}",
                              f"http://127.0.0.1:{port}/{file}"], capture_output=True, text=True, check=True)
        if "Non-2xx" in run.stdout or "Socket errors" in run.stdout:
            sys.exit(f"{sys.argv[0]}: port {port} does not serve {file}:\n{run.stdout}")
        requests = int(re.search(r"(\d+) requests in", run.stdout)[1])
        cost = (processor_time(self.running[port].pid) - before) / requests
        self.costs.setdefault((file, clients, port), []).append(cost)
        return float(re.search(r"Requests/sec: *([\d.]+)", run.stdout)[1])


def main():
    need_wrk()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are to end in this case, too
    results = {}
    with RamDisk() as folder:
        os.mkdir(os.path.join(folder, "files"))
        for name, size in SIZES.items():
            with open(os.path.join(folder, "files", name), "wb") as file:
                file.write(os.urandom(size))
        with Servers(folder) as servers:
            ports = servers.start_all()
            for name, clients in (("1KiB", 64), ("1MiB", 64), ("1MiB", 1)):
                print(f"{name}, clients: {clients}")
                results[name, clients] = compare("requests/s", 1, {
                    who: lambda port=port: servers.rate(port, name, clients) for who, port in ports.items()
                }, measure=lambda run: 1 / run())
    for (name, clients), rates in results.items():
        print(f"{name}, clients: {clients}")
        for who, rate in rates.items():
            cost = statistics.median(servers.costs[name, clients, ports[who]]) * 1e6
            print(f"  {who:<12} {rate:>8,.0f} requests/s {cost:>8,.0f} µs of the processor each")
    for (name, clients), rates in results.items():
        for who in rates:
            if who != "web_server":
                print_ratio(f"{name}, clients: {clients}", rates, "web_server", who)


main()
