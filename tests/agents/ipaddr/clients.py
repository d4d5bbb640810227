# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients of one address at once, as a part of cloned_test.py that must live inside a namespace.

usage: clients.py IP COUNT   opens COUNT connections to port 7000 at once, each from its own port; prints as JSON
    by       how many were answered by whom (the name that net.py's serve sends)
    silent   how many got no answer within a second and a half
    doubled  to how many ports more than one answer came, or a reset: somebody else answered too. Seen as packets
usage: clients.py IP COUNT SECONDS   opens them, says "ready", sends on each ten times a second; prints as JSON
    kept     how many lived to the end
    reset    how many were reset
"""
import collections
import json
import select
import socket
import struct
import sys
import time

PATIENCE = 1.5
SYN, RST, ACK = 2, 4, 16


def answers_in(raw, ip):
    """Per port of a client, what came from ip: (SYN-ACKs, resets)."""
    seen = collections.defaultdict(lambda: [0, 0])
    while True:
        try:
            frame = raw.recv(2048)
        except BlockingIOError:
            return seen
        packet = frame[14:]
        head = (packet[0] & 15) * 4
        if packet[9] != socket.IPPROTO_TCP or socket.inet_ntoa(packet[12:16]) != ip:
            continue
        port, flags = struct.unpack("!H", packet[head + 2:head + 4])[0], packet[head + 13]
        seen[port][0] += flags & (SYN | ACK) == SYN | ACK
        seen[port][1] += flags & RST != 0


def connect(ip, count):
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((ip, 7000))
        clients.append(client)
    return clients


def listen(clients):
    """Who answered; None: nobody."""
    names, waiting = [], {client.fileno(): client for client in clients}
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    end = time.monotonic() + PATIENCE
    while waiting and (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            poll.unregister(number)
            try:
                names.append(waiting.pop(number).recv(100).decode().strip() or "closed")
            except OSError:
                names.append("reset")
    return names, len(waiting)


def keep(ip, count, seconds):
    clients = [socket.create_connection((ip, 7000), timeout=2) for _ in range(count)]
    print("ready")
    end = time.monotonic() + seconds
    living = clients
    while time.monotonic() < end:
        still = []
        for client in living:
            try:
                client.sendall(b"?")
                still.append(client)
            except OSError:
                pass
        living = still
        time.sleep(0.1)
    print(json.dumps({"kept": len(living), "reset": count - len(living)}))


def once(ip, count):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    raw.setblocking(False)
    names, silent = listen(connect(ip, count))
    time.sleep(0.05)
    doubled = sum(1 for answers, resets in answers_in(raw, ip).values() if answers > 1 or resets > 0)
    print(json.dumps({"by": collections.Counter(names), "silent": silent, "doubled": doubled}))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        keep(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    else:
        once(sys.argv[1], int(sys.argv[2]))
