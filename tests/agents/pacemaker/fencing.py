# SPDX-License-Identifier: GPL-2.0-or-later
"""Fencing for a Pacemaker cluster of a rig: the other end of fence_switch. A switch that works cuts the node's cables
and kills all of it at once, and switches it on again after a reboot was asked for; a dead one answers nothing."""
import pathlib
import shutil
import threading
import time
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
POWERED_ON_AGAIN = 3.0  # s after a reboot was asked for


class PowerSwitch(threading.Thread):
    def __init__(self, rig, folder):
        super().__init__(daemon=True)
        self.rig, self.folder = rig, folder
        self.works, self.cut, self.ended = True, [], threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            for request in sorted(self.folder.glob("*.ask")) if self.works else ():
                action, node = request.read_text().split()
                self.obey(action, node)
                request.with_suffix(".done").write_text("ok")
                request.unlink()

    def obey(self, action, node):
        """A node that is off already stays off: whoever switched it off switches it on."""
        if action in ("off", "reboot") and self.rig.pid(node) is not None:
            self.cut.append((time.monotonic(), node))
            self.rig.poweroff(node)
            if action == "reboot":
                threading.Timer(POWERED_ON_AGAIN, self.switch_on, (node,)).start()

    def switch_on(self, node):
        if not self.ended.is_set() and self.rig.pid(node) is None:
            self.rig.poweron(node)

    def end(self):
        self.ended.set()
        self.join()


def stage(folder):
    """What the nodes need, in the folder that they see as /opt/systole."""
    shutil.copy2(HERE / "fence_switch", folder / "fence_switch")
    (folder / "power").mkdir(exist_ok=True)


def configure(tree, nodes):
    """Adds the switch to a configuration, and wants it used."""
    for found in tree.findall(".//nvpair[@name='stonith-enabled']"):
        found.set("value", "true")
    device = xml.SubElement(tree.find("resources"), "primitive", {"id": "power", "class": "stonith",
                                                                  "type": "fence_legacy"})
    place = xml.SubElement(device, "instance_attributes", id="power-params")
    for name, value in {"pcmk_host_list": " ".join(nodes), "pcmk_delay_max": "2s"}.items():
        xml.SubElement(place, "nvpair", id=f"power-{name}", name=name, value=value)
