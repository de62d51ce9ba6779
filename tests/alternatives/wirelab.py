"""What the Python programs share, and no lab is about: options, errors, output, the log, and the
two ways in which every TCP program begins, connecting and listening.

    import wirelab

    def main():
        parser = wirelab.Parser("Says hello to a server.")
        parser.add_argument("host", metavar="HOST", nargs="?", default="127.0.0.1", help="whom")
        parser.add_timeout(10, "how long to wait for the server")
        options = parser.parse()
        with wirelab.connect(options.host, 54321, options.timeout) as server:
            server.sendall(b"hello")
        wirelab.say("said hello")

    wirelab.run(main)
"""
import signal

# First of all, before the slow imports: an interrupt ends a program by that very signal, not with
# a stack trace, even if whoever started the program ignored it. (Python ignores SIGPIPE itself.)
for ending in (signal.SIGINT, signal.SIGTERM):
    signal.signal(ending, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))

import argparse
import errno
import functools
import ipaddress
import logging
import os
import re
import socket
import struct
import sys
import threading
import time
from typing import NamedTuple

# A standard stream that is closed leaves its number to the next file or socket, and what is printed
# would go there. Each is taken here, opened the wrong way round so that its use fails.
for stream in (0, 1, 2):
    try:
        os.fstat(stream)
    except OSError:
        os.open(os.devnull, os.O_WRONLY if stream == 0 else os.O_RDONLY)

NAME = os.path.basename(sys.argv[0])


# --- failures --------------------------------------------------------------------------------

class Failure(Exception):
    """What failed, and why: Failure("cannot connect to A:P", error). Status 1."""

    def __init__(self, *parts):
        super().__init__(": ".join(part if isinstance(part, str) else reason(part)
                                   for part in parts))


class UsageError(Failure):
    """A command line that makes no sense. Status 2."""


class OutputFailure(Failure):
    """Nobody can read what the program prints: its end, whichever client it was serving."""


def reason(error):
    """Why it failed, in the system's own words."""
    if isinstance(error, TimeoutError):
        return "timed out"  # by settimeout(), or because the system itself gave up
    if isinstance(error, socket.gaierror):
        return error.strerror
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def run(main):
    """Runs the program and ends it with what main() returns, or 0, or the status of its failure."""
    try:
        status = main() or 0
    except SystemExit as end:  # argparse has printed the usage text
        status = end.code
    except BaseException as error:
        status = report_failure(error)
    # Not sys.exit(): other threads may still be waiting, and there is nothing to flush.
    os._exit(status)


def report_failure(error):
    """Reports why the program, or a thread of it, can't go on; returns the exit status."""
    if isinstance(error, UsageError):
        report(f"{error} (try '{NAME} --help')")
        return 2
    report(str(error) if isinstance(error, Failure) else f"failed: {reason(error)}")
    return 1


def in_background(job, *arguments):
    """Runs the job in a thread of its own. A failure that gets out of it ends the program."""
    def guarded():
        try:
            job(*arguments)
        except BaseException as error:
            os._exit(report_failure(error))

    threading.Thread(target=guarded, daemon=True).start()


# --- output ----------------------------------------------------------------------------------

DANGEROUS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\udc80-\udcff]")
DANGEROUS_BUT_LINE_FEEDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]")


def printable(text, *, keep_line_feeds=False):
    r"""Text (or bytes) from a stranger, unable to drive the terminal: control characters other than
    the tab, and bytes that are not UTF-8, are written as \xNN."""
    if isinstance(text, bytes):
        text = text.decode(errors="surrogateescape")  # 0xNN becomes U+DCNN where it is not UTF-8

    def escaped(match):
        return "".join(rf"\x{byte:02x}" for byte in match[0].encode(errors="surrogateescape"))

    return (DANGEROUS_BUT_LINE_FEEDS if keep_line_feeds else DANGEROUS).sub(escaped, text)


output_lock = threading.Lock()


def say(line):
    """Prints a line (text or bytes, as it is) on stdout. Unbuffered, so also into a pipe at once."""
    data = (line.encode(errors="surrogateescape") if isinstance(line, str) else line) + b"\n"
    with output_lock:
        try:
            while data:
                data = data[os.write(1, data):]
        except OSError as error:
            raise OutputFailure("cannot write to standard output", error) from None


def report(message):
    """Prints an error line on stderr, and in the log."""
    log.debug("%s", message, stacklevel=2)
    line = f"{NAME}: {printable(message)}\n".encode(errors="surrogateescape")
    try:
        os.write(2, line)
    except OSError:
        pass  # there is nowhere left to complain


log = logging.getLogger("wirelab")  # log.debug("connected to %s", peer)
log.propagate = False
log.addHandler(logging.NullHandler())


class LogFile(logging.Handler):
    """Appends each line with one write, so that lines of several programs stay whole."""

    def __init__(self, path):
        super().__init__()
        self.setFormatter(logging.Formatter(
            "[%(asctime)s] %(funcName)s:%(lineno)d - %(message)s", "%Y%m%d %H:%M:%S"))
        try:
            self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise Failure(f"cannot open the log file {path}", error) from None

    def emit(self, record):
        line = printable(self.format(record)) + "\n"
        try:
            os.write(self.file, line.encode(errors="surrogateescape"))
        except OSError:
            pass  # a log that can't be written is no reason to stop


# --- the command line ------------------------------------------------------------------------

class Parser(argparse.ArgumentParser):
    """argparse with the kit's rules: no abbreviations, --log, every default in the usage text, and
    for wrong usage one line with a pointer to it."""

    def __init__(self, summary):
        super().__init__(prog=NAME, description=summary, add_help=False, allow_abbrev=False,
                         formatter_class=functools.partial(argparse.HelpFormatter,
                                                           max_help_position=40, width=110))

    def add_argument(self, *names, help, **settings):
        default = settings.get("default")
        if not names[0].startswith("-") and settings.get("nargs") not in ("?", "*"):
            default = "required"
        elif settings.get("action") in ("store_true", "help"):
            default = "off"
        elif default is None:
            default = "none"
        return super().add_argument(*names, help=f"{help} (default: {default})", **settings)

    def add_server(self, bind, port, waits_for="a client"):
        """The options that every TCP server has."""
        self.add_argument("--bind", metavar="ADDRESS", type=address, default=bind,
                          help="the address to listen on; 0.0.0.0: all IPv4 ones, '::': all")
        self.add_argument("--port", metavar="PORT", type=local_port, default=port,
                          help="the port to listen on, 0: any free one")
        self.add_timeout(30, f"how long to wait for {waits_for}")

    def add_timeout(self, default, help):
        """--timeout, as settimeout() takes it: None is for ever."""
        self.add_argument("--timeout", metavar="SECONDS", type=timeout, default=default,
                          help=f"{help}, 0: for ever")

    def parse(self):
        self.add_argument("--log", metavar="FILE", help="append debug lines to FILE")
        self.add_argument("-h", "--help", action="help", help="print this text")
        options = self.parse_intermixed_args()
        if options.log is not None:
            log.addHandler(LogFile(options.log))
            log.setLevel(logging.DEBUG)
        log.debug("started as %s", " ".join(sys.argv))
        return options

    def error(self, message):
        raise UsageError(message)

    def print_help(self, file=None):
        say(self.format_help().rstrip("\n"))


def number(lowest, highest, what):
    """Makes a type for whole numbers. int() alone would also take "+1", " 1" and "1_000"."""
    def parse(text):
        if re.fullmatch("[0-9]{1,20}", text) and lowest <= int(text) <= highest:
            return int(text)
        raise argparse.ArgumentTypeError(f"'{text}' is not {what}")

    return parse


port = number(1, 65535, "a port from 1 to 65535")
local_port = number(0, 65535, "a port from 0 to 65535")
count = number(0, 2**64 - 1, "a whole number from 0 to 18446744073709551615")
size = count


def seconds(text):
    if not re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", text) or float(text) == float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 upwards")
    return min(float(text), 1e9)  # thirty years: more than that is too much for the system's calls


def timeout(text):
    limit = seconds(text)
    # poll(2) counts milliseconds in an int, so longer waits than these 23 days have no end.
    return limit if 0 < limit < 2_000_000 else None


def host(text):
    if not text:
        raise argparse.ArgumentTypeError("'' is not a host name or address")
    return text


def address(text):
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not an IP address") from None
    return text


# --- sockets ---------------------------------------------------------------------------------

def bracketed(host, port):
    """HOST:PORT, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def endpoint(address):
    """A socket address as A:P. IPv4 in the clothes of IPv6 (::ffff:127.0.0.1) is shown as IPv4."""
    host, port = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    return bracketed(host.removeprefix("::ffff:") if "." in host else host, port)


def look_up(host, port, kind=socket.SOCK_STREAM):
    """The addresses of a host, as getaddrinfo() gives them."""
    try:
        # As bytes: a name as str would be taken for an international one, and encoded.
        return socket.getaddrinfo(os.fsencode(host), port, type=kind)
    except OSError as error:
        raise Failure(f"cannot look up {host}", error) from None


def connect(host, port, timeout):
    """Connects to the first address of the host that answers. The limit is for all of them; it is
    also that of the socket's later waits."""
    deadline = None if timeout is None else time.monotonic() + timeout
    failure = None
    for family, kind, protocol, _, address in look_up(host, port):
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            failure = TimeoutError()
            break
        try:
            server = socket.socket(family, kind, protocol)
            try:
                server.settimeout(left)
                server.connect(address)
                server.settimeout(timeout)
                log.debug("connected to %s", endpoint(address))
                return server
            except OSError:
                server.close()
                raise
        except OSError as error:
            log.debug("%s: %s", endpoint(address), reason(error))
            failure = error
    raise Failure(f"cannot connect to {bracketed(host, port)}", failure)


def send(peer, data):
    """Sends all of it. The socket's limit is for each wait; that of sendall() is for all."""
    rest = memoryview(data)
    while rest:
        rest = rest[peer.send(rest):]


def listen(address, port):
    """Listens, and says so. Bound to "::" it takes clients of both families."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, port), family=family, backlog=128,
                                        dualstack_ipv6=family == socket.AF_INET6)
    except OSError as error:
        raise Failure(f"cannot listen on {bracketed(address, port)}", error) from None
    say(f"listening on {endpoint(listener.getsockname())}")
    return listener


def accept(listener, timeout, who="a client"):
    """Waits for the next client without a limit. Returns it, with the limit for its waits, and its
    A:P."""
    while True:
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno == errno.ECONNABORTED:  # gone before its turn
                continue
            raise Failure(f"cannot accept {who}", error) from None
        client.settimeout(timeout)
        peer = endpoint(address)
        log.debug("accepted %s", peer)
        return client, peer


def serve_client(job, client, peer):
    """Runs job(client, peer), then closes. Whatever goes wrong is this client's fault alone; only
    a stdout that can't be written is not."""
    with client:
        try:
            return job(client, peer)
        except OutputFailure:
            raise
        except (Failure, OSError) as error:
            report(f"{peer}: {reason(error)}")


# --- interfaces ------------------------------------------------------------------------------

class Interface(NamedTuple):
    name: str
    address: str
    prefix: int
    flags: int
    index: int


UP, BROADCAST, LOOPBACK, MULTICAST = 0x1, 0x2, 0x8, 0x1000  # netdevice(7)


def interfaces():
    """The addresses of this machine's interfaces. The standard library has no getifaddrs(3), so this
    asks where that asks: at the kernel, by rtnetlink(7)."""
    RTM_GETLINK, RTM_GETADDR = 18, 22
    IFA_ADDRESS, IFA_LOCAL, IFA_LABEL = 1, 2, 3
    flags = {}
    for body in netlink_dump(RTM_GETLINK):
        _, _, index, flags_of_link, _ = struct.unpack_from("=BxHiII", body)
        flags[index] = flags_of_link

    found = []
    for body in netlink_dump(RTM_GETADDR):
        family, prefix, _, _, index = struct.unpack_from("=BBBBI", body)
        attributes = dict(netlink_attributes(body[8:]))
        # On a point-to-point link IFA_ADDRESS is the other end's.
        address = attributes.get(IFA_LOCAL, attributes.get(IFA_ADDRESS))
        if family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            continue
        label = attributes.get(IFA_LABEL, b"").rstrip(b"\0").decode(errors="surrogateescape")
        found.append(Interface(label or socket.if_indextoname(index),
                               socket.inet_ntop(family, address), prefix, flags.get(index, 0),
                               index))
    return found


def netlink_dump(request):
    """Sends a request for a list, and returns the bodies of the messages that answer it."""
    NLMSG_ERROR, NLMSG_DONE = 2, 3
    NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
    header = struct.Struct("=IHHII")
    bodies = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        # Behind the header any family, AF_UNSPEC, and padding.
        kernel.send(header.pack(header.size + 4, request, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) +
                    bytes(4))
        while True:
            messages = kernel.recv(65536)
            while messages:
                length, kind, _, _, _ = header.unpack_from(messages)
                if kind == NLMSG_DONE:
                    return bodies
                if kind == NLMSG_ERROR:
                    code, = struct.unpack_from("=i", messages, header.size)
                    raise OSError(-code, os.strerror(-code))
                bodies.append(messages[header.size:length])
                messages = messages[aligned(length):]


def netlink_attributes(data):
    """The (type, value) pairs behind a netlink message's fixed part."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind, data[4:length]
        data = data[aligned(max(length, 4)):]


def aligned(length):
    return (length + 3) & ~3
