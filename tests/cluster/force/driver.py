# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario may do with the cluster software of a node, whichever that is; one class per software."""
import os
import signal

import cluster as kit

# setsid -f: the daemon outlives the command that starts it, and holds none of its pipes.
START = "setsid -f /opt/systole/start </dev/null >>/var/log/console.log 2>&1"


class Driver:
    name = mode = quorum = ""
    node_count = 2
    daemon = ""    # the program whose silence the other nodes notice
    guardian = ""  # the program that acts when the daemon does not, if there is one

    def missing(self):
        """Why it cannot run here, in words; None when it can."""
        return None

    def version(self):
        raise NotImplementedError

    # -- laying out ------------------------------------------------------------------------------------------------
    def stage(self, field):
        """Copies programs into field.stage, which the nodes see as /opt/systole."""

    def mounts(self):
        """Shell lines that a node runs once, at its start."""
        return ""

    def start_script(self):
        """Starts the software on a node; harmless when it runs."""
        raise NotImplementedError

    def write_settings(self, field, node, number, key):
        raise NotImplementedError

    def refusal(self, field):
        """Why the software refuses its settings on the nodes, in words; None when it does not."""
        return None

    def configure(self, field):
        """Once all nodes run: what the cluster is to do."""

    # -- using -----------------------------------------------------------------------------------------------------
    def start(self, field, node):
        field.at(node, "sh", "-c", START)

    def stop(self, field, node):
        """In order, as an administrator does."""
        self.signal(field, node, self.daemon, signal.SIGTERM)
        kit.wait_until(lambda: not self.runs(field, node), 30, f"for {self.daemon} to end on {node}")

    def begin_again(self, field, node):
        """As an upgrade does that lets nothing go; False: there is no such thing."""
        return False

    def settled(self, field):
        """Its own words: everyone is a member and nothing is under way."""
        raise NotImplementedError

    def leader(self, field):
        """The node that decides for all; None where there is no such node."""
        return None

    def move_address(self, field, node):
        """As an administrator does; nothing stays behind that would hold it there. Needed where there is a leader."""
        raise NotImplementedError

    def poke(self, field, node):
        """Something that makes a node write to its disk."""

    # -- its processes ---------------------------------------------------------------------------------------------
    def pids(self, field, node, program):
        found = []
        for pid in field.rig.node_pids(node):
            try:
                path = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
            except OSError:
                continue
            if program and os.path.basename(path) == program:
                found.append(pid)
        return found

    def runs(self, field, node):
        return bool(self.pids(field, node, self.daemon))

    def has_guardian(self, field):
        """It runs on every node that may own the address."""
        return bool(self.guardian) and all(self.pids(field, n, self.guardian) for n in ("n1", "n2"))

    def signal(self, field, node, program, number):
        pids = self.pids(field, node, program)
        if not pids:
            raise kit.ClusterError(f"there is no process '{program}' on {node}")
        for pid in pids:
            field.rig.signal(pid, number)

    def kill_daemon(self, field, node):
        self.signal(field, node, self.daemon, signal.SIGKILL)

    def pause_daemon(self, field, node):
        self.signal(field, node, self.daemon, signal.SIGSTOP)

    def resume_daemon(self, field, node):
        self.signal(field, node, self.daemon, signal.SIGCONT)

    def kill_guardian(self, field, node):
        self.signal(field, node, self.guardian, signal.SIGKILL)

    def pause_guardian(self, field, node):
        self.signal(field, node, self.guardian, signal.SIGSTOP)

    def resume_guardian(self, field, node):
        self.signal(field, node, self.guardian, signal.SIGCONT)
