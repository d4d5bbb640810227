#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine on the cluster's own network that means no good: it has no key, but it can listen and send.

usage: attacker.py record PORT FILE             keeps what is sent to the port, over all interfaces, until SIGTERM
       attacker.py flood KIND JSON              sends for a while; its last line says how much and how fast

KIND: garbage (random bytes), lookalike (random bytes that begin as a sealed packet does), truncated (a recorded packet
cut short), oversized, replay (recorded packets as they were). JSON: target, port, source, file, rate (packets/s; 0: as
fast as it goes), seconds. The source may be forged; the MAC is our own.

Sender and receiver share a machine, so a cheap sender counts: up to 64 datagrams of one size go through the network as
one (UDP_SEGMENT), and the receiver's kernel cuts them before its socket. What the socket, its filter and the program
behind it have to do, they do for each."""
import json
import os
import random
import signal
import socket
import struct
import sys
import time

ETH_P_ALL, UDP = 0x0003, 17
HEADERS = 14 + 20 + 8
IP_TRANSPARENT, UDP_SEGMENT, SO_SNDBUFFORCE = 19, 103, 32
CATCH_UP = 0.005  # s: a sender that did not run for longer does not send all at once what it has missed
TRAIN, TRAIN_BYTES = 64, 65_000  # the kernel takes no longer ones


def record(port, path):
    """One line of hexadecimal digits for each datagram: its source address, then what it carried."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    seen = set()  # a frame is seen at each port of the switch that it passes
    with open(path, "w", buffering=1) as out:
        while True:
            frame = listening.recv(65535)
            if len(frame) < HEADERS or frame[12:14] != b"\x08\x00" or frame[14] != 0x45 or frame[23] != UDP:
                continue
            if struct.unpack("!H", frame[36:38])[0] != port or frame[HEADERS:] in seen:
                continue
            seen.add(frame[HEADERS:])
            length = struct.unpack("!H", frame[38:40])[0]
            ends = f"{socket.inet_ntoa(frame[26:30])} {socket.inet_ntoa(frame[30:34])}"
            out.write(f"{ends} {frame[HEADERS:34 + length].hex()}\n")


def recorded(plan):
    """What the source was heard to send to the target, in order."""
    rows = [line.split() for line in open(plan["file"])]
    found = [bytes.fromhex(r[2]) for r in rows if len(r) == 3 and r[0] == plan["source"] and r[1] == plan["target"]]
    if not found:
        sys.exit(f"nothing from {plan['source']} to {plan['target']} was recorded")
    return found


def payloads(kind, plan):
    if kind == "garbage":
        return [os.urandom(size) for size in random.sample(range(1, 1400), 60) for _ in range(TRAIN)]
    if kind == "oversized":
        return [os.urandom(1472) for _ in range(200)]
    known = recorded(plan)
    if kind == "lookalike":
        sizes = random.sample(range(40, 300), 30)
        return [known[0][:2] + os.urandom(size) for size in sizes for _ in range(TRAIN)]
    if kind == "truncated":
        return [one[:random.randrange(0, len(one))] for one in known[:1000]]
    return known


def trains(datagrams):
    """(bytes, size of each datagram in it): what goes out in one call. The kernel cuts it at the receiver's socket."""
    by_size = {}
    for one in datagrams:
        by_size.setdefault(len(one), []).append(one)
    by_size.pop(0, None)  # there is nothing to cut
    found = []
    for size, some in by_size.items():
        count = min(TRAIN, TRAIN_BYTES // size)
        some = some * (1 + count // len(some))  # what was recorded once is repeated until a train is full
        found += [(b"".join(some[at:at + count]), size) for at in range(0, len(some) - count + 1, count)]
    return found


def sender(plan):
    """Transparent: its source may be anybody's address."""
    sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sending.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    sending.bind((plan["source"], plan["port"]))
    sending.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 8 << 20)
    sending.connect((plan["target"], plan["port"]))
    return sending


def flood(kind, plan):
    sending = sender(plan)
    ready = [([train], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", size))], len(train) // size)
             for train, size in trains(payloads(kind, plan))]
    random.shuffle(ready)
    begin = now = due = time.monotonic()
    sent = turn = 0
    while now < begin + plan["seconds"]:
        train, options, count = ready[turn % len(ready)]
        sending.sendmsg(train, options)
        sent, turn, now = sent + count, turn + 1, time.monotonic()
        if plan["rate"]:
            due = max(due + count / plan["rate"], now - CATCH_UP)
            time.sleep(max(0.0, due - now))
    print(json.dumps({"sent": sent, "per_second": round(sent / (now - begin))}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"]:
        record(int(sys.argv[2]), sys.argv[3])
    elif sys.argv[1:2] == ["flood"]:
        flood(sys.argv[2], json.loads(sys.argv[3]))
    else:
        sys.exit(__doc__)
