# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster with docs/examples/readers.xml, and a client that asks its endpoints; under either manager."""
import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kit"))
import cluster as kit  # noqa: E402

READERS = ("10.77.0.101", "10.77.0.102")
PORT = 9200

# Runs in the clients' machine: each line of input is a URL path; each answer is a line of JSON.
ASKER = """
import http.client, json, sys, time
host, port = sys.argv[1], int(sys.argv[2])
for line in sys.stdin:
    begin = time.monotonic()
    try:
        link = http.client.HTTPConnection(host, port, timeout=8)
        link.request("GET", line.strip())
        answer = link.getresponse()
        said = {"status": answer.status, "body": answer.read().decode()}
        link.close()
    except OSError as error:
        said = {"status": 0, "body": str(error)}
    print(json.dumps(said | {"begin": begin, "end": time.monotonic()}), flush=True)
"""


class WithReaders:
    """For a cluster of any manager."""

    example = "readers.xml"
    endpoint_folder = "bin"

    def stage_programs(self):
        super().stage_programs()
        for folder, name in ((self.endpoint_folder, "systole-mysql-endpoint"), ("agents", "mysql-endpoint")):
            program = kit.find_program(self.build, name)
            if program is None:
                raise kit.ClusterError(f"there is no program '{name}' in {self.build}; build first: ./run build")
            shutil.copy2(program, self.stage / folder / name)

    def configuration(self):
        text = super().configuration()
        for number, address in enumerate(READERS, 1):
            text = text.replace(f'value="192.0.2.10{number}"', f'value="{address}"')
        return text

    def readers(self):
        """The reader addresses of each node."""
        found = {}
        for node in self.names:
            shown = self.at(node, "ip", "-4", "-o", "addr", "show", "dev", "eth0", check=False).stdout
            found[node] = {address for address in READERS if f" {address}/" in shown}
        return found

    def parted(self):
        """Each address once, one on each node."""
        found = self.readers()
        return all(len(held) == 1 for held in found.values()) and set().union(*found.values()) == set(READERS)

    def health_with_record(self, askers):
        """What each node's endpoint tells, once each helper has read the record."""
        def told():
            said = {node: json.loads(askers[node].ask("/health")["body"]) for node in self.names}
            return said if all(each["record"] for each in said.values()) else None

        return kit.wait_until(told, 20, "for each helper to have read the record")

    def program_of(self, name):
        """The pid of the program in the node, as seen from here: not nsenter's, whose child it is."""
        child = self.children[name]
        return int(pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()[0])

    def server_pid(self, node):
        """As seen from here."""
        for pid in self.rig.node_pids(node):
            try:
                if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "mariadbd":
                    return int(pid)
            except OSError:
                pass
        return None


class Asker:
    """A client that goes on asking the same endpoint."""

    def __init__(self, cluster, host, port=PORT):
        self.child = subprocess.Popen(cluster.rig.enter("cl", sys.executable, "-c", ASKER, host, port),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, path):
        self.child.stdin.write(path + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def end(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()
