#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# iperf3: TCP with several streams and in reverse, UDP without loss, IPv6.
. "$(dirname "$0")/lib.sh"
PY=/usr/bin/python3
need iperf3
cat >t.py <<'P'
import json, subprocess, sys, time

# The server's word about the end may come before all was counted, and a busy
# server says so (on Linux too): a few attempts.
def client(port, check, *args):
    for _ in range(40):
        r = subprocess.run(["iperf3", "-p", str(port), "-J", *args], capture_output=True, text=True)
        j = json.loads(r.stdout)
        if "error" not in j and check(j["end"]):
            return True
        time.sleep(0.05)
    return j.get("error") or j["end"]

def tcp(mb):
    return lambda e: e["sum_sent"]["bytes"] > mb << 18 and e["sum_received"]["bytes"] > mb << 18

servers = [subprocess.Popen(["iperf3", "-s", "-p", "5301"], stdout=subprocess.DEVNULL),
           subprocess.Popen(["iperf3", "-s", "-B", "::1", "-p", "5302"], stdout=subprocess.DEVNULL)]
for args in ["-n", "60M"], ["-n", "60M", "-P", "4"], ["-n", "60M", "-R"], ["-n", "30M", "-l", "1k"], ["-n", "30M", "-Z"], ["-n", "20M", "--bidir"]:
    print(args[2:], client(5301, tcp(int(args[1][:-1])), "-c", "127.0.0.1", *args))
print(client(5301, lambda e: e["sum"]["lost_packets"] == 0 and e["sum"]["bytes"] >= 2 << 20,
             "-c", "127.0.0.1", "-u", "-b", "50M", "-n", "2M", "-l", "1400"))
print(client(5302, tcp(40), "-6", "-c", "::1", "-n", "40M"))
for s in servers:
    s.terminate()
    s.wait()
P
expect "iperf3" "[] True
['-P', '4'] True
['-R'] True
['-l', '1k'] True
['-Z'] True
['--bidir'] True
True
True" "$(box timeout 60 $PY t.py 2>err.txt)"
