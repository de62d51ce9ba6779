"""What labs 08 to 12 share besides wirelab.py: a choice of interfaces, datagrams, busy servers."""
import argparse
import errno
import os
import socket

import wirelab

# What accept() says when the system has no room for another connection, until one is closed.
NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

MAX_DATAGRAM = 65507  # 65535 bytes of an IPv4 packet, less its header and that of UDP


def give_up_after(connection, timeout):
    """Lets the system end a connection whose other side takes nothing of what waits for it."""
    if timeout is not None:
        milliseconds = max(1, round(timeout * 1000))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def ipv4(text):
    """An option's type."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        raise argparse.ArgumentTypeError(f"'{text}' is not an IPv4 address") from None
    return text


def add_interface(parser):
    parser.add_argument("--interface", metavar="NAME",
                        help="the interface to use: its name, one of its addresses, or 'ask'")


def choose_interface(wanted):
    """Returns the name of an interface that is told by its name or one of its addresses, or after
    which the user is asked; None if any will do."""
    if wanted is None:
        return None
    there = wirelab.interfaces()
    if wanted == "ask":
        return ask_for_interface(there)
    name = find_interface(there, wanted)
    if name is None:
        raise wirelab.Failure(f"cannot use the interface {wanted}", OSError(errno.ENODEV, ""))
    return name


def find_interface(there, wanted):
    """Returns the name of the interface with this name or address."""
    for interface in there:
        if wanted in (interface.name, interface.address):
            return interface.name
    # One without any address has a name still.
    return wanted if wanted in (name for _, name in socket.if_nameindex()) else None


def ask_for_interface(there):
    for number, interface in enumerate(there, 1):
        tell(f"{number:3}  {interface.name}  {interface.address}/{interface.prefix}\n")
    while True:
        tell("interface: ")
        answer = read_line()
        if answer is None:
            raise wirelab.UsageError("argument --interface: nobody has chosen one")
        if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(there):
            return there[int(answer) - 1].name
        name = find_interface(there, answer)
        if name is not None:
            return name
        tell(f"there is no {wirelab.printable(answer)}\n")


def tell(text):
    os.write(2, text.encode(errors="surrogateescape"))


def read_line():
    """Reads a line from stdin, and not a byte more: what is typed behind it is for others."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return os.fsdecode(line[:-1])


def use_interface(udp, name):
    """Ties a socket to one interface: what it sends and hears passes there alone."""
    if name is None:
        return
    try:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(name))
    except OSError as error:
        raise wirelab.Failure(f"cannot use the interface {name}", error) from None


def bind(udp, address, port):
    """Takes an address and a port that others may share, and says so."""
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    try:
        udp.bind((address, port))
    except OSError as error:
        where = wirelab.bracketed(address, port)
        raise wirelab.Failure(f"cannot listen on {where}", error) from None
    wirelab.say(f"listening on {wirelab.endpoint(udp.getsockname())}")
