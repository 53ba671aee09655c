# SPDX-License-Identifier: Apache-2.0
"""The everyday programs: a shell script each, timed inside the sandbox from
its start to its end.  $I is the directory of the inputs, the current directory
is empty and writable; `prepare` is not timed.  A script fails by its exit
status, so each checks its own result."""
import os
import random
import shutil
import subprocess


class Program:
    def __init__(self, name, run, prepare=":", needs=()):
        self.name, self.run, self.prepare, self.needs = name, run, prepare, needs

    def missing(self):
        gone = [n for n in self.needs if not shutil.which(n, path=PATH)]
        return f"{' '.join(gone)} not installed" if gone else None


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PY = "/usr/bin/python3"

NODE_HTTP = """
const http = require('http'), sock = process.cwd() + '/s';
const server = http.createServer((q, r) => r.end('hello')).listen(sock, () => {
  let left = 300;
  const agent = new http.Agent({ keepAlive: true });
  const next = () => http.get({ socketPath: sock, path: '/', agent }, r => {
    let s = ''; r.on('data', d => s += d);
    r.on('end', () => { if (s !== 'hello') process.exit(1); if (--left) next(); else process.exit(0); });
  });
  next();
});
"""

JAVA = """
import java.util.concurrent.*;
public class Threads {
	public static void main(String[] a) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(4);
		CompletionService<Long> done = new ExecutorCompletionService<>(pool);
		for (int i = 0; i < 200; i++) {
			final int k = i;
			done.submit(() -> { long s = 0; for (int j = 0; j < 20000; j++) s += j % (k + 1); return s; });
		}
		long sum = 0;
		for (int i = 0; i < 200; i++) sum += done.take().get();
		pool.shutdown();
		if (sum == 0) System.exit(1);
	}
}
"""

PROGRAMS = [
    Program("sh-loop", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"),
    Program("sh-fork", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done"),
    Program("sh-pipeline", "n=$(seq 50000 | sort -r | tr 1 2 | uniq | wc -l); [ $n -gt 30000 ]"),
    Program("awk-sed", "sed s/the/THE/g $I/text | awk '{ for (i = 1; i <= NF; i++) n[$i]++ } END { exit n[\"THE\"] == 0 }'"),
    Program("python-start", f"for i in 1 2 3 4 5; do {PY} -c pass; done"),
    Program("python-import", f"{PY} -c 'import json, asyncio, http.client, sqlite3, email.message, unittest'"),
    Program("python-threads", f"""{PY} -c '
import threading, queue
q, r = queue.Queue(), queue.Queue()
def work():
    while (x := q.get()) is not None: r.put(x * x)
t = [threading.Thread(target=work) for _ in range(4)]
for x in t: x.start()
for i in range(5000): q.put(i)
for x in t: q.put(None)
for x in t: x.join()
assert sum(r.get() for _ in range(5000)) == sum(i * i for i in range(5000))'"""),
    Program("python-mp", f"""{PY} -c '
import multiprocessing as m
def f(x): return sum(range(x))
if __name__ == "__main__":
    with m.Pool(2) as p: assert sum(p.map(f, [1000] * 400)) == 400 * 499500'"""),
    Program("python-subprocess", f"""{PY} -c '
import subprocess
for i in range(40): assert subprocess.run(["echo", str(i)], capture_output=True).stdout == b"%d\\n" % i'"""),
    Program("perl", "perl -ne '$n{$_}++ for split; END { die unless $n{the} }' $I/text $I/text", needs=["perl"]),
    Program("gcc", "gcc -O2 -o unit $I/src/unit1.c $I/src/main.c && ./unit", needs=["gcc"]),
    Program("make-j2", "make -s -j2 && ./prog", prepare="cp -r $I/src/. .", needs=["make", "gcc"]),
    Program("git", "git init -q r && cd r && cp -r $I/tree . && git add . && "
            "git -c user.name=b -c user.email=b@b commit -q -m one && git log --stat >../log && "
            "git status --short >../s && [ ! -s ../s ] && git fsck --no-progress", needs=["git"]),
    Program("tar", "tar cf a.tar -C $I tree && mkdir x && tar xf a.tar -C x && diff -r $I/tree x/tree"),
    Program("gzip", "gzip -c $I/text >t.gz && gzip -dc t.gz | cmp - $I/text"),
    Program("cp-rm", "cp -r $I/tree a && cp -r a b && rm -r a && [ -d b ]"),
    Program("grep-r", "grep -r -c lorem $I/tree >out; [ -s out ] && ! grep -r nosuchword $I/tree"),
    Program("find", "for i in 1 2 3; do find /usr/share/doc -maxdepth 2 -name 'copy*' | wc -l; find $I -size +1 -type f; done >out; [ -s out ]"),
    Program("sqlite", """sqlite3 db 'create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i+1 from n where i<20000) insert into t select i, hex(i*7919) from n;
create index x on t(b);' && i=0 && while [ $i -lt 20 ]; do
echo "insert into t(b) values('row $i');"; i=$((i+1)); done | sqlite3 db &&
[ "$(sqlite3 db 'select count(*) from t')" = 20020 ]""", needs=["sqlite3"]),
    Program("openssl", "openssl enc -aes-256-ctr -pass pass:x -pbkdf2 -iter 1000 -in $I/big -out e && "
            "openssl dgst -sha256 e >d && openssl prime -generate -bits 512 >p && [ -s p ]", needs=["openssl"]),
    Program("dd", "dd if=/dev/zero of=f bs=64k count=400 2>/dev/null && dd if=f of=/dev/null bs=4k 2>/dev/null && "
            "dd if=/dev/zero of=/dev/null bs=512 count=20000 2>/dev/null"),
    Program("redis", """redis-server --port 0 --unixsocket $PWD/s --save '' --daemonize no >log & p=$!
n=0; until redis-cli -s $PWD/s ping >/dev/null 2>&1; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.02; done
redis-benchmark -s $PWD/s -n 5000 -c 8 -t set,get -q >out; kill $p; wait $p; [ -s out ]""",
            needs=["redis-server", "redis-benchmark"]),
    Program("node-start", "for i in 1 2 3; do node -e 0; done", needs=["node"]),
    Program("node-http", "node $I/http.js", needs=["node"]),
    Program("java", "java -cp $I Threads", needs=["java", "javac"]),
]


def make_inputs(folder):
    """Deterministic inputs of all benchmarks."""
    rng = random.Random(1)
    words = "the of and lorem ipsum kernel system call page fault dolor sit amet sandbox file".split()
    words += ["w%d" % i for i in range(400)]

    def text(n):
        return "\n".join(" ".join(rng.choice(words) for _ in range(10)) for _ in range(n)) + "\n"

    def put(path, data):
        path = os.path.join(folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(data)

    put("file4k", "x" * 4096)
    put("file1m", "x" * (1 << 20))
    put("big", "y" * (16 << 20))
    put("text", text(20000))
    for i in range(500):
        put(f"dir500/entry-{i:03}", "")
    for d in range(20):
        for i in range(15):
            put(f"tree/dir{d}/file{i}.txt", text(rng.randrange(5, 80)))
    for i in range(8):
        body = "".join(f"int f{i}_{k}(int x) {{ for (int j = 0; j < x; j++) x ^= j * {k + 3}; return x; }}\n"
                       for k in range(30))
        put(f"src/unit{i}.c", "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n" + body)
    put("src/main.c", "int f1_0(int);\nint main(void) { return f1_0(0); }\n")
    units = " ".join(f"unit{i}.o" for i in range(8))
    put("src/Makefile", f"prog: main.o {units}\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n")
    put("http.js", NODE_HTTP)
    if shutil.which("javac"):
        put("Threads.java", JAVA)
        subprocess.run(["javac", "-d", folder, os.path.join(folder, "Threads.java")], capture_output=True)
