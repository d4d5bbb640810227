# SPDX-License-Identifier: GPL-2.0-or-later
"""MariaDB servers that nobody manages, each with its own datadir, socket and loopback address, and the agent called as
a cluster would call it. All is below one folder in /tmp that goes with the rig, and so do the servers."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "mysql/tools"
PASSWORD = "se'cret"
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


def wait_until(question, seconds=15):
    """The first true answer, else the last one."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.05)


class Answer:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


class Server:
    """One mariadbd."""

    def __init__(self, home, address, port, server_id):
        self.home, self.address, self.port, self.id = home, address, port, server_id
        self.process = None

    @property
    def socket(self):
        return f"{self.home}/socket"

    def start(self, *options):
        base = ["mariadbd", "--no-defaults", "--user=root", f"--datadir={self.home}/data",
                f"--socket={self.socket}", f"--port={self.port}", f"--bind-address={self.address}",
                f"--pid-file={self.home}/pid", f"--log-error={self.home}/error.log", f"--server-id={self.id}",
                f"--tmpdir={self.home}/tmp", "--log-bin=bin", "--relay-log=relay", "--log-slave-updates",
                "--binlog-format=ROW", "--gtid-strict-mode=ON", "--skip-name-resolve", "--skip-slave-start",
                "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0",
                "--slave-net-timeout=10", "--sync-binlog=0"]
        with open(f"{self.home}/error.log", "a") as log:
            self.process = subprocess.Popen([*base, *options], stdout=log, stderr=log, cwd=self.home)
        wait_until(lambda: self.answers() or self.process.poll() is not None, 60)
        if self.process.poll() is not None or not self.answers():
            raise RuntimeError(f"mariadbd did not start: {pathlib.Path(self.home, 'error.log').read_text()[-2000:]}")
        return self

    def answers(self):
        return self.client("SELECT 1").returncode == 0

    def client(self, statement, *options):
        return subprocess.run(["mariadb", "--no-defaults", "-S", self.socket, "-N", "-B", *options, "-e", statement],
                              text=True, capture_output=True, timeout=60)

    def sql(self, statement):
        done = self.client(statement)
        if done.returncode != 0:
            raise RuntimeError(f"{statement}: {done.stderr}")
        return done.stdout.strip()

    def slave(self, column):
        done = subprocess.run(["mariadb", "--no-defaults", "-S", self.socket, "-e", "SHOW SLAVE STATUS\\G"], text=True,
                              capture_output=True, timeout=60)
        for line in done.stdout.splitlines():
            name, _, value = line.strip().partition(":")
            if name == column:
                return value.strip()
        return ""

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process = None


class Rig:
    """Nodes n1, n2 …; n1 is the primary, the others follow it."""

    template = None

    def __init__(self, agent, count=2, options=(), replica_options=(), before_start=None):
        self.agent = agent
        self.root = tempfile.mkdtemp(prefix="systole-replication-test-")
        port = 30000 + os.getpid() % 10000
        self.servers = {}
        try:
            for number in range(1, count + 1):
                home = f"{self.root}/n{number}"
                os.makedirs(f"{home}/tmp")
                shutil.copytree(f"{self.fresh_database()}/data", f"{home}/data")
                server = Server(home, f"127.0.{1 + os.getpid() % 200}.{number}", port, number)
                self.servers[f"n{number}"] = server
                if before_start is not None:
                    before_start(server)
                server.start(*options, *(replica_options if number > 1 else ()))
            self.primary, self.replica = self.servers["n1"], self.servers.get("n2")
            for node in list(self.servers)[1:]:
                self.follow(node)
        except BaseException:
            self.close()
            raise

    @classmethod
    def fresh_database(cls):
        """Made once per program; it goes with it."""
        if cls.template is None:
            folder = tempfile.mkdtemp(prefix="systole-replication-template-")
            cls.template = folder
            env = {"PATH": SYSTEM, "TMPDIR": folder}
            subprocess.run(["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={folder}/data",
                            "--auth-root-authentication-method=socket", "--skip-test-db",
                            "--innodb-log-file-size=16M"], check=True, capture_output=True, timeout=120, env=env)
            setup = "FLUSH PRIVILEGES;\nCREATE USER repl@'127.%' IDENTIFIED BY 'se''cret';\n" \
                    "GRANT REPLICATION SLAVE ON *.* TO repl@'127.%';\nCREATE DATABASE d;\n" \
                    "CREATE TABLE d.t(k INT PRIMARY KEY, v INT) ENGINE=InnoDB;\n" \
                    "CREATE USER watcher@localhost IDENTIFIED BY 'watch';\n" \
                    "GRANT SLAVE MONITOR, BINLOG MONITOR, PROCESS, SELECT ON *.* TO watcher@localhost;\n"
            subprocess.run(["mariadbd", "--no-defaults", "--user=root", f"--datadir={folder}/data", "--bootstrap",
                            "--innodb-log-file-size=16M"], input=setup, text=True, check=True, capture_output=True,
                           timeout=120, env=env)
        return cls.template

    @classmethod
    def forget_database(cls):
        if cls.template is not None:
            shutil.rmtree(cls.template, ignore_errors=True)
            cls.template = None

    def follow(self, node, more="MASTER_USE_GTID=slave_pos", read_only=True):
        server = self.servers[node]
        server.sql(f"SET GLOBAL read_only={1 if read_only else 0}; "
                   f"CHANGE MASTER TO MASTER_HOST='{self.primary.address}', MASTER_PORT={self.primary.port}, "
                   f"MASTER_USER='repl', MASTER_PASSWORD='se''cret', "
                   f"MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1, {more}; START SLAVE")
        if not wait_until(lambda: server.slave("Slave_IO_Running") == "Yes"):
            raise RuntimeError(f"{node} does not follow: {server.slave('Last_IO_Error')}")

    def caught_up(self, node="n2"):
        position = self.primary.sql("SELECT @@gtid_binlog_pos")
        return wait_until(lambda: self.servers[node].sql("SELECT @@gtid_slave_pos") == position)

    def environment(self, node, params):
        home = self.servers[node].home
        base = {"state": f"{home}/state", "socket": self.servers[node].socket, "user": "root",
                "replication_user": "repl", "replication_passwd": PASSWORD,
                "replication_port": str(self.primary.port), "promotion_score_of": "db", "dwell": "1s",
                "sql_timeout": "2s", "repair": "none"}
        reskeys = {f"OCF_RESKEY_{name}": str(value) for name, value in {**base, **params}.items()}
        return {"PATH": f"{TOOLS}:{SYSTEM}", "FAKE_CLUSTER": f"{self.root}/cluster", "FAKE_NODE": node,
                "HA_RSCTMP": f"{home}/tmp", "HA_LOGFILE": f"{home}/agent.log", "OCF_ROOT": "/usr/lib/ocf",
                "OCF_RESOURCE_INSTANCE": "watch:0", "OCF_RESKEY_crm_feature_set": "3.16.1",
                "OCF_RESKEY_CRM_meta_on_node": node, "OCF_RESKEY_CRM_meta_timeout": "20000",
                "OCF_RESKEY_CRM_meta_interval": "2000", **reskeys}

    def call(self, node, action, **params):
        return Answer(subprocess.run([self.agent, action], env=self.environment(node, params), text=True,
                                     capture_output=True, timeout=60))

    def attribute(self, node, name):
        path = pathlib.Path(self.root, "cluster", node, name)
        return path.read_text() if path.exists() else None

    def set_attribute(self, node, name, value):
        path = pathlib.Path(self.root, "cluster", node, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value)

    def tool_calls(self):
        path = pathlib.Path(self.root, "cluster/calls")
        return len(path.read_text().splitlines()) if path.exists() else 0

    def memory(self, node):
        path = pathlib.Path(self.servers[node].home, "state")
        return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)

    def log(self, node):
        path = pathlib.Path(self.servers[node].home, "agent.log")
        return path.read_text() if path.exists() else ""

    def close(self):
        for node, server in self.servers.items():
            beat = pathlib.Path(server.home, "state.heartbeat")
            if beat.exists():  # its writer, where a test failed before its stop
                try:
                    os.kill(int(beat.read_text().split()[0]), signal.SIGKILL)
                except (OSError, ValueError, IndexError):
                    pass
            if server.process is not None:
                server.process.send_signal(signal.SIGCONT)
                server.kill()
        for server in self.servers.values():
            if os.path.ismount(f"{server.home}/small"):
                subprocess.run(["umount", "-l", f"{server.home}/small"], check=False)
        shutil.rmtree(self.root, ignore_errors=True)
