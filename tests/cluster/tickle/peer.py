#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Both ends of a connection whose client waits: the server says back what it hears, and nothing by itself.

usage: peer.py serve               on port 7000, of both families
       peer.py sit ADDRESS         connects, has one line said back, prints its port; then waits for what never comes,
                                   and prints how that ended
       peer.py talk ADDRESS        the same, but has each line of its stdin said back, and prints it"""
import socket
import sys
import threading

PORT = 7000


def say_back(connection):
    try:
        while text := connection.recv(100):
            connection.sendall(text)
    except OSError:
        pass


def serve():
    try:
        server = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError:
        sys.exit(0)  # another one serves here
    while True:
        connection, _ = server.accept()
        threading.Thread(target=say_back, args=(connection,), daemon=True).start()


def main():
    if sys.argv[1] == "serve":
        serve()
    end = socket.create_connection((sys.argv[2], PORT), timeout=5)
    end.settimeout(None)
    end.sendall(b"hello")
    assert end.recv(100) == b"hello"
    print(end.getsockname()[1], flush=True)
    try:
        if sys.argv[1] == "sit":
            print("closed" if end.recv(100) == b"" else "answered", flush=True)
        for line in sys.stdin if sys.argv[1] == "talk" else ():
            end.sendall(line.encode())
            print(end.recv(100).decode().strip(), flush=True)
    except ConnectionResetError:
        print("reset", flush=True)


main()
