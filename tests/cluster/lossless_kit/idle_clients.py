#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that do nothing but hold all connections that a server has to give.

usage: idle_clients.py ADDRESS COUNT     until it is ended; says how many it holds, each time that changes"""
import hashlib
import socket
import sys
import time

PORT, USER, PASSWORD = 3306, b"app", b"app"
# LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
ABILITIES = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x80000


def token(password, challenge):
    """mysql_native_password's answer."""
    if not password:
        return b""
    once = hashlib.sha1(password).digest()
    mask = hashlib.sha1(challenge + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


def packet(channel):
    """(number, content) of the next one."""
    head = exactly(channel, 4)
    return head[3], exactly(channel, int.from_bytes(head[:3], "little"))


def exactly(channel, count):
    data = b""
    while len(data) < count:
        part = channel.recv(count - len(data))
        if not part:
            raise OSError("the server hung up")
        data += part
    return data


def challenge_of(greeting):
    """The 20 bytes of a server's greeting: 8, and 12 further on."""
    rest = greeting[greeting.index(b"\0", 1) + 1:]
    return rest[4:12] + rest[31:43]


def session(address):
    """A connection that is logged in and idle; OSError when there is none to be had."""
    channel = socket.create_connection((address, PORT), timeout=2)
    try:
        number, greeting = packet(channel)
        if greeting[0] == 0xFF:
            raise OSError("refused")
        answer = (ABILITIES.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little") + bytes([33]) + bytes(23) + USER +
                  b"\0" + bytes([20]) + token(PASSWORD, challenge_of(greeting)) + b"mysql_native_password\0")
        channel.sendall(len(answer).to_bytes(3, "little") + bytes([number + 1]) + answer)
        said = packet(channel)[1]
        if said[0] == 0xFF:  # a full server may say so here too, after the greeting
            raise OSError(f"refused: {int.from_bytes(said[1:3], 'little')}")
        if said[0] != 0:
            raise OSError("not logged in")
        return channel
    except OSError:
        channel.close()
        raise


def main():
    address, count = sys.argv[1], int(sys.argv[2])
    held, said = [], -1
    while True:
        try:
            while len(held) < count:
                held.append(session(address))
        except OSError as error:
            reason = str(error)
        else:
            reason = "all"
        if len(held) != said:
            said = len(held)
            print(f"{said} held: {reason}", flush=True)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
