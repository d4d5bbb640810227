# SPDX-License-Identifier: GPL-2.0-or-later
"""A node's /var as a small file system of its own, so that it can be full without filling this machine."""
import rig as rigs

# The file system keeps back a little for each file that grows, so files of falling size follow the first one.
FILL = """sync
for size in 1048576 65536 4096 1024; do
  number=0
  while head -c $size /dev/zero >/var/filler.$size.$number 2>/dev/null; do number=$((number + 1)); done
done
sync"""


def give(rig, node, megabytes):
    """To a node that is off. What lies in its disk/var becomes the content; that folder is not looked at again."""
    rigs.run("mkfs.ext4", "-q", "-m", "0", "-d", rig.disk(node, "var"), rig.dir / node / "var.img", f"{megabytes}M")


def fill(rig, node):
    rig.at(node, "sh", "-c", FILL, check=False)


def free(rig, node):
    rig.at(node, "sh", "-c", "rm -f /var/filler.*", check=False)
