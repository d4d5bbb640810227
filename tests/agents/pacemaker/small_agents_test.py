#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ocf:systole:ping, Dummy and Stateful under Corosync and Pacemaker as Debian ships them: one node, in namespaces.

usage: small_agents_test.py FOLDER_OF_AGENTS. Nothing of the machine's own network, processes or /var is touched, and
the kernel ends all of it with this process. Exit 0: all held; 1: not; 77: skipped, something is not installed or not
allowed."""
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

SKIPPED = 77
PROGRAMS = ("corosync", "corosync-cmapctl", "pacemakerd", "crm_mon", "crm_resource", "cibadmin", "unshare", "ip")
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child"]
LOG, TRACE = "/var/log/pacemaker/pacemaker.log", "/run/trace"
COROSYNC_CONF = """totem {
    version: 2
    cluster_name: small
    transport: knet
    crypto_cipher: none
    crypto_hash: none
}
nodelist {
    node {
        nodeid: 1
        name: n1
        ring0_addr: 10.79.0.1
    }
}
quorum {
    provider: corosync_votequorum
}
"""
CONFIGURATION = """<configuration><crm_config><cluster_property_set id="o">
<nvpair id="o1" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes><resources>
<clone id="net-clone"><primitive id="net" class="ocf" provider="systole" type="ping"><instance_attributes id="np">
<nvpair id="np1" name="host_list" value="10.79.0.1 10.79.0.2 10.79.9.9"/>
<nvpair id="np2" name="multiplier" value="1000"/><nvpair id="np3" name="dampen" value="500ms"/>
<nvpair id="np4" name="timeout" value="200ms"/><nvpair id="np5" name="attempts" value="1"/></instance_attributes>
<operations><op id="no1" name="monitor" interval="1s" timeout="20s"/></operations></primitive></clone>
<primitive id="d" class="ocf" provider="systole" type="Dummy"><instance_attributes id="dp">
<nvpair id="dp1" name="trace_file" value="/run/trace"/></instance_attributes>
<operations><op id="do1" name="monitor" interval="1s" timeout="20s"/></operations></primitive>
<clone id="s-clone"><meta_attributes id="sm"><nvpair id="sm1" name="promotable" value="true"/>
<nvpair id="sm2" name="notify" value="true"/></meta_attributes>
<primitive id="s" class="ocf" provider="systole" type="Stateful">
<operations><op id="so1" name="monitor" interval="1s" role="Promoted" timeout="20s"/></operations></primitive></clone>
</resources><constraints><rsc_location id="dl" rsc="d"><rule id="dr" score="-INFINITY" boolean-op="or">
<expression id="e1" attribute="pingd" operation="not_defined"/>
<expression id="e2" attribute="pingd" operation="lte" value="0" type="number"/></rule></rsc_location></constraints>
</configuration>"""


class Failed(Exception):
    pass


def run(*command, check=True):
    done = subprocess.run(command, text=True, capture_output=True, timeout=60, check=False)
    if check and done.returncode != 0:
        raise Failed(f"'{' '.join(command)}' ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def wait(condition, what, seconds=40):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for {what}; crm_mon says:\n{run('crm_mon', '-1', '-A', check=False)}")
        time.sleep(0.2)
    print(f"  {what}", flush=True)


# -- the node -------------------------------------------------------------------------------------------------------
def own_folders(agents):
    run("mount", "--make-rprivate", "/")
    for folder in ("/run", "/dev/shm", "/var/lib/corosync", "/var/lib/pacemaker", "/var/log", "/etc/corosync"):
        run("mount", "-t", "tmpfs", "none", folder)
    for folder in ("/run/crm", "/run/lock", "/var/log/pacemaker", *(f"/var/lib/pacemaker/{part}" for part in
                                                                 ("blackbox", "cib", "cores", "pengine"))):
        os.mkdir(folder)
        shutil.chown(folder, "hacluster", "haclient")
    shutil.copytree("/usr/lib/ocf/resource.d", "/run/resource.d", symlinks=True)
    shutil.copytree(agents, "/run/resource.d/systole", dirs_exist_ok=True)
    run("mount", "--bind", "/run/resource.d", "/usr/lib/ocf/resource.d")


def begin_node(agents):
    own_folders(agents)
    run("hostname", "n1")
    for words in ("link set lo up", "addr add 10.79.0.1/32 dev lo", "addr add 10.79.0.2/32 dev lo"):
        run("ip", *words.split())
    write("/etc/corosync/corosync.conf", COROSYNC_CONF)
    os.environ.update(PCMK_logfile=LOG, PCMK_logfacility="none")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    daemons = [subprocess.Popen(["corosync", "-f"], **quiet)]
    wait(lambda: run("corosync-cmapctl", "runtime.config.totem.token", check=False), "corosync answers")
    daemons.append(subprocess.Popen(["pacemakerd"], **quiet))
    wait(lambda: mon() is not None and mon().find("./nodes/node[@online='true'][@pending='false']") is not None,
         "Pacemaker has one node", 60)
    return daemons


# -- what Pacemaker says --------------------------------------------------------------------------------------------
def mon():
    try:
        return xml.fromstring(run("crm_mon", "-1", "-A", "--output-as=xml", check=False))
    except xml.ParseError:
        return None


def attribute(name):
    found = mon().find(f"./node_attributes/node/attribute[@name='{name}']")
    return None if found is None else found.get("value")


def role(resource):
    found = mon().find(f".//resource[@id='{resource}'][@active='true']")
    return None if found is None else found.get("role")


def failures():
    return [(f.get("op_key"), f.get("exitstatus")) for f in mon().findall("./failures/failure")]


def expect(truth, words):
    if not truth:
        raise Failed(words)


# -- what must hold -------------------------------------------------------------------------------------------------
def scenario():
    run("cibadmin", "--replace", "--scope", "configuration", "--xml-text", CONFIGURATION)
    wait(lambda: attribute("pingd") == "2000", "two of three hosts answer: pingd is 2000")
    wait(lambda: role("d") == "Started", "a rule on pingd lets Dummy run")
    wait(lambda: role("s") in ("Promoted", "Master"), "Stateful is promoted by its score")
    expect(not failures(), f"actions failed: {failures()}")

    run("ip", "addr", "del", "10.79.0.2/32", "dev", "lo")
    wait(lambda: attribute("pingd") == "1000", "a host goes silent: pingd is 1000")

    run("crm_resource", "-r", "net", "-p", "host_list", "-v", "10.79.9.9")
    wait(lambda: attribute("pingd") == "0", "a new host_list counts: pingd is 0")
    wait(lambda: role("d") is None, "Dummy is stopped by the rule")
    expect("Result of reload-agent operation for net" in read(LOG), "a new host_list did not lead to reload-agent")
    expect("Requesting local execution of stop operation for net" not in read(LOG), "a new host_list restarted ping")

    run("crm_resource", "-r", "net", "-p", "host_list", "-v", "10.79.0.1")
    wait(lambda: role("d") == "Started", "Dummy runs again")

    begun = read(TRACE).count(" d start ")
    run("crm_resource", "-r", "d", "-p", "degraded", "-v", "true")
    wait(lambda: " d monitor 190" in read(TRACE), "Dummy says degraded")
    wait(lambda: read(TRACE).count(" d monitor 190") >= 3, "and is left alone")
    expect(role("d") == "Started" and read(TRACE).count(" d start ") == begun, "a degraded resource was restarted")
    expect({status for _, status in failures()} <= {"OCF_DEGRADED"}, f"actions failed: {failures()}")


def inside(agents):
    daemons = []
    try:
        daemons = begin_node(agents)
        scenario()
    except Failed as failed:
        print(f"FAILED: {failed}\n" + "\n".join(read(LOG).splitlines()[-25:]), flush=True)
        return 1
    finally:
        for daemon in daemons:
            daemon.kill()
    return 0


def main():
    if len(sys.argv) != 2 and sys.argv[1:2] != ["--inside"]:
        sys.exit(__doc__)
    if sys.argv[1] == "--inside":
        return inside(sys.argv[2])
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing or os.geteuid() != 0 or subprocess.run([*UNSHARE, "true"], check=False).returncode != 0:
        print(f"skipped: needs root, the right to make namespaces, and {', '.join(missing) or 'no further program'}")
        return SKIPPED
    return subprocess.run([*UNSHARE, sys.executable, __file__, "--inside", os.path.abspath(sys.argv[1])],
                          check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
