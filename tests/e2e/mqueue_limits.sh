#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# /proc/sys/fs/mqueue says how large a queue may be; not compared with the host, whose limits would change.
. "$(dirname "$0")/lib.sh"
cat >try.py <<'END'
import ctypes, ctypes.util, os, sys
rt = ctypes.CDLL(ctypes.util.find_library("rt") or "librt.so.1", use_errno=True)
class Attr(ctypes.Structure):
    _fields_ = [(n, ctypes.c_long) for n in ("flags", "maxmsg", "msgsize", "curmsgs")] + [("pad", ctypes.c_long * 4)]
def put(name, v):
    with open("/proc/sys/fs/mqueue/" + name, "w") as f: f.write(str(v))
def get(name): return int(open("/proc/sys/fs/mqueue/" + name).read())
def size(attr=None):
    q = rt.mq_open(b"/q", os.O_CREAT | os.O_RDWR, 0o600, ctypes.byref(attr) if attr else None)
    if q < 0: return os.strerror(ctypes.get_errno())
    a = Attr()
    rt.mq_getattr(q, ctypes.byref(a)); os.close(q); rt.mq_unlink(b"/q")
    return f"{a.maxmsg} of {a.msgsize}"
print(get("msg_max"), get("msg_default"), get("msgsize_max"), get("msgsize_default"), get("queues_max"), size())
if os.geteuid() == 0:
    put("msg_default", 5); put("msgsize_default", 256); print(size())
    put("msg_default", 50); print(size())
    put("msg_max", 100); print(size())
    for name, v in (("msg_max", 0), ("msg_max", 65537), ("msgsize_max", 127), ("msgsize_max", "x")):
        try: put(name, v)
        except OSError as e: print(name, v, e.strerror)
    put("msgsize_max", 65536)
    os.setgid(12345); os.setuid(12345)
    print(size(Attr(maxmsg=100, msgsize=65536)), size(Attr(maxmsg=101, msgsize=1)), size(Attr(maxmsg=1, msgsize=65537)))
END
box python3 try.py >out
if [ "$(id -u)" = 0 ]; then
	cat >want <<'END'
10 10 8192 8192 256 10 of 8192
5 of 256
10 of 256
50 of 256
msg_max 0 Invalid argument
msg_max 65537 Invalid argument
msgsize_max 127 Invalid argument
msgsize_max x Invalid argument
100 of 65536 Invalid argument Invalid argument
END
else
	echo "10 10 8192 8192 256 10 of 8192" >want
fi
diff want out || die "other limits"
