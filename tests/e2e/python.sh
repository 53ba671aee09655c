#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Python 3: subprocess, threading, multiprocessing, asyncio, sqlite3, ssl.
. "$(dirname "$0")/lib.sh"
PY=/usr/bin/python3
[ -x $PY ] || skip "$PY is not installed"
cat >t.py <<'P'
import asyncio, multiprocessing, os, queue, signal, sqlite3, ssl, subprocess, tempfile, threading, time, mmap, select, socket

def work(n):
    return sum(i * i for i in range(n))

def main():
    print(subprocess.run(["sh", "-c", "echo sub; exit 3"], capture_output=True))
    p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print(p.communicate(b"x" * 200000)[0] == b"x" * 200000)
    q, done = queue.Queue(), []
    def t():
        while (v := q.get()) is not None:
            done.append(v * 2)
    ts = [threading.Thread(target=t) for _ in range(4)]
    [x.start() for x in ts]
    [q.put(i) for i in range(200)]
    [q.put(None) for _ in ts]
    [x.join() for x in ts]
    print(sum(done))
    lock, n = threading.Lock(), [0]
    def inc():
        for _ in range(2000):
            with lock:
                n[0] += 1
    ts = [threading.Thread(target=inc) for _ in range(8)]
    [x.start() for x in ts]; [x.join() for x in ts]
    print(n[0])
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(work, [10, 100, 1000]))
    async def a():
        proc = await asyncio.create_subprocess_exec("echo", "async", stdout=subprocess.PIPE)
        out, _ = await proc.communicate()
        await asyncio.gather(*(asyncio.sleep(0.01) for _ in range(50)))
        return out
    print(asyncio.run(a()))
    with tempfile.TemporaryDirectory() as d:
        db = sqlite3.connect(os.path.join(d, "x.db"))
        db.execute("create table t(a integer primary key, b text)")
        db.executemany("insert into t(b) values(?)", [(str(i),) for i in range(1000)])
        db.commit()
        print(db.execute("select count(*), sum(a) from t where b like '%7%'").fetchone())
        db.close()
        with open(os.path.join(d, "m"), "wb+") as f:
            f.truncate(8192)
            m = mmap.mmap(f.fileno(), 8192)
            m[4000:4010] = b"0123456789"
            m.flush()
            f.seek(4000)
            print(f.read(10))
            m.close()
    print(ssl.OPENSSL_VERSION.split()[0], len(ssl.create_default_context().get_ca_certs()) >= 0)
    got = []
    signal.signal(signal.SIGALRM, lambda s, f: got.append(s))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    time.sleep(0.2)
    print(got)
    a, b = socket.socketpair()
    a.sendall(b"hello")
    print(select.select([b], [], [], 1)[0] == [b], b.recv(10))
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(w, b"child")
        os._exit(5)
    print(os.read(r, 10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    v = multiprocessing.Value("i", 0)
    def add(v):
        for _ in range(500):
            with v.get_lock():
                v.value += 1
    ps = [multiprocessing.Process(target=add, args=(v,)) for _ in range(3)]
    [p.start() for p in ps]; [p.join() for p in ps]
    print(v.value)

if __name__ == "__main__":
    main()
P
same $PY t.py
