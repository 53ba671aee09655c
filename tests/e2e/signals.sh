#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signals from outside reach the program; the status tells.
. "$(dirname "$0")/lib.sh"
"$NACRE" do -- sh -c 'trap "echo got; exit 33" TERM; echo ready; while :; do sleep 0.1; done' >out.txt &
pid=$!
for i in $(seq 50); do grep -q ready out.txt 2>/dev/null && break; sleep 0.1; done
kill -TERM $pid
r=0; wait $pid || r=$?
expect "status after a handled SIGTERM" 33 $r
grep -q got out.txt || die "the handler did not run"
# A shell starts background jobs with SIGINT ignored.
env --default-signal=INT "$NACRE" do -- sleep 1000 &
pid=$!
sleep 0.5; kill -INT $pid
r=0; wait $pid || r=$?
expect "status after SIGINT" 130 $r
