# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:mysql-replication in a real cluster, under either manager: alone (docs/examples/watched.xml), where the
servers are started as init would start them, and beside ocf:systole:mysql."""
import pathlib
import sys
import time
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from reader_cluster import READERS, WithReaders, kit  # noqa: E402

ROW = "INSERT INTO demo.ledger (id, writer, seq, mark) VALUES ({}, 1, 1, {})"
SUMS = "CHECKSUM TABLE demo.ledger, systole.heartbeat EXTENDED"


class Watched(WithReaders):
    """For a cluster of any manager."""

    example = "watched.xml"
    systole = "systole"

    def configuration(self):
        return super().configuration().replace('value="192.0.2.1 192.0.2.2"', 'value="{}"'.format(
            " ".join(self.rig.address(node) for node in self.names)))

    def begin_server(self, node):
        """As init does: read-only, and nobody told it whom to follow."""
        self.background(f"server-{node}", node, "mariadbd", "--defaults-file=/etc/mysql/my.cnf", "--user=mysql",
                        "--read-only=1", "--skip-slave-start", "--gtid-strict-mode=1")
        kit.wait_until(lambda: self.sql(node, "SELECT 1"), 60, f"for the server of {node}")

    def value(self, node, name):
        """Of a node attribute, as the manager knows it; None: it has none."""
        asked = self.at("n1", "attrd_updater", "--query", "--node", node, "--name", name, check=False).stdout
        return asked.split('value="')[1].split('"')[0] if 'value="' in asked else None

    def beats(self, node):
        """The row as it stands there."""
        return self.sql(node, "SELECT ts FROM systole.heartbeat ORDER BY ts DESC LIMIT 1")

    def written_at(self, node):
        before = self.sql(node, "SELECT @@gtid_binlog_pos")
        time.sleep(1.5)
        return self.sql(node, "SELECT @@gtid_binlog_pos") != before

    def hold_applier(self, node, seconds):
        """A person's session that keeps the row which each heartbeat changes."""
        hold = f"BEGIN; SELECT * FROM systole.heartbeat FOR UPDATE; SELECT SLEEP({seconds})"
        self.background(f"hold-{node}", node, *kit.MARIADB, "-e", hold)

    def all_readers_at(self, node):
        found = self.readers()
        return found[node] == set(READERS) and not found[self.other(node)]

    def same(self):
        """The sums of both, once they are one."""
        sums = [self.sql(node, SUMS) for node in self.names]
        return sums[0] if sums[0] and sums[0] == sums[1] else None


class Beside(Watched):
    """docs/examples/readers.xml, its readers' attribute set by a watcher of its own."""

    example = "readers.xml"

    def configuration(self):
        tree = ElementTree.fromstring(super().configuration())
        params = tree.find(".//instance_attributes[@id='db-params']")
        ElementTree.SubElement(params, "nvpair", id="db-reader", name="reader_attribute", value="db-readable")
        watched = ElementTree.parse(kit.EXAMPLES / "watched.xml").getroot().find(".//clone[@id='watch-clone']")
        for pair, value in (("watch-repair", "none"), ("watch-repl-user", "repl"), ("watch-repl-passwd", "repl")):
            watched.find(f".//nvpair[@id='{pair}']").set("value", value)
        tree.find("resources").append(watched)
        return ElementTree.tostring(tree, encoding="unicode")


class Story:
    """Chapters in the order of their names. A test class calls begin() first."""

    @classmethod
    def begin(cls, cluster):
        cls.cluster = cluster
        cls.addClassCleanup(cluster.stop)
        cluster.prepare()
        cluster.make_databases()
        for node in cluster.names:
            cluster.rig.poweron(node)

    def reads(self, node, wanted, patience=40):
        kit.wait_until(lambda: self.cluster.value(node, "readable") == wanted, patience,
                       f"for {node} to have readable={wanted}")

    def parted(self, patience=60):
        kit.wait_until(self.cluster.parted, patience, f"for one reader address on each node: {self.cluster.readers()}")

    def lag_takes_the_readers_and_gives_them_back(self, primary):
        cluster, replica = self.cluster, self.cluster.other(primary)
        self.parted()
        cluster.hold_applier(replica, 20)
        kit.wait_until(lambda: cluster.all_readers_at(primary), 30, "for the late replica to lose its readers")
        self.assertEqual(cluster.value(replica, "readable"), "0")
        self.assertEqual(cluster.role(replica), "replica", "nobody touched it")
        self.reads(replica, "1", 60)
        self.parted()


class OnItsOwn(Story):
    def test_a_the_cluster_takes_the_example_and_the_replica_is_set_up(self):
        cluster = self.cluster
        for node in cluster.names:
            cluster.begin_server(node)
        cluster.sql("n1", "SET GLOBAL read_only=0")
        cluster.sql("n1", ROW.format(1, 1))
        cluster.configure(60)
        kit.wait_until(lambda: cluster.healthy() == "n1", 60, f"for n2 to follow n1: {cluster.summary()}")
        for node, writable in (("n1", "1"), ("n2", "0")):
            self.reads(node, "1")
            self.assertEqual(cluster.value(node, "writable"), writable)
        self.parted()

    def test_b_only_the_primary_writes_the_heartbeat(self):
        cluster = self.cluster
        kit.wait_until(lambda: cluster.beats("n2"), 30, "for a heartbeat to arrive")
        self.assertTrue(cluster.written_at("n1"))
        own = cluster.sql("n2", "SELECT @@server_id")[0][0]
        states = dict(part.rsplit("-", 1) for part in cluster.sql("n2", "SELECT @@gtid_binlog_state")[0][0].split(","))
        self.assertNotIn(f"0-{own}", states, "it has written nothing of its own")

    def test_c_lag_takes_the_readers_and_gives_them_back(self):
        self.lag_takes_the_readers_and_gives_them_back("n1")

    def test_d_an_error_takes_the_readers_at_once_until_a_person_has_mended_it(self):
        cluster = self.cluster
        cluster.sql("n2", "SET sql_log_bin=0; " + ROW.format(424242, 1))
        cluster.sql("n1", ROW.format(424242, 2))
        kit.wait_until(lambda: cluster.all_readers_at("n1"), 30, "for the broken replica to lose its readers")
        time.sleep(3)
        self.assertEqual(cluster.sql("n2", "SELECT mark FROM demo.ledger WHERE id=424242"), [["1"]],
                         "a row that differs is nobody's to mend")
        cluster.sql("n2", "SET sql_log_bin=0; DELETE FROM demo.ledger WHERE id=424242")
        cluster.sql("n2", "START SLAVE")
        self.reads("n2", "1")
        self.parted()

    def test_e_a_replica_whose_server_died_serves_again_when_init_has_started_it(self):
        cluster = self.cluster
        cluster.at("n2", "kill", "-9", cluster.at("n2", "cat", "/run/mysqld/mysqld.pid").stdout.strip())
        cluster.children.pop("server-n2").wait(20)
        kit.wait_until(lambda: cluster.all_readers_at("n1"), 30, "for the readers to be on n1")
        cluster.sql("n1", ROW.format(2, 2))
        cluster.begin_server("n2")
        kit.wait_until(lambda: cluster.healthy() == "n1", 60, "for n2 to follow again")
        self.reads("n2", "1")
        self.parted()

    def test_f_a_person_promotes_and_everything_follows(self):
        cluster = self.cluster
        cluster.sql("n1", "SET GLOBAL read_only=1")
        kit.wait_until(lambda: not cluster.holds_address("n1"), 30, "for the writers' address to be nowhere")
        last = cluster.sql("n1", "SELECT @@gtid_binlog_pos")
        kit.wait_until(lambda: cluster.sql("n2", "SELECT @@gtid_slave_pos") == last, 30, "for n2 to have all")
        for statement in ("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only=0"):
            self.assertIsNotNone(cluster.sql("n2", statement))
        kit.wait_until(lambda: cluster.healthy() == "n2", 60, f"for n1 to follow n2: {cluster.summary()}")
        self.assertIsNotNone(cluster.sql("n2", ROW.format(3, 3)))
        self.assertTrue(cluster.written_at("n2"))
        for node in cluster.names:
            self.reads(node, "1")
        self.parted()

    def test_g_both_databases_are_one(self):
        cluster = self.cluster
        cluster.sql("n2", "SET GLOBAL read_only=1")  # the heartbeat stands still
        kit.wait_until(cluster.same, 30, f"for equal tables: {[cluster.sql(n, SUMS) for n in cluster.names]}")


class BesideTheDatabase(Story):
    def primary(self):
        return kit.wait_until(self.cluster.redundant, 150, f"for a replica in sync: {self.cluster.summary()}")

    def test_a_the_watcher_says_who_may_be_read(self):
        self.cluster.configure(60)
        self.primary()
        for node in self.cluster.names:
            self.reads(node, "1")
            self.assertEqual(self.cluster.value(node, "db-readable"), "1")
        self.parted()

    def test_b_lag_takes_the_readers_and_gives_them_back(self):
        self.lag_takes_the_readers_and_gives_them_back(self.primary())

    def test_c_the_heartbeat_goes_with_the_primary_and_puts_nothing_into_a_replica(self):
        cluster = self.cluster
        for _ in range(2):
            primary = self.primary()
            done = cluster.at(primary, cluster.systole, "mysql", "switch", check=False)
            self.assertIn(f"{cluster.other(primary)} is the primary", done.stdout + done.stderr)
            self.assertEqual(self.primary(), cluster.other(primary))
            self.assertTrue(cluster.written_at(cluster.other(primary)))
            self.assertEqual(cluster.value(primary, "writable"), "0")
            self.parted()
