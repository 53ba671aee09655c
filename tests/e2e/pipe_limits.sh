#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fs.pipe-max-size and kernel.domainname can be set, also by splice; not compared with the host, which would change.
. "$(dirname "$0")/lib.sh"
cat >try.py <<'END'
import ctypes, fcntl, os
MAX, NAME = "/proc/sys/fs/pipe-max-size", "/proc/sys/kernel/domainname"
def get(path): return open(path).read().strip()
def put(path, v):
    try:
        with open(path, "w") as f: f.write(str(v))
    except OSError as e: print(v, e.strerror)
def grow(n):
    r, w = os.pipe()
    try: print(fcntl.fcntl(r, 1032), fcntl.fcntl(w, 1031, n))
    except OSError as e: print(e.strerror)
    os.close(r); os.close(w)
print(get(MAX), get(NAME))
if os.geteuid() == 0:
    put(MAX, 131072); grow(131072); grow(262144)
    r, w = os.pipe()
    os.write(w, b"8000")
    f = os.open(MAX, os.O_WRONLY)
    print(ctypes.CDLL(None).splice(r, None, f, None, 100, 0), get(MAX))
    for bad in (0, -1, "x", 1 << 21, 1 << 32): put(MAX, bad)
    put(NAME, "example"); print(get(NAME))
    put(NAME, "n" * 65)
    os.setgid(12345); os.setuid(12345)
    grow(8192); grow(16384)
END
box python3 try.py >out
echo "1048576 (none)" >want
if [ "$(id -u)" = 0 ]; then
	cat >>want <<'END'
65536 131072
65536 262144
4 8192
0 Invalid argument
-1 Invalid argument
x Invalid argument
2097152 Invalid argument
4294967296 Invalid argument
example
END
	echo "$(printf '%065d' 0 | tr 0 n) Invalid argument" >>want
	cat >>want <<'END'
8192 8192
Operation not permitted
END
fi
diff want out || die "other limits"
