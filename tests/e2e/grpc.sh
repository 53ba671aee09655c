#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gRPC (python3-grpcio): unary calls, streams both ways, deadlines, errors; over
# TCP, TLS-less HTTP/2, and a Unix socket.
. "$(dirname "$0")/lib.sh"
PY=/usr/bin/python3
$PY -c 'import grpc' 2>/dev/null || skip "python3-grpcio is not installed"
cat >t.py <<'P'
import concurrent.futures, os, tempfile, threading, time
import grpc

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        name = details.method
        if name == "/t.T/Double":
            return grpc.unary_unary_rpc_method_handler(lambda q, c: q + q)
        if name == "/t.T/Count":
            return grpc.unary_stream_rpc_method_handler(lambda q, c: (b"%d" % i for i in range(int(q))))
        if name == "/t.T/Sum":
            return grpc.stream_unary_rpc_method_handler(lambda it, c: b"%d" % sum(int(x) for x in it))
        if name == "/t.T/Echo":
            return grpc.stream_stream_rpc_method_handler(lambda it, c: (x.upper() for x in it))
        if name == "/t.T/Slow":
            return grpc.unary_unary_rpc_method_handler(lambda q, c: time.sleep(1) or q)
        if name == "/t.T/Bad":
            def bad(q, c):
                c.abort(grpc.StatusCode.FAILED_PRECONDITION, "not so")
            return grpc.unary_unary_rpc_method_handler(bad)

server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), [Handler()])
port = server.add_insecure_port("127.0.0.1:0")
folder = tempfile.mkdtemp()
sock = "unix:" + os.path.join(folder, "s")
server.add_insecure_port(sock)
server.start()
for where in f"127.0.0.1:{port}", sock:
    with grpc.insecure_channel(where, [("grpc.max_receive_message_length", -1)]) as ch:
        grpc.channel_ready_future(ch).result(20)
        double = ch.unary_unary("/t.T/Double")
        print(double(b"ab", timeout=20), len(double(b"x" * 1500000, timeout=20)))
        print(len(list(ch.unary_stream("/t.T/Count")(b"500", timeout=20))))
        print(ch.stream_unary("/t.T/Sum")((b"%d" % i for i in range(500)), timeout=20))
        print(b"".join(ch.stream_stream("/t.T/Echo")(iter([b"a", b"b", b"c"] * 50), timeout=20))[:6])
        futures = [double.future(b"%d" % i, timeout=20) for i in range(300)]
        print(all(f.result() == b"%d" % i * 2 for i, f in enumerate(futures)))
        for method, limit in ("Slow", 0.1), ("Bad", 20), ("Nothing", 20):
            try:
                print(ch.unary_unary("/t.T/" + method)(b"q", timeout=limit))
            except grpc.RpcError as e:
                print(e.code().name, e.details())
server.stop(1).wait()
try:
    grpc.channel_ready_future(grpc.insecure_channel(f"127.0.0.1:{port}")).result(0.3)
except grpc.FutureTimeoutError:
    print("gone")
P
half="b'abab' 3000000
500
b'124750'
b'ABCABC'
True
DEADLINE_EXCEEDED Deadline Exceeded
FAILED_PRECONDITION not so
UNIMPLEMENTED Method not found!"
expect "grpc" "$half
$half
gone" "$(box timeout 60 $PY t.py 2>err.txt)"
