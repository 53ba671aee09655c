# SPDX-License-Identifier: Apache-2.0
"""Many sandboxes at once: idle ones (memory, CPU time), and busy ones (their
throughput together against as many native processes)."""
import os
import subprocess
import time

import idle


def idle_many(peer, count):
    """Memory of each, CPU time of all in 3 s."""
    started = [idle.start(peer) for _ in range(count)]
    time.sleep(2 + count * 0.03)
    groups = [idle.processes(p.pid, mark) for p, mark in started]
    pids = set().union(*groups)
    try:
        dead = sum(p.poll() is not None for p, _ in started)
        if dead:
            return {"failed": f"{dead} of {count} ended"}
        t0, s0 = cpu_ticks(pids), idle.switches(pids)
        time.sleep(3)
        return {"count": count, "pss_kb_each": idle.pss_kb(pids) // count,
                "cpu_ms_in_3s": (cpu_ticks(pids) - t0) * 1000 // os.sysconf("SC_CLK_TCK"),
                "switches_in_3s": idle.switches(pids) - s0}
    finally:
        for (p, _), group in zip(started, groups):
            idle.stop(p, group)
        peer.after()


def cpu_ticks(pids):
    total = 0
    for pid in pids:
        fields = idle.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if fields:
            total += int(fields[11]) + int(fields[12])
    return total


def busy_many(work, peer, count, seconds):
    """Rounds of `micro busy` per second, all together: computing, a read of
    4 KB and a stat in turns.  All begin at the same moment of the wall clock,
    which leaves time for all to start."""
    begin = time.time() + 3 + count * 0.1
    env, started = work.env, []
    try:
        for _ in range(count):
            argv = peer.wrap([work.micro, "busy", work.input, peer.scratch, f"{begin:.3f}", str(seconds)])
            started.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True, env=env, start_new_session=True, cwd="/"))
        late = time.time() > begin
        rounds = []
        for p in started:
            out, _ = p.communicate(timeout=max(1, begin + seconds + 30 - time.time()))
            rounds += [float(line.split()[2]) for line in out.splitlines() if line.startswith("ok busy ")]
        if len(rounds) < count:
            return {"failed": f"{count - len(rounds)} of {count} gave no figure"}
        return {"count": count, "per_second": sum(rounds) / seconds, "least": min(rounds) / seconds, "late": late}
    except subprocess.TimeoutExpired:
        return {"failed": "no end in time"}
    finally:
        for p in started:
            if p.poll() is None:
                os.killpg(p.pid, 9)
                p.wait()
        peer.after()
