#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What runs out is an error for the program, and the sandbox lives.
. "$(dirname "$0")/lib.sh"
need python3
cat >full.sh <<'X'
dd if=/dev/zero of=/tmp/fill bs=1M count=500 2>&1 | grep -c 'No space left'
rm /tmp/fill
dd if=/dev/zero of=/dev/shm/fill bs=1M count=500 2>&1 | grep -c 'No space left'
echo alive
X
r=$("$NACRE" do --memory 200m -- sh ./full.sh)
expect "full file systems under --memory" "1
1
alive" "$r"
cat >limits.py <<'X'
import ctypes, mmap, os, resource
for size in 1 << 40, 1 << 46:
    try: mmap.mmap(-1, size); print("mapped")
    except OSError as e: print(e.errno)
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_PRIVATE, os.open("/proc/self/maps", 0), 0)
print(ctypes.get_errno())
timer = ctypes.c_void_p()
print([libc.timer_create(clock, None, ctypes.byref(timer)) for clock in (2, 3)])
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
try:
    while True: os.dup(0)
except OSError as e: print(e.errno)
X
expect "errors" "12
12
19
[0, 0]
24" "$(box python3 ./limits.py)"
# Processes outlive their parent's end by nothing: the sandbox ends with its first program.
cat >children.py <<'X'
import os, time
for i in range(100):
    if not os.fork(): time.sleep(1000)
os._exit(7)
X
status 7 timeout 50 "$NACRE" do -- python3 ./children.py
