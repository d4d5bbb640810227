# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch with hosts, made of network namespaces of this machine, for tests of what the wire sees.

Everything is named after this process and is taken down however the test ends; nothing of the machine's own network
is touched. Run as a program it is the part of a test that must live inside a namespace:
    net.py sniff SECONDS IP        prints one JSON line per ARP packet from IP, or per neighbour advertisement of it
    net.py serve NAME ADDRESS      answers each TCP connection to port 7000 with NAME and keeps it open
    net.py reach IP WANTED LIMIT   connects again and again until WANTED answers; prints the seconds it took
    net.py hold IP LIMIT           connects, says "ready", then tells how the connection ended
"""
import atexit
import json
import os
import socket
import struct
import subprocess
import sys
import time


class Net:
    def __init__(self, hosts):
        self.prefix = f"ipaddr-{os.getpid()}"
        self.namespaces = []
        self.children = []
        atexit.register(self.close)
        self.switch = self._namespace("switch")
        self.ip(self.switch, "link", "add", "br0", "type", "bridge")
        self.ip(self.switch, "link", "set", "br0", "up")
        for number, host in enumerate(hosts, 1):
            self.room(host, f"10.77.0.{number}/24", f"2001:db8:77::{number}/64")

    def name(self, host):
        return f"{self.prefix}-{host}"

    def _namespace(self, host):
        name = self.name(host)
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.namespaces.append(name)
        self.ip(name, "link", "set", "lo", "up")
        return name

    def room(self, host, *addresses):
        """A namespace with these addresses on eth0, which is plugged into the switch; returns its whole name."""
        name = self._namespace(host)
        self.ip(self.switch, "link", "add", f"to-{host}", "type", "veth", "peer", "name", "eth0", "netns", name)
        self.ip(self.switch, "link", "set", f"to-{host}", "master", "br0", "up")
        for address in addresses:
            self.ip(name, "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
        self.ip(name, "link", "set", "eth0", "up")
        return name

    def ip(self, namespace, *words):
        return subprocess.run(["ip", "-n", namespace, *words], check=True, capture_output=True, text=True).stdout

    def cable(self, host, state):
        self.ip(self.switch, "link", "set", f"to-{host}", state)

    def mac(self, host):
        return json.loads(self.ip(self.name(host), "-j", "link", "show", "eth0"))[0]["address"]

    def addresses(self, host, interface="eth0"):
        listed = json.loads(self.ip(self.name(host), "-j", "addr", "show", "dev", interface))
        return {info["local"]: info for info in listed[0]["addr_info"]}

    def run(self, host, command, **more):
        return subprocess.run(["ip", "netns", "exec", self.name(host), *command], text=True, capture_output=True,
                              timeout=60, **more)

    def begin(self, host, *words):
        """Starts a part of this file inside host's namespace; its output is read line by line."""
        command = ["ip", "netns", "exec", self.name(host), sys.executable, "-u", __file__, *map(str, words)]
        child = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def end_parts(self):
        for child in self.children:
            child.kill()
            child.wait()
            child.stdout.close()
        self.children = []

    def close(self):
        self.end_parts()
        for name in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "del", name], check=False)
        self.namespaces = []
        atexit.unregister(self.close)


def arp_of(frame):
    operation = struct.unpack("!H", frame[20:22])[0]
    sender, target = frame[28:32], frame[38:42]
    return socket.inet_ntoa(sender), {"form": {1: "request", 2: "reply"}.get(operation, operation),
                                      "gratuitous": sender == target, "sender_mac": frame[22:28].hex(),
                                      "target_mac": frame[32:38].hex()}


def advertisement_of(frame):
    if len(frame) < 86 or frame[20] != 58 or frame[54] != 136:
        return None, {}
    said = {"form": "advertisement", "override": bool(frame[58] & 0x20), "target_mac": frame[80:86].hex()}
    return socket.inet_ntop(socket.AF_INET6, frame[62:78]), said


def sniff(seconds, ip):
    protocol, about = (0x86dd, advertisement_of) if ":" in ip else (0x0806, arp_of)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    print("ready")
    end = time.monotonic() + float(seconds)
    while (left := end - time.monotonic()) > 0:
        raw.settimeout(left)
        try:
            frame, came = raw.recvfrom(2048)
        except TimeoutError:
            return
        of, packet = about(frame)
        if of == ip and came[2] != socket.PACKET_OUTGOING:
            print(json.dumps({"at": time.monotonic(), "to": frame[0:6].hex(), **packet}))


def serve(name, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, 7000))
    server.listen(100)
    print("ready")
    kept = []
    while True:
        connection, _ = server.accept()
        connection.sendall(name.encode() + b"\n")
        kept.append(connection)


def reach(ip, wanted, limit):
    begin = time.monotonic()
    while time.monotonic() - begin < float(limit):
        try:
            with socket.create_connection((ip, 7000), timeout=0.05) as connection:
                if connection.recv(100).decode().strip() == wanted:
                    print(time.monotonic() - begin)
                    return
        except OSError:
            pass
    print("never")


def hold(ip, limit):
    connection = socket.create_connection((ip, 7000), timeout=float(limit))
    connection.recv(100)
    print("ready")
    begin = time.monotonic()
    try:
        how = "closed" if connection.recv(1) == b"" else "data"
    except ConnectionResetError:
        how = "reset"
    except TimeoutError:
        how = "hung"
    print(how, time.monotonic() - begin)


if __name__ == "__main__":
    {"sniff": sniff, "serve": serve, "reach": reach, "hold": hold}[sys.argv[1]](*sys.argv[2:])
