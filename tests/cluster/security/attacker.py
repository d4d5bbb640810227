#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine on the cluster's own network that means no good: it has no key, but it can listen and send.

usage: attacker.py record PORT FILE             keeps what is sent to the port, over all interfaces, until SIGTERM
       attacker.py flood KIND JSON              sends for a while; its last line says how much and how fast

KIND: garbage (random bytes), lookalike (random bytes that begin as a sealed packet does), truncated (a recorded packet
cut short), oversized, replay (recorded packets as they were). JSON: interface, target, mac, port, source, file, rate
(packets/s; 0: as fast as it goes), seconds. The source may be forged; the MAC is our own."""
import ctypes
import json
import os
import random
import signal
import socket
import struct
import sys
import time

ETH_P_ALL, ETH_P_IP, UDP = 0x0003, 0x0800, 17
HEADERS = 14 + 20 + 8
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
BURST = 64  # packets between two looks at the clock


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


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def frame(plan, own_mac, payload):
    """Ethernet, IPv4 and UDP around it; a UDP checksum of 0 means none."""
    ends = socket.inet_aton(plan["source"]) + socket.inet_aton(plan["target"])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), random.randrange(65536), 0, 64, UDP, 0) + ends
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    udp = struct.pack("!HHHH", plan["port"], plan["port"], 8 + len(payload), 0)
    return bytes.fromhex(plan["mac"].replace(":", "")) + own_mac + b"\x08\x00" + ip + udp + payload


def recorded(plan):
    """What the source was heard to send to the target, in order."""
    rows = [line.split() for line in open(plan["file"])]
    found = [bytes.fromhex(r[2]) for r in rows if len(r) == 3 and r[0] == plan["source"] and r[1] == plan["target"]]
    if not found:
        sys.exit(f"nothing from {plan['source']} to {plan['target']} was recorded")
    return found


def payloads(kind, plan):
    if kind == "garbage":
        return [os.urandom(random.randrange(1, 1400)) for _ in range(1000)]
    if kind == "oversized":
        return [os.urandom(1472) for _ in range(200)]
    known = recorded(plan)
    if kind == "lookalike":
        return [known[0][:2] + os.urandom(random.randrange(40, 300)) for _ in range(1000)]
    if kind == "truncated":
        return [one[:random.randrange(0, len(one))] for one in known[:1000]]
    return known


class Message(ctypes.Structure):
    """struct mmsghdr of <sys/socket.h> with an address of our own interface: sendmmsg() takes a whole burst at once."""
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("parts", ctypes.c_void_p),
                ("part_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("sent", ctypes.c_uint)]


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


def bursts(frames):
    """(array, length) for each call; the parts must live as long as the arrays."""
    parts = [Part(f, len(f)) for f in frames]
    found = []
    for at in range(0, len(parts), BURST):
        some = parts[at:at + BURST]
        messages = [Message(parts=ctypes.addressof(one), part_count=1) for one in some]
        found.append(((Message * len(some))(*messages), len(some)))
    return parts, found


def flood(kind, plan):
    libc = ctypes.CDLL(None, use_errno=True)
    sending = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sending.bind((plan["interface"], 0))
    sending.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    frames = [frame(plan, sending.getsockname()[4], p) for p in payloads(kind, plan)]
    parts, ready = bursts(frames * (1 + BURST // len(frames)))
    begin = now = time.monotonic()
    sent = turn = 0
    while now < begin + plan["seconds"]:
        array, length = ready[turn % len(ready)]
        sent += max(0, libc.sendmmsg(sending.fileno(), array, length, 0))
        turn += 1
        now = time.monotonic()
        if plan["rate"]:
            time.sleep(max(0.0, begin + sent / plan["rate"] - now))
    print(json.dumps({"sent": sent, "per_second": round(sent / (now - begin))}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"]:
        record(int(sys.argv[2]), sys.argv[3])
    elif sys.argv[1:2] == ["flood"]:
        flood(sys.argv[2], json.loads(sys.argv[3]))
    else:
        sys.exit(__doc__)
