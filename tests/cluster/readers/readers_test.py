#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/examples/readers.xml and haproxy.cfg on two nodes with MariaDB: reader addresses are where clients may read, and
`systole mysql endpoint` says of each node what it is, also while its server hangs, is gone or refuses it.

usage: readers_test.py BUILD_FOLDER [unittest's arguments]"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from reader_cluster import READERS, Asker, WithReaders, kit  # noqa: E402

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build/ci").resolve()
PREFIX = os.environ.get("SYSTOLE_RIG_PREFIX", f"rd{os.getpid() % 10000}")


class ReaderCluster(WithReaders, kit.Cluster):
    """With crmd."""


class Readers(unittest.TestCase):
    """One story in the order of its chapters' names; each begins with what the one before has left."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = ReaderCluster(BUILD, PREFIX, BUILD / "readers-logs", keepalive=400, deadtime=3000)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.prepare()
        cls.cluster.make_databases()
        for node in cls.cluster.names:
            cls.cluster.rig.poweron(node)
        cls.askers = {}
        for node in cls.cluster.names:
            # As little may the one of n2 do as that of the example's service.
            allowed = () if node == "n1" else ("setpriv", "--bounding-set=-all,+dac_override,+dac_read_search",
                                               "--inh-caps=-all", "--no-new-privs")
            cls.cluster.background(f"endpoint-{node}", node, *allowed, "systole", "mysql", "endpoint")
            cls.askers[node] = Asker(cls.cluster, cls.cluster.rig.address(node))
            cls.addClassCleanup(cls.askers[node].end)

    def ask(self, node, path):
        return self.askers[node].ask(path)

    def status(self, node, path):
        return self.ask(node, path)["status"]

    def reason(self, node, path):
        return json.loads(self.ask(node, path)["body"])["reason"]

    def heals(self, patience=150, in_sync=False):
        """The primary, when everything is as it should be, also for the endpoints."""
        look = self.cluster.redundant if in_sync else self.cluster.healthy
        primary = kit.wait_until(look, patience, f"for a primary and a replica: {self.cluster.summary()}")
        replica = self.cluster.other(primary)
        kit.wait_until(lambda: self.status(primary, "/primary") == 200 and self.status(replica, "/replica") == 200, 60,
                       "for the endpoints to say so")
        return primary

    def test_a_before_there_is_a_cluster_the_endpoint_says_that_it_knows_nothing(self):
        kit.wait_until(lambda: self.status("n1", "/") == 503, 20, "for the endpoint to listen")
        self.assertIn("is not known", self.reason("n1", "/health"))

    def test_b_the_example_is_sound_and_the_cluster_takes_it(self):
        example = kit.EXAMPLES / "readers.xml"
        done = self.cluster.at("n1", "systole", "verify", "--cib", example)
        self.assertIn("ok       " + str(example), done.stdout)
        self.assertFalse([line for line in done.stdout.splitlines() if "warning" in line and str(example) in line])
        if shutil.which("crm_verify"):
            text = example.read_text()
            cib = ('<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0">' +
                   text[text.index("<configuration>"):] + "<status/></cib>")
            done = subprocess.run(["crm_verify", "--verbose", "--xml-pipe"], input=cib, text=True, capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.cluster.configure()
        self.heals()

    def test_c_each_node_has_one_reader_address(self):
        kit.wait_until(self.cluster.parted, 30, f"for one reader address on each node: {self.cluster.readers()}")
        for node in self.cluster.names:
            said = self.cluster.at("n1", "crm_attribute", "--type", "status", "--node", node, "--name", "readable",
                                   "--query").stdout
            self.assertIn("value=1", said)
        self.assertIn("readers-apart", self.cluster.at("n1", "systole", "why", "reader-2").stdout)

    def test_d_the_endpoints_answer_by_role(self):
        primary = self.heals()
        replica = self.cluster.other(primary)
        for path, by_primary, by_replica in (("/primary", 200, 503), ("/replica", 503, 200), ("/read-only", 200, 200),
                                             ("/replica?lag_ms=5000", 503, 200), ("/read-only?lag_ms=0", 200, 200),
                                             ("/health", 200, 200), ("/", 200, 200), ("/nothing", 404, 404),
                                             ("/replica?lag_ms=soon", 400, 400)):
            self.assertEqual((self.status(primary, path), self.status(replica, path)), (by_primary, by_replica), path)
        told = self.cluster.health_with_record(self.askers)
        self.assertEqual([told[node]["node"] for node in self.cluster.names], self.cluster.names)
        self.assertEqual((told[primary]["role"], told[replica]["role"]), ("primary", "replica"))
        self.assertEqual((told[primary]["writable"], told[replica]["writable"]), (True, False))
        self.assertEqual((told[primary]["readable"], told[replica]["readable"]), (True, True))
        self.assertEqual((told[primary]["lag_ms"], told[replica]["lag_ms"]), (None, 0))
        self.assertIn(told[primary]["helper"]["state"], ("solo", "joining", "sync"))
        self.assertIn(told[replica]["helper"]["state"], ("replica", "in sync"))
        for node in self.cluster.names:
            self.assertIn(f" p={primary} ", told[node]["record"])
            self.assertRegex(told[node]["gtid"], r"^0-\d+-\d+")
        self.assertIn(f"a replica of {primary}", self.reason(replica, "/primary"))

    def test_e_many_checks_cost_the_database_nothing(self):
        primary = self.heals()
        counted = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Connections', 'Com_select')"
        before = dict(self.cluster.sql(primary, counted))
        begin = time.monotonic()
        answers = 0
        while time.monotonic() < begin + 3:
            self.assertEqual(self.status(primary, "/primary"), 200)
            answers += 1
        after = dict(self.cluster.sql(primary, counted))
        new = {name: int(after[name]) - int(before[name]) for name in before}
        self.assertGreater(answers, 200)
        self.assertLess(new["Connections"], 30, "those of the agent and of this test")
        self.assertLess(new["Com_select"], answers, f"of {answers} checks")

    def begin_haproxy(self):
        """With the example's configuration. Where it is not installed, nothing is asked of it."""
        text = (kit.EXAMPLES / "haproxy.cfg").read_text()
        for number, node in enumerate(self.cluster.names, 1):
            text = text.replace(f"192.0.2.{number}:", self.cluster.rig.address(node) + ":")
        config = self.cluster.logs / "haproxy.cfg"
        config.write_text(text)
        if shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None:
            return False
        self.cluster.background("haproxy", "cl", "/usr/sbin/haproxy", "-db", "-f", config)
        return True

    def haproxy_leads(self, port, node):
        done = self.cluster.at("cl", "timeout", "3", "mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}",
                               "-uapp", "-papp", "-BNe", "SELECT @@hostname", check=False)
        return done.stdout.strip() == node

    def test_f_a_switch_over_turns_the_answers_round_and_never_are_there_two_primaries(self):
        primary = self.heals(in_sync=True)
        replica = self.cluster.other(primary)
        balanced = self.begin_haproxy()
        if balanced:
            kit.wait_until(lambda: self.haproxy_leads(3306, primary), 20, "for HAProxy to find the primary")
            kit.wait_until(lambda: self.haproxy_leads(3307, replica), 20, "for HAProxy to find the replica")
        seen = {primary: [], replica: []}
        over = threading.Event()

        def watch(node):
            asker = Asker(self.cluster, self.cluster.rig.address(node))
            while not over.is_set():
                seen[node].append(asker.ask("/primary"))
            asker.end()

        threads = [threading.Thread(target=watch, args=(node,)) for node in seen]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        done = self.cluster.at(primary, "systole", "mysql", "switch", check=False)
        # On a busy machine it may leave before the other one is in sync again: that is not asked here.
        self.assertIn(f"{replica} is the primary", done.stdout + done.stderr)
        kit.wait_until(lambda: self.status(replica, "/primary") == 200, 30, "for the new primary")
        time.sleep(0.5)
        over.set()
        for thread in threads:
            thread.join()
        first = next(answer for answer in seen[replica] if answer["status"] == 200)
        self.assertTrue(any(answer["status"] == 200 for answer in seen[primary]), "it was the primary at first")
        late = [a for a in seen[primary] if a["begin"] > first["end"] and a["status"] == 200]
        self.assertEqual(late, [])
        self.assertEqual(self.heals(), replica)
        self.assertEqual((self.status(primary, "/replica"), self.status(replica, "/replica")), (200, 503))
        if balanced:
            kit.wait_until(lambda: self.haproxy_leads(3306, replica), 30, "for HAProxy to follow the primary")
            kit.wait_until(lambda: self.haproxy_leads(3307, primary), 30, "for HAProxy to follow the replica")
            self.cluster.end_children("haproxy")

    def test_h_an_account_that_is_refused_is_said_and_not_named(self):
        node = self.heals()
        real = self.cluster.at(node, "which", "cibadmin").stdout.strip()
        script = (f"#!/bin/sh\n{real} \"$@\" | sed -e 's#<instance_attributes id=\"db-params\">#&<nvpair id=\"x\" "
                  "name=\"test_user\" value=\"stranger\"/>#' -e 's#value=\"repl\"#value=\"nobody\"#'\n")
        self.cluster.at(node, "sh", "-c", "mkdir -p /tmp/fake; cat >/tmp/fake/cibadmin; chmod 755 /tmp/fake/cibadmin",
                        data=script)
        self.cluster.background("refused", node, "sh", "-c",
                                "PATH=/tmp/fake:$PATH exec systole mysql endpoint --resource db-clone --listen *:9300")
        asker = Asker(self.cluster, self.cluster.rig.address(node), 9300)
        self.addCleanup(asker.end)
        kit.wait_until(lambda: "refuses the account" in asker.ask("/primary")["body"], 20, "for the refusal")
        said = asker.ask("/health")
        self.assertEqual(said["status"], 503)
        for name in ("stranger", "nobody"):
            self.assertNotIn(name, said["body"])
        self.cluster.end_children("refused")

    def test_i_a_replica_with_an_error_loses_its_readers_and_has_them_again(self):
        primary = self.heals()
        replica = self.cluster.other(primary)
        row = "INSERT INTO demo.ledger (id, writer, seq, mark) VALUES (424242, 1, 1, {})"
        self.cluster.sql(replica, "SET sql_log_bin=0; " + row.format(1))
        self.cluster.sql(primary, row.format(2))
        kit.wait_until(lambda: self.status(replica, "/replica") == 503, 20, "for the endpoint to see the error")
        self.assertIn("error 1062", self.reason(replica, "/replica"))
        self.assertNotIn("424242", self.ask(replica, "/health")["body"])
        self.assertEqual(self.status(replica, "/read-only"), 503)
        self.assertEqual(self.status(primary, "/read-only"), 200)
        kit.wait_until(lambda: self.cluster.readers()[primary] == set(READERS) and not self.cluster.readers()[replica],
                       30, "for both reader addresses to be on the primary")
        self.cluster.sql(replica, "SET sql_log_bin=0; DELETE FROM demo.ledger WHERE id=424242; START SLAVE")
        kit.wait_until(lambda: self.status(replica, "/replica") == 200, 60, "for the endpoint to see it mended")
        kit.wait_until(self.cluster.parted, 30, "for the reader address to come back")

    def test_j_a_replica_that_hears_nothing_is_none(self):
        primary = self.heals()
        replica = self.cluster.other(primary)
        rules = ("add table inet cut; add chain inet cut in { type filter hook input priority 0; }\n"
                 "add rule inet cut in tcp sport { 3306, 3307 } drop\n")
        self.cluster.at(replica, "nft", "-f", "-", data=rules)
        try:
            kit.wait_until(lambda: self.status(replica, "/replica") == 503, 20, "for the silence to be noticed")
            # Its server says "Yes" of the dead connection, unless the helper has just begun another one.
            self.assertRegex(self.reason(replica, "/replica"), "not even a heartbeat|not connected")
            self.assertIsNone(json.loads(self.ask(replica, "/health")["body"])["lag_ms"])
        finally:
            self.cluster.at(replica, "nft", "delete", "table", "inet", "cut")
        self.heals()

    def test_k_a_server_that_hangs_is_503_in_bounded_time(self):
        primary = self.heals()
        replica = self.cluster.other(primary)
        pid = self.cluster.server_pid(replica)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)  # what was seen before it is told for 0.1 s
        try:
            answers = [self.ask(replica, "/replica") for _ in range(2)]
        finally:
            os.kill(pid, signal.SIGCONT)
        for answer in answers:
            self.assertEqual(answer["status"], 503, answer)
            self.assertLess(answer["end"] - answer["begin"], 2.0)
        # Meanwhile the manager may have found it, and ended it.
        self.assertTrue(any("did not answer within 1000 ms" in answer["body"] for answer in answers), answers)
        self.heals()

    def test_l_a_node_without_a_server_says_so_and_its_reader_address_is_elsewhere(self):
        primary = self.heals()
        replica = self.cluster.other(primary)
        self.cluster.at(replica, "systole", "standby", replica, "--wait")
        kit.wait_until(lambda: "no server listens" in self.reason(replica, "/health"), 20, "for the server to be gone")
        for path in ("/primary", "/replica", "/read-only", "/"):
            self.assertEqual(self.status(replica, path), 503)
        kit.wait_until(lambda: self.cluster.readers()[primary] == set(READERS), 20, "for both reader addresses")
        self.cluster.at(replica, "systole", "standby", replica, "--off")
        self.heals()
        kit.wait_until(self.cluster.parted, 30, "for the reader address to come back")

    def test_m_sigterm_ends_it_at_once_and_cleanly(self):
        for node in self.cluster.names:
            name = f"endpoint-{node}"
            begin = time.monotonic()
            os.kill(self.cluster.program_of(name), signal.SIGTERM)
            self.assertEqual(self.cluster.children.pop(name).wait(10), 0)
            self.assertLess(time.monotonic() - begin, 5)
            errors = (self.cluster.logs / f"{name}.err").read_text()
            self.assertNotIn("Sanitizer", errors)

    def test_n_as_a_resource_it_runs_on_each_node_and_is_begun_again_when_it_ends(self):
        page = (kit.EXAMPLES.parent / "readers.md").read_text()
        clone = page[page.index('<clone id="endpoint-clone">'):]
        clone = clone[:clone.index("</clone>") + len("</clone>")]
        self.cluster.at("n1", "cibadmin", "--create", "--scope", "resources", "--xml-pipe", data=clone)
        for node in self.cluster.names:
            kit.wait_until(lambda: self.status(node, "/read-only") == 200, 60, f"for the endpoint of {node}")
        pid_file = "/run/resource-agents/systole-mysql-endpoint-endpoint.pid"
        before = self.cluster.at("n1", "cat", pid_file).stdout.split()[0]
        self.cluster.at("n1", "kill", "-9", before)
        kit.wait_until(lambda: self.status("n1", "/read-only") == 200, 60, "for the endpoint to be begun again")
        self.assertNotEqual(self.cluster.at("n1", "cat", pid_file).stdout.split()[0], before)
        self.cluster.at("n1", "cibadmin", "--delete", "--xpath", "//clone[@id='endpoint-clone']")
        for node in self.cluster.names:
            kit.wait_until(lambda: self.status(node, "/") == 0, 30, f"for the endpoint of {node} to be gone")


if __name__ == "__main__":
    try:
        unittest.main(failfast=True, verbosity=2, warnings="ignore")  # open logs end with the test
    except KeyboardInterrupt:
        Readers.doClassCleanups()
        sys.exit(130)
