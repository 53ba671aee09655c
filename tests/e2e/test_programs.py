# SPDX-License-Identifier: Apache-2.0
"""Programs that must run unchanged; each test checks a result."""
import os
import subprocess

from harness import as_user, slow, timeout

PROJECT = {
    "Makefile": "OBJS = main.o a.o b.o c.o\nprog: $(OBJS)\n\tcc -o $@ $(OBJS)\n%.o: %.c x.h\n\tcc -O1 -c -o $@ $<\n",
    "x.h": "int a(void); int b(void); int c(void);\n",
    "main.c": '#include <stdio.h>\n#include "x.h"\nint main(void) { printf("sum %d\\n", a() + b() + c()); return 0; }\n',
    "a.c": '#include "x.h"\nint a(void) { return 10; }\n',
    "b.c": '#include "x.h"\nint b(void) { return 20; }\n',
    "c.c": '#include "x.h"\nint c(void) { return 12; }\n',
}


def test_busybox_shell(t):
    t.need("busybox")
    r = t.do("/bin/busybox", "sh", "-c",
             "busybox seq 10 | busybox awk '{s+=$1} END {print s}'; for i in a b; do echo $i; done; x=$(echo sub); echo $x; (exit 3); echo $?; busybox ls / >/dev/null && echo ok")
    t.expect(r, out="55\na\nb\nsub\n3\nok\n")


def test_busybox_applets(t):
    t.need("busybox")
    t.expect(t.do("/bin/busybox", "sh", "-c",
                  "cd $(busybox mktemp -d) && echo hello > f && busybox cp f g && busybox md5sum f g && busybox tar cf x.tar f g && busybox tar tf x.tar && busybox gzip x.tar && busybox gunzip x.tar.gz && busybox find . | busybox sort && busybox sed s/h/J/ f"),
             contains=["b1946ac92492d2347c6235b4d2611184", "./x.tar", "Jello"])


def test_bash_pipelines(t):
    t.expect(t.do("bash", "-c", "seq 1000 | grep 7 | sort -rn | head -3 | tr '\\n' ' '; echo; echo ${PIPESTATUS[@]}"),
             contains="997 987 979")


def test_bash_heredoc_and_arrays(t):
    t.expect(t.do("bash", "-c", "a=(one two three); cat <<END\n${a[1]} $((2**10))\nEND\nwhile read x; do echo got $x; done < <(printf 'p\\nq\\n')\nread -r y <<< here; echo $y; diff <(echo a) <(echo b)"),
             out="two 1024\ngot p\ngot q\nhere\n1c1\n< a\n---\n> b\n", status=1)


def test_bash_job_control(t):
    t.expect(t.do("bash", "-mc", "sleep 0.2 & sleep 0.1 & jobs | wc -l; wait; echo $?; (kill -STOP $BASHPID; echo resumed) & p=$!; sleep 0.2; kill -CONT $p; wait $p; trap 'echo term' TERM; kill $$; echo after"),
             contains=["2\n0\n", "resumed\n", "term\nafter\n"])


def test_coreutils(t):
    script = """set -e; cd $(mktemp -d); mkdir -p a/b/c; echo data > a/b/c/f; cp -a a z; mv z y; ln -s y/b l; ls -R y | sort | tr '\\n' ' '; echo
cat l/c/f; stat -c '%s %F' y/b/c/f; wc -c < l/c/f; chmod 640 y/b/c/f; stat -c %a y/b/c/f; touch -d @1000 t; stat -c %Y t
dd if=/dev/zero of=big bs=1M count=3 2>/dev/null; du -k --apparent-size big | cut -f1; sha256sum big | cut -c1-16; split -b 1M big part; ls part* | wc -l; cat part* | cmp - big && echo same
rm -r a y; ls | sort | tr '\\n' ' '; echo; df . > /dev/null; date -u -d @0 +%Y; env -i A=1 env; id -un >/dev/null; tac <<< $'1\\n2'; sort -n <<< $'10\\n9'; comm -12 <(seq 5) <(seq 4 8); timeout 0.2 sleep 5 || echo timed $?; nproc >/dev/null; realpath l; basename /x/y; seq -s, 5; printf '%05d\\n' 42; truncate -s 10 tr; stat -c %s tr; mkfifo p; (echo viafifo > p &) ; cat p; tee q <<< teed; od -An -tx1 q"""
    native = t.run(["bash", "-c", script.replace("realpath l", "true")])
    ours = t.do("bash", "-c", script.replace("realpath l", "true"))
    t.ok(native.out == ours.out and ours.status == native.status, f"differs from Linux:\n{native}", ours)


def test_findutils_grep_sed_awk(t):
    script = """cd $(mktemp -d); for i in $(seq 30); do mkdir -p d$((i%3)); echo "line $i" > d$((i%3))/f$i.txt; done
find . -name '*.txt' | wc -l; find . -type f -newer d0 | wc -l > /dev/null; find . -name '*1*' -exec cat {} + | sort | head -3; find . -name '*.txt' -print0 | xargs -0 -n 10 -P 2 grep -l 2 | wc -l
grep -r 'line 1[0-9]' . | wc -l; sed -i 's/line/LINE/' d1/*; cat d1/* | sort | tail -2; awk '{n+=$2} END {print n}' d*/*; find . -empty -delete; find . -delete; ls"""
    t.expect(t.do("bash", "-c", script), out=t.run(["bash", "-c", script]).out)


def test_tar_gzip_xz(t):
    script = """set -e; cd $(mktemp -d); mkdir src; for i in $(seq 40); do seq $i 500 > src/$i; done; ln -s 1 src/link; ln src/2 src/hard; chmod 600 src/3
tar cf a.tar src; tar czf a.tgz src; tar cJf a.txz src; mkdir x y z; tar xf a.tar -C x; tar xzf a.tgz -C y; tar xJf a.txz -C z; diff -r src x/src; diff -r src y/src; diff -r src z/src; stat -c '%a %h' x/src/3 x/src/hard; readlink z/src/link; gzip -k src/40; zcat src/40.gz | md5sum; xz -T2 src/39; xz -dc src/39.xz | md5sum"""
    t.expect(t.do("bash", "-c", script, timeout=60), out=t.run(["bash", "-c", script]).out)


def test_python_subprocess_threads(t):
    t.expect(t.do("/usr/bin/python3", "-c", """
import subprocess, threading
out = subprocess.run(['sh', '-c', 'echo $((6*7)); exit 3'], capture_output=True, text=True)
print(out.stdout.strip(), out.returncode)
r = []
ts = [threading.Thread(target=lambda i=i: r.append(sum(range(i * 1000)))) for i in range(10)]
[x.start() for x in ts]; [x.join() for x in ts]
print(len(r), sum(r))
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.communicate(b'through cat')[0])
try: subprocess.run(['sleep', '10'], timeout=0.2)
except subprocess.TimeoutExpired: print('timed out')
"""), out="42 3\n10 142470000\nb'through cat'\ntimed out\n".replace("142470000", str(sum(sum(range(i * 1000)) for i in range(10)))))


def test_python_multiprocessing(t):
    t.expect(t.do("/usr/bin/python3", "-c", """
import multiprocessing as m
def f(x): return x * x
if __name__ == '__main__':
    with m.Pool(3) as p: print(sum(p.map(f, range(100))))
    q = m.Queue(); w = m.Process(target=q.put, args=('from child',)); w.start(); print(q.get()); w.join()
    v = m.Value('i', 0)
    def inc():
        for _ in range(500):
            with v.get_lock(): v.value += 1
    ps = [m.Process(target=inc) for _ in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
""", timeout=60), out="328350\nfrom child\n1500\n")


def test_python_asyncio(t):
    t.expect(t.do("/usr/bin/python3", "-c", """
import asyncio
async def main():
    p = await asyncio.create_subprocess_exec('echo', 'async', stdout=asyncio.subprocess.PIPE)
    print((await p.communicate())[0])
    print(await asyncio.gather(*[asyncio.sleep(0.01 * i, i) for i in range(5)]))
    async def serve(r, w): w.write((await r.readline()).upper()); await w.drain(); w.close()
    s = await asyncio.start_unix_server(serve, '/tmp/asock')
    r, w = await asyncio.open_unix_connection('/tmp/asock'); w.write(b'hello\\n'); print(await r.read())
asyncio.run(main())
"""), out="b'async\\n'\n[0, 1, 2, 3, 4]\nb'HELLO\\n'\n")


def test_python_sqlite_ssl(t):
    t.expect(t.do("/usr/bin/python3", "-c", """
import sqlite3, ssl, hashlib, json, tempfile, os, zlib, ctypes, decimal
d = sqlite3.connect(os.path.join(tempfile.mkdtemp(), 'x.db')); d.execute('create table t(a)'); d.executemany('insert into t values(?)', [(i,) for i in range(1000)]); d.commit()
print(d.execute('select sum(a) from t').fetchone()[0], ssl.create_default_context() is not None, hashlib.sha256(b'x').hexdigest()[:8])
"""), out="499500 True 2d711642\n")


def test_perl(t):
    t.expect(t.do("perl", "-e", 'my %h; $h{$_ % 7} += $_ for 1..1000; print join(",", map {"$_=$h{$_}"} sort keys %h), "\\n"; my $o = `echo back`; print $o; my $p = fork; if (!$p) { exit 5 } waitpid $p, 0; print $? >> 8, "\\n"; open my $f, "-|", "seq 3"; print <$f>;'),
             out="0=71071,1=71643,2=71786,3=71929,4=72072,5=72215,6=72358\n".replace("0=71071,1=71643,2=71786,3=71929,4=72072,5=72215,6=72358", ",".join(f"{k}={sum(i for i in range(1, 1001) if i % 7 == k)}" for k in range(7))) + "back\n5\n1\n2\n3\n")


@timeout(180)
def test_gcc_and_make_j2(t):
    for name, text in PROJECT.items():
        t.write("proj/" + name, text)
    t.expect(t.do("sh", "-c", "cd proj && make -j2 >/dev/null && ./prog && touch a.c && make -j2 | wc -l && make -q && ls *.o | wc -l", timeout=150), out="sum 42\n2\n4\n")
    t.ok(not os.path.exists(os.path.join(t.tmp, "proj/prog")), "the build reached the host")


@timeout(120)
def test_git(t):
    script = """set -e; export HOME=$(mktemp -d); cd $HOME; git config --global user.email a@b; git config --global user.name n; git init -q -b main r; cd r
for i in 1 2 3; do echo $i > f$i; git add f$i; git commit -q -m "c$i"; done; git log --oneline | wc -l; git fsck 2>&1 | grep -v notice || true; git checkout -q -b side; echo x >> f1; git commit -qam side; git checkout -q main; git merge -q side; git diff HEAD~1 --stat | tail -1; git gc -q; git clone -q . ../copy; git -C ../copy log --format=%s | head -1; git status --short | wc -l"""
    t.expect(t.do("bash", "-c", script, timeout=100), out="3\n 1 file changed, 1 insertion(+)\nside\n0\n")


def test_sqlite3(t):
    t.need("sqlite3")
    t.expect(t.do("sh", "-c", "cd $(mktemp -d); sqlite3 x.db 'create table t(a integer primary key, b text); with recursive c(n) as (select 1 union all select n+1 from c where n<2000) insert into t select n, hex(n) from c; pragma journal_mode=wal; update t set b=b||1 where a%3=0; select count(*), sum(length(b)) from t; pragma integrity_check;'"),
             contains=["wal", "2000|", "ok"])


GO = """package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	ch := make(chan int, 10)
	for i := 0; i < 2000; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			time.Sleep(time.Duration(i%10) * time.Millisecond)
			mu.Lock()
			n += i
			mu.Unlock()
			if i%100 == 0 {
				ch <- i
			}
		}(i)
	}
	go func() { wg.Wait(); close(ch) }()
	s := 0
	for v := range ch {
		s += v
	}
	out, err := exec.Command("echo", "from go").Output()
	fmt.Println(n, s, string(out), err)
	_, e := os.ReadFile("/nonexistent")
	fmt.Println(e, runtime.GOOS)
	runtime.GC()
}
"""


@timeout(300)
def test_go_static_goroutines(t):
    t.need("go")
    t.write("m.go", GO)
    env = {"GOCACHE": os.path.join(t.tmp, "cache"), "HOME": t.tmp, "CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": ""}
    r = t.run(["go", "build", "-o", "prog", "m.go"], env=env, timeout=250)
    t.ok(r.status == 0, "go build", r)
    t.expect(t.do("./prog", timeout=40), out="1999000 19000 from go\n <nil>\nopen /nonexistent: no such file or directory linux\n")


def test_musl_static(t):
    t.need("musl-gcc")
    src = '#include <stdio.h>\n#include <stdlib.h>\nint main(int c,char**v){char*p=malloc(1<<20);p[99999]=1;printf("musl %d %s\\n",c,getenv("X"));return p[99999];}\n'
    prog = t.compile(src, "-static", cc="musl-gcc")
    t.expect(t.do(prog, "a", opts=["--env", "X=y"]), out="musl 2 y\n", status=1)


def test_glibc_static_and_dynamic(t):
    src = '#include <stdio.h>\n#include <math.h>\n#include <pthread.h>\nstatic void*f(void*x){return x;}\nint main(int c,char**v){pthread_t t;void*r;pthread_create(&t,0,f,v);pthread_join(t,&r);printf("%d %.3f\\n",r==v,sqrt(c+1));return 0;}\n'
    for flags in (["-static"], [], ["-static-pie"], ["-no-pie"]):
        t.expect(t.do(t.compile(src, *flags, "-lm", "-pthread")), out="1 1.414\n")


@slow
@timeout(300)
def test_cpus_run_in_parallel(t):
    """Two tasks make progress in the kernel at the same time."""
    script = "import os,time\nt=time.time()\nfor i in range(2):\n if not os.fork():\n  n=0\n  while time.time()-t<2: os.stat('/'); n+=1\n  print(n, flush=True); os._exit(0)\nos.wait(); os.wait()"
    one = t.do("/usr/bin/python3", "-c", script, opts=["--cpus", "1"], timeout=60)
    two = t.do("/usr/bin/python3", "-c", script, opts=["--cpus", "2"], timeout=60)
    a, b = (sum(map(int, r.out.split())) for r in (one, two))
    t.ok(a > 0 and b > 0, f"{a} calls on one CPU, {b} on two", two)


@as_user("root")
def test_bubblewrap_inside(t):
    """A sandbox in the sandbox: mount, UTS and network name spaces."""
    t.need("bwrap")
    r = t.sh("bwrap --ro-bind / / --tmpfs /tmp --dev /dev --proc /proc --unshare-uts --hostname inner --unshare-net"
             " sh -c 'hostname; ls -A /tmp | wc -l; touch /etc/x 2>/dev/null || echo read-only; grep -c lo: /proc/net/dev'")
    t.expect(r, out="inner\n0\nread-only\n1\n")
    r = t.sh("bwrap --ro-bind / / --unshare-user true; echo $?")
    t.expect(r, out="1\n", err_contains="user namespaces")


@as_user("root")
def test_nsenter_inside(t):
    t.need("nsenter", "unshare")
    r = t.sh("unshare -u sh -c 'hostname inner; touch $0; exec sleep 30' " + t.tmp + "/up & "
             "while [ ! -e " + t.tmp + "/up ]; do sleep 0.05; done; nsenter -t $! -u hostname; hostname; kill $!",
             opts=("--hostname", "outer"))
    t.expect(r, out="inner\nouter\n")
