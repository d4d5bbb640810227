#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The real guardian with a fake crmd, in network and mount namespaces of its own: addresses on a veth,
processes in a cgroup. The fake crmd is a process that is really killed or stopped; who is gone when is asked of the
kernel (netlink, pidfd), not of the guardian.

usage: guardian_test.py GUARDIAN [--measure N] [unittest arguments]; leaves with 77 where it may not make namespaces.
--measure N: kills N crmds and prints how long after the end of the lease address and process were gone."""
import mmap
import os
import pathlib
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import unittest

GUARDIAN = ""
RUN = "/run/systole"
VIP, VIP6 = "198.51.100.7", "fd00:77::7"
UNTIL, SEEN = 56, 64  # offsets in the lease page


def boot_now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def call(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def wait_for(what, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.002)
    return False


def connect():
    """A connection to the guardian, as soon as it listens."""
    end = time.monotonic() + 5
    while True:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            link.connect(f"{RUN}/guardian.sock")
            return link
        except OSError:
            link.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.005)


def page_value(offset):
    with open(f"{RUN}/lease", "rb") as page:
        return struct.unpack_from("q", page.read(), offset)[0]


# ---- the fake crmd: a process of its own. Words on its standard input: "feed MS" (renew from now on, by so much),
# "hold LINES" ('|' for line ends), "done"; what the guardian says it prints, '|' for line ends.

def fake_crmd():
    link = connect()
    link.send(b"hello 1\n")
    with open(f"{RUN}/lease", "r+b") as file:
        page = mmap.mmap(file.fileno(), 4096)
    lease = number = 0
    asked = b""  # not sys.stdin.readline(): it would swallow a second line that select() never tells of
    while True:
        ready, _, _ = select.select([link, 0], [], [], 0.01)
        if lease:
            page[UNTIL:UNTIL + 8] = struct.pack("q", boot_now() + lease)
        if link in ready:
            said = link.recv(1 << 18).decode()
            if not said:
                return
            print(said.replace("\n", "|"), flush=True)
            if "laddered " in said:
                link.send(b"heard\n")
        if 0 in ready:
            more = os.read(0, 1 << 16)
            asked += more
            if not more:
                return
        while b"\n" in asked:
            line, asked = asked.split(b"\n", 1)
            word, _, rest = line.decode().partition(" ")
            if word == "feed":
                lease = int(rest) * 1_000_000
                page[UNTIL:UNTIL + 8] = struct.pack("q", boot_now() + lease)
            if word == "hold":
                number += 1
                link.send(f"hold {number}\n{rest.replace('|', chr(10))}".encode())
            if word == "done":
                link.send(b"done\n")


class Crmd:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__, "--fake-crmd"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.state = self.hear()

    def hear(self, seconds=30):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline().strip() if ready else ""

    def say(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def hold(self, *lines):
        self.say("hold " + "".join(line + "|" for line in lines))
        return self.hear()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Guarded(unittest.TestCase):
    wrapper = options = ()

    def setUp(self):
        shutil.rmtree(RUN, ignore_errors=True)
        os.makedirs(RUN)
        self.log = open("/run/guardian.log", "w+")
        self.addCleanup(self.log.close)
        self.address(VIP)
        self.guardian = self.start_guardian()
        self.cgroup = self.make_cgroup()
        self.crmd = None

    def start_guardian(self):
        child = subprocess.Popen([*self.wrapper, GUARDIAN, "--rundir", RUN, *self.options], stderr=self.log)
        self.addCleanup(self.end, child)
        return child

    def begin_crmd(self):
        crmd = Crmd()
        self.addCleanup(crmd.end)
        return crmd

    def end(self, child):
        child.kill()
        child.wait()

    def make_cgroup(self):
        mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        mount = next((fields[1] for fields in mounts if fields[2] == "cgroup2"), None)
        if mount is None:
            self.skipTest("no cgroup2 is mounted here")
        folder = pathlib.Path(mount, f"systole-test-{os.getpid()}")
        folder.mkdir(exist_ok=True)
        self.addCleanup(self.remove_cgroup, folder)
        return folder

    def remove_cgroup(self, folder):
        (folder / "cgroup.kill").write_text("1")
        self.assertTrue(wait_for(lambda: "populated 0" in (folder / "cgroup.events").read_text()))
        folder.rmdir()

    def address(self, ip):
        call("ip", "address", "replace", ip, "dev", "guard0", *(["nodad"] if ":" in ip else []))

    def has(self, ip):
        return f" {ip}/" in call("ip", "address", "show", "dev", "guard0").stdout

    def victim(self, *command, cgroup=True):
        door = str(self.cgroup / "cgroup.procs")

        def enter():
            os.setsid()
            if cgroup:
                with open(door, "w") as procs:
                    procs.write("0")
        child = subprocess.Popen(command or ("sleep", "60"), preexec_fn=enter)
        self.addCleanup(self.end, child)
        return child

    def logged(self):
        self.log.flush()
        return pathlib.Path("/run/guardian.log").read_text()

    def hold_all(self, crmd, lease_ms):
        crmd.say(f"feed {lease_ms}")
        self.assertEqual(crmd.hold("resource vip", f"address {VIP}", "resource db", f"cgroup {self.cgroup}"), "ack 1|")


def gone_times(crmd, child):
    """Kills crmd; (end of its lease, when the kernel said that the address is gone, when that the child is dead)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as news:
        news.bind((0, 0x10 | 0x100))  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
        handle = os.pidfd_open(child.pid)
        crmd.signal(signal.SIGKILL)
        crmd.process.wait()
        until, address, process = page_value(UNTIL), 0, 0
        end = boot_now() + 5_000_000_000
        while not (address and process) and boot_now() < end:
            ready, _, _ = select.select([news] * (not address) + [handle] * (not process), [], [], 1)
            now = boot_now()
            if handle in ready:
                process = now
            if news in ready and struct.unpack_from("H", news.recv(1 << 16), 4)[0] == 21:  # RTM_DELADDR
                address = now
        os.close(handle)
    return until, address, process


class WhenTheLeaseEnds(Guarded):
    def test_a_killed_crmd_costs_the_node_address_and_process_at_the_end_of_the_lease_and_not_before(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 400)
        until, address, process = gone_times(crmd, child)
        for gone in (address, process):
            self.assertGreaterEqual(gone, until, "gone before the lease ended")
            self.assertLess((gone - until) / 1e6, 500, self.logged())
        self.assertFalse(self.has(VIP))

    def test_a_second_crmd_that_renews_in_time_finds_everything_in_place_and_hears_what_is_held(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 700)
        crmd.signal(signal.SIGKILL)
        second = self.begin_crmd()
        self.assertIn(f"resource vip|address {VIP}|resource db|cgroup {self.cgroup}|", second.state)
        self.assertNotIn("laddered", second.state)
        second.say("feed 700")
        time.sleep(1.5)
        self.assertTrue(self.has(VIP), self.logged())
        self.assertIsNone(child.poll())

    def test_a_stopped_crmd_hears_of_it_when_it_wakes_up(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 300)
        crmd.signal(signal.SIGSTOP)
        self.assertTrue(wait_for(lambda: not self.has(VIP)), self.logged())
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        crmd.signal(signal.SIGCONT)
        news = crmd.hear()
        self.assertRegex(news, r"^laddered \d+ yes .*vip, db")

    def test_what_was_missed_is_told_to_the_next_crmd_once(self):
        crmd, _ = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 200)
        crmd.end()
        self.assertTrue(wait_for(lambda: "all is gone" in self.logged()), self.logged())
        second = self.begin_crmd()
        self.assertRegex(second.state, r"laddered \d+ yes ")
        self.assertNotIn("resource", second.state)
        time.sleep(0.1)
        second.end()
        self.assertNotIn("laddered", self.begin_crmd().state)

    def test_what_is_held_too_late_is_ended_and_not_acknowledged(self):
        crmd, child = self.begin_crmd(), self.victim()
        with open(f"{RUN}/lease", "r+b") as page:
            page.seek(UNTIL)
            page.write(struct.pack("q", boot_now() - 1_000_000_000))
        self.assertRegex(crmd.hold("resource db", f"cgroup {self.cgroup}"), r"^laddered \d+ yes ")
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        crmd.say("feed 5000")
        self.assertEqual(crmd.hold("resource db", f"cgroup {self.cgroup}"), "ack 2|")

    def test_an_ipv6_address_goes_too_and_others_stay(self):
        self.address(VIP6)
        self.address("198.51.100.8")
        self.address("fd00:77::8")
        crmd = self.begin_crmd()
        crmd.say("feed 200")
        crmd.hold("resource vip", f"address {VIP}", f"address {VIP6}")
        crmd.signal(signal.SIGKILL)
        self.assertTrue(wait_for(lambda: not self.has(VIP) and not self.has(VIP6)), self.logged())
        time.sleep(0.2)
        self.assertTrue(self.has("198.51.100.8") and self.has("fd00:77::8"))

    def test_an_agent_that_adds_the_address_again_dies_and_the_address_goes(self):
        again = f"while :; do ip address replace {VIP}/32 dev guard0; done"
        crmd, child = self.begin_crmd(), self.victim("sh", "-c", again)
        self.hold_all(crmd, 300)
        crmd.signal(signal.SIGKILL)
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        self.assertTrue(wait_for(lambda: "all is gone" in self.logged()), self.logged())
        time.sleep(0.2)
        self.assertFalse(self.has(VIP))

    def test_without_a_cgroup_groups_and_pid_files_name_what_dies(self):
        group = self.victim(cgroup=False)
        server = self.victim("sh", "-c", "sleep 60 & sleep 61", cgroup=False)
        pathlib.Path("/run/server.pid").write_text(f" {server.pid}\n")
        for name, words in (("one", "1\n"), ("none", "abc\n"), ("self", f"{self.guardian.pid}\n"), ("huge", "9" * 30)):
            pathlib.Path(f"/run/{name}.pid").write_text(words)
        crmd = self.begin_crmd()
        crmd.say("feed 200")
        crmd.hold("resource db", f"group {group.pid}", "pidfile /run/server.pid", "pidfile /run/one.pid",
                  "pidfile /run/none.pid", "pidfile /run/self.pid", "pidfile /run/huge.pid", "pidfile /run/not.there")
        crmd.signal(signal.SIGKILL)
        self.assertEqual(group.wait(5), -signal.SIGKILL)
        self.assertEqual(server.wait(5), -signal.SIGKILL)
        self.assertTrue(wait_for(lambda: "all is gone" in self.logged()), self.logged())
        self.assertIsNone(self.guardian.poll())

    def test_a_full_disk_does_not_matter(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 500)
        with open("/run/filler", "wb") as filler:
            try:
                while True:
                    filler.write(b"x" * 65536)
                    filler.flush()
            except OSError:
                pass
        self.addCleanup(os.unlink, "/run/filler")
        crmd.signal(signal.SIGKILL)
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        self.assertTrue(wait_for(lambda: not self.has(VIP)))


class WhoMayDisturbIt(Guarded):
    def test_garbage_on_the_socket_is_refused_and_changes_nothing(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 400)
        for bytes_ in (b"\0" * 100, b"hold 9\n", b"done\n", b"hello x\n", b"x" * 180_000, b"hello 1\nhold 1\n"):
            with connect() as stranger:
                stranger.send(bytes_)
                self.assertEqual(stranger.recv(100), b"", bytes_[:20])
        self.assertIsNone(self.guardian.poll())
        crmd.signal(signal.SIGKILL)
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        self.assertIn("is let go: not the language of crmd and guardian", self.logged())

    def test_many_strangers_who_say_nothing_do_not_keep_crmd_out(self):
        for stranger in [connect() for _ in range(20)]:
            self.addCleanup(stranger.close)
        self.assertTrue(self.begin_crmd().state.startswith("state 1|"))

    def test_signals_end_it_only_while_nothing_is_held(self):
        crmd = self.begin_crmd()
        self.hold_all(crmd, 5000)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.guardian.send_signal(number)
        self.assertTrue(wait_for(lambda: self.logged().count("ignored: this node holds vip, db") == 3), self.logged())
        self.assertIsNone(self.guardian.poll())
        self.assertEqual(crmd.hold(), "ack 2|")
        self.guardian.send_signal(signal.SIGTERM)
        self.assertEqual(self.guardian.wait(5), 0)

    def test_a_second_guardian_is_refused(self):
        self.begin_crmd()
        second = subprocess.run([GUARDIAN, "--rundir", RUN], stderr=subprocess.PIPE, text=True)
        self.assertEqual(second.returncode, 108, second.stderr)
        self.assertIn("already running", second.stderr)

    def test_without_its_folder_it_goes_on_to_guard_what_is_held(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 60_000)
        shutil.rmtree(RUN)
        time.sleep(1.5)
        crmd.end()
        time.sleep(1.5)
        self.assertIsNone(self.guardian.poll(), "something is held")
        self.assertTrue(self.has(VIP) and child.poll() is None)

    def test_without_its_folder_it_ends_when_it_holds_nothing(self):
        crmd = self.begin_crmd()
        shutil.rmtree(RUN)
        time.sleep(1.5)
        self.assertIsNone(self.guardian.poll(), "its crmd is there")
        crmd.end()
        self.assertEqual(self.guardian.wait(5), 0)
        self.assertIn("no crmd can reach this guardian any more, and it holds nothing", self.logged())

    def test_it_leaves_the_socket_of_the_guardian_that_came_after_it(self):
        self.begin_crmd().end()
        shutil.rmtree(RUN)
        os.makedirs(RUN)
        successor = self.start_guardian()
        connect().close()
        self.assertEqual(self.guardian.wait(5), 0)
        time.sleep(1.5)
        self.assertIsNone(successor.poll())
        self.assertTrue(self.begin_crmd().state.startswith("state 1|"))

    def test_one_that_is_killed_with_crmd_leaves_what_it_held_to_the_next(self):
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 1000)
        crmd.signal(signal.SIGKILL)
        self.end(self.guardian)
        self.assertEqual(os.stat(f"{RUN}/held").st_mode & 0o777, 0o600)
        self.guardian = self.start_guardian()
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        self.assertTrue(wait_for(lambda: "all is gone" in self.logged()), self.logged())
        self.assertFalse(self.has(VIP))
        self.assertFalse(os.path.exists(f"{RUN}/held"))

    def test_only_root_gets_at_socket_and_page(self):
        self.begin_crmd()
        for name in ("guardian.sock", "lease"):
            self.assertEqual(os.stat(f"{RUN}/{name}").st_mode & 0o777, 0o600, name)

    def test_a_log_that_nobody_reads_does_not_stop_it(self):
        self.guardian.kill()
        self.guardian.wait()
        read, write = os.pipe()
        self.guardian = subprocess.Popen([GUARDIAN, "--rundir", RUN], stderr=write)
        self.addCleanup(self.end, self.guardian)
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(write, True)  # it is one open file for both of us
        crmd, child = self.begin_crmd(), self.victim()
        self.hold_all(crmd, 300)
        crmd.signal(signal.SIGKILL)
        self.assertEqual(child.wait(5), -signal.SIGKILL)
        os.close(read)
        os.close(write)


class TheWatchdog(Guarded):
    """A FIFO stands for the device: what is written to it can be read. This guardian may not kill what belongs to
    another user: so there is something that it cannot end."""
    wrapper = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill")
    options = ("--watchdog", "/run/fake-watchdog", "--watchdog-timeout", "3")

    def setUp(self):
        if not os.path.exists("/run/fake-watchdog"):
            os.mkfifo("/run/fake-watchdog")
        self.device = os.open("/run/fake-watchdog", os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, self.device)
        super().setUp()

    def written(self):
        try:
            return os.read(self.device, 1000)
        except BlockingIOError:
            return b""

    def test_it_is_petted_and_disarmed_at_an_orderly_end(self):
        crmd = self.begin_crmd()
        self.assertIn("watchdog /run/fake-watchdog, 3 s, which it did not confirm", crmd.state)
        self.assertIn("its timeout cannot be set", self.logged())
        time.sleep(2.3)
        self.assertIn(self.written(), (b"ppp", b"pp"))
        crmd.say("done")
        self.assertEqual(self.guardian.wait(5), 0)
        self.assertTrue(self.written().endswith(b"V"))

    def test_it_is_still_petted_where_the_folder_is_gone(self):
        self.begin_crmd().end()
        shutil.rmtree(RUN)
        self.written()
        time.sleep(2.5)
        self.assertIsNone(self.guardian.poll())
        self.assertIn(b"p", self.written())

    def test_a_killed_guardian_leaves_it_armed(self):
        self.begin_crmd()
        self.guardian.kill()
        self.guardian.wait()
        self.assertNotIn(b"V", self.written())

    def test_it_is_not_petted_while_something_cannot_be_ended(self):
        crmd = self.begin_crmd()
        crmd.say("feed 200")
        stubborn = subprocess.Popen(["sleep", "60"], user=65534, start_new_session=True)
        self.addCleanup(self.end, stubborn)
        crmd.hold("resource db", f"group {stubborn.pid}")
        crmd.signal(signal.SIGKILL)
        self.assertTrue(wait_for(lambda: "is petted no more" in self.logged()), self.logged())
        self.assertIn(f"there is still: process group {stubborn.pid}; trying again", self.logged())
        self.written()
        time.sleep(1.5)
        self.assertEqual(self.written(), b"")
        stubborn.kill()
        self.assertTrue(wait_for(lambda: "all is gone" in self.logged()), self.logged())
        self.assertTrue(wait_for(lambda: b"p" in self.written()), "petted again: nothing is left to end")


def measure(runs):
    class Measure(Guarded):  # in here, so that unittest does not take it for a test
        def runTest(self):
            crmd, child = self.begin_crmd(), self.victim()
            self.hold_all(crmd, 200)
            self.times = gone_times(crmd, child)

    # The witness is not late itself, however busy the machine is.
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(50))
    samples = []
    for _ in range(runs):
        case = Measure()
        result = case.run()
        if not result.wasSuccessful():
            sys.exit("".join(text for _, text in result.errors + result.failures))
        until, address, process = case.times
        samples.append(((address - until) / 1e6, (process - until) / 1e6))
    for name, column in (("address gone", 0), ("process dead", 1)):
        values = sorted(sample[column] for sample in samples)
        print(f"{name} after the end of the lease, ms, {runs} runs: median {statistics.median(values):.2f}, "
              f"min {values[0]:.2f}, max {values[-1]:.2f}")


def main():
    global GUARDIAN
    if sys.argv[1] == "--fake-crmd":
        return fake_crmd()
    if os.environ.get("SYSTOLE_GUARDIAN_TEST") != "inside":
        if call("unshare", "-nm", "true", check=False).returncode != 0:
            print("namespaces cannot be made here")
            sys.exit(77)
        os.environ["SYSTOLE_GUARDIAN_TEST"] = "inside"
        os.execvp("unshare", ["unshare", "-nm", "--propagation", "private", sys.executable, *sys.argv])
    call("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", "/run")  # no journal, and nobody else's files
    call("ip", "link", "add", "guard0", "type", "veth", "peer", "name", "guard1")
    for end in ("guard0", "guard1"):
        call("ip", "link", "set", end, "up")
    call("sysctl", "-qw", "net.ipv4.conf.all.promote_secondaries=1", check=False)
    GUARDIAN = os.path.abspath(sys.argv.pop(1))
    if "--measure" in sys.argv:
        return measure(int(sys.argv[sys.argv.index("--measure") + 1]))
    unittest.main()


if __name__ == "__main__":
    main()
