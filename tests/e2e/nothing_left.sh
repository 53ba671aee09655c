#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Killed by any signal, nothing stays behind.
. "$(dirname "$0")/lib.sh"
# A zombie is dead: only its parent, here the test runner, has yet to notice.
running() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
for sig in TERM INT HUP KILL; do
	env --default-signal=INT "$NACRE" do -- sh -c "sleep 1000 & sleep 1000; :" >/dev/null 2>&1 &
	pid=$!
	sleep 0.7
	kids=$(pgrep -P $pid || true)
	[ -n "$kids" ] || die "no children of nacre to watch"
	all=$kids
	for k in $kids; do all="$all $(pgrep -P $k | tr '\n' ' ' || true)"; done
	kill -$sig $pid
	wait $pid 2>/dev/null || true
	i=0
	while :; do
		left=
		for k in $all; do running $k && left="$left $k"; done
		[ -z "$left" ] && break
		i=$((i + 1)); [ $i -lt 50 ] || die "after SIG$sig still there:$left"
		sleep 0.1
	done
done
