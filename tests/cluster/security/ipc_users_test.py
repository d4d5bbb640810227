#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may talk to the daemon: root and members of group haclient; anybody else is told why not, and can neither disturb
nor read what is not his.

usage: ipc_users_test.py BUILD_FOLDER [unittest's arguments]

It runs in a mount namespace of its own with its own /etc/passwd and /etc/group, so that it does not matter whether this
machine knows the group."""
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bad_input"))
INSIDE = "SYSTOLE_TEST_HAS_ITS_OWN_ACCOUNTS"

if __name__ == "__main__" and INSIDE not in os.environ:
    if os.geteuid() != 0:
        sys.exit("ipc_users_test: needs root: it becomes other users")
    os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, __file__, *sys.argv[1:]],
               {**os.environ, INSIDE: "yes"})

import bad_input  # noqa: E402  it takes the build folder from the arguments

HACLIENT, NOBODY = 4711, 65534
ANN, HACLUSTER = 4702, 4701
PASSWD = f"""root:x:0:0:root:/root:/bin/bash
hacluster:x:{HACLUSTER}:{NOBODY}::/nonexistent:/usr/sbin/nologin
ann:x:{ANN}:{NOBODY}::/nonexistent:/bin/sh
nobody:x:{NOBODY}:{NOBODY}:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = f"root:x:0:\nnogroup:x:{NOBODY}:\n"
WITH_HACLIENT = GROUP + f"haclient:x:{HACLIENT}:\n"
QUESTIONS = (("systole", "status"), ("cibadmin", "-Q"), ("crm_node", "-n"))
CONNECTIONS = 400  # more than the daemon takes
PYTHON = "/usr/bin/python3"  # the one that others may run, too

# Opens as many connections as it may, says so, and holds them until its input ends.
HOG = """import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    held.append(one)
print("held", flush=True)
sys.stdin.read()
"""


class Accounts:
    """Bind-mounted over the machine's, in this process's namespace and that of its children."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="systole-accounts-"))
        for name, text in (("passwd", PASSWD), ("group", WITH_HACLIENT)):
            (self.folder / name).write_text(text)
            subprocess.run(["mount", "--bind", self.folder / name, f"/etc/{name}"], check=True)

    def know_haclient(self, known):
        (self.folder / "group").write_text(WITH_HACLIENT if known else GROUP)

    def remove(self):
        for name in ("passwd", "group"):
            subprocess.run(["umount", f"/etc/{name}"], check=True)
        shutil.rmtree(self.folder)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.accounts = Accounts()
        cls.addClassCleanup(cls.accounts.remove)
        cls.before = os.umask(0o077)  # as careful administrators have it; the daemon must not inherit it
        cls.addClassCleanup(os.umask, cls.before)
        cls.daemon = bad_input.Daemon()
        cls.addClassCleanup(cls.daemon.remove)
        cls.daemon.folder.chmod(0o755)
        cls.bin = cls.daemon.folder / "bin"  # a build folder may be where others cannot go
        cls.bin.mkdir()
        cls.bin.chmod(0o755)
        for name in {name for name, *_ in QUESTIONS}:
            shutil.copy2(bad_input.TOOLS / name, cls.bin / name)
            (cls.bin / name).chmod(0o755)
        cls.daemon.start()

    def setUp(self):
        self.accounts.know_haclient(True)

    def ask_as(self, user, group, more, name, *words):
        return subprocess.run([self.bin / name, *words], capture_output=True, text=True, timeout=bad_input.PATIENCE,
                              env=self.daemon.environment(), cwd="/", user=user, group=group, extra_groups=more)

    def answers(self, user, group, more=()):
        for question in QUESTIONS:
            done = self.ask_as(user, group, list(more), *question)
            self.assertEqual(done.returncode, 0, f"{question}: {done.stdout}{done.stderr}")
            self.assertTrue(done.stdout)

    def refuses(self, user, group, *texts, more=()):
        for question in QUESTIONS:
            done = self.ask_as(user, group, list(more), *question)
            self.assertEqual(done.returncode, 77, f"{question}: {done.stdout}{done.stderr}")
            self.assertEqual(done.stdout, "")
            for text in ("may not talk to the cluster", *texts):
                self.assertIn(text, done.stderr)


class WhoMayAsk(Case):
    def test_root_may(self):
        self.answers(0, 0)

    def test_members_of_haclient_may_by_their_first_and_by_a_further_group(self):
        self.answers(ANN, HACLIENT)
        self.answers(ANN, NOBODY, more=[1, HACLIENT])

    def test_the_user_hacluster_may(self):
        self.answers(HACLUSTER, NOBODY)

    def test_nobody_may_not_and_is_told_what_to_do(self):
        self.refuses(NOBODY, NOBODY, "user 'nobody'", "root", "usermod --append --groups haclient nobody")
        self.refuses(ANN, NOBODY, "user 'ann'", more=[1, 2])
        self.refuses(4999, 4999, "user '4999'")

    def test_where_the_group_does_not_exist_only_root_may_and_the_advice_makes_it(self):
        self.accounts.know_haclient(False)
        self.refuses(ANN, HACLIENT, "groupadd --system haclient")
        self.answers(0, 0)

    def test_who_may_not_ask_cannot_take_the_place_of_those_who_may(self):
        socket_path = self.daemon.folder / "run/crmd.sock"
        hog = subprocess.Popen([PYTHON, "-c", HOG, socket_path, str(CONNECTIONS)], text=True, cwd="/",
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               user=NOBODY, group=NOBODY, extra_groups=[])
        try:
            self.assertEqual(hog.stdout.readline(), "held\n", "it could not connect so often")
            self.answers(0, 0)
        finally:
            complaint = hog.communicate()[1]
        self.assertEqual(hog.returncode, 0, complaint)
        self.assertNotIn("turned away", (self.daemon.folder / "log").read_text(), "others can fill the log")


class WhatLiesAround(Case):
    def about(self, path):
        found = (self.daemon.folder / path).stat()
        return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid

    def test_folders_and_sockets_have_owners_and_modes_that_do_not_depend_on_the_umask(self):
        for path, mode in (("run", 0o755), ("run/crmd.sock", 0o666), ("run/guardian.sock", 0o600), ("state", 0o750)):
            self.assertEqual(self.about(path), (mode, 0, 0), path)

    def test_others_can_change_nothing_and_read_no_configuration(self):
        folders = [self.daemon.folder / name for name in ("run", "state")]
        for path in [p for folder in folders for p in (folder, *folder.rglob("*"))]:
            mode = path.stat().st_mode
            self.assertTrue(mode & 0o022 == 0 or path.name == "crmd.sock", f"{path} has mode {stat.filemode(mode)}")
        done = subprocess.run(["cat", *(self.daemon.folder / "state").glob("*")], capture_output=True, text=True,
                              user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_the_guardian_listens_to_root_alone(self):
        path = str(self.daemon.folder / "run/guardian.sock")
        for user, group in ((NOBODY, NOBODY), (ANN, HACLIENT)):
            script = f"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect({path!r})"
            done = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True, cwd="/",
                                  user=user, group=group, extra_groups=[])
            self.assertIn("PermissionError", done.stderr)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as own:
            own.connect(path)

    def test_a_folder_that_others_may_not_enter_is_named_as_the_cause(self):
        run = self.daemon.folder / "run"
        run.chmod(0o700)
        try:
            for question in QUESTIONS:
                done = self.ask_as(NOBODY, NOBODY, [], *question)
                self.assertEqual(done.returncode, 77, f"{question}: {done.stdout}{done.stderr}")
                self.assertIn("may not enter", done.stderr)
        finally:
            run.chmod(0o755)


if __name__ == "__main__":
    unittest.main()
