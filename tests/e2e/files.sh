#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes never touch the host; shared directories do; limits hold.
. "$(dirname "$0")/lib.sh"
echo host >f
expect "read below" "host" "$(box cat "$TMP/f")"
box sh -c "echo inside >'$TMP/f'; cat '$TMP/f'; echo new >'$TMP/g'; rm '$TMP/f'; mkdir '$TMP/d'" >o.txt
expect "write inside" "inside" "$(cat o.txt)"
expect "host untouched" "host" "$(cat f)"
[ ! -e g ] && [ ! -e d ] || die "a write reached the host"
mkdir share ro
echo keep >ro/x
"$NACRE" do --rw "$TMP/share" -- sh -c "echo s >'$TMP/share/y' && mkdir '$TMP/share/z' && mv '$TMP/share/y' '$TMP/share/z/w'"
expect "--rw" "s" "$(cat share/z/w)"
status 1 "$NACRE" do --ro "$TMP/ro" -- sh -c "echo no >'$TMP/ro/x' 2>/dev/null || exit 1"
expect "--ro" "keep" "$(cat ro/x)"
expect "--tmpfs" "0" "$("$NACRE" do --tmpfs "$TMP/ro" -- sh -c "ls '$TMP/ro' | wc -l" | tr -d ' ')"
expect "--hide" "" "$("$NACRE" do --hide "$TMP/f" -- cat "$TMP/f" 2>/dev/null || true)"
expect "--env" "b" "$("$NACRE" do --env A=b -- sh -c 'echo $A')"
expect "--cwd" "/usr" "$("$NACRE" do --cwd /usr -- pwd)"
expect "cwd kept" "$TMP" "$(box pwd)"
status 125 "$NACRE" do --no-such-option -- true
status 125 "$NACRE" run "$TMP/missing" -- true
mkfifo fifo
status 1 box sh -c "timeout 5 cat '$TMP/fifo' || exit 1"
if [ -S /run/dbus/system_bus_socket ]; then status 1 box sh -c 'test -r /nothing || exit 1'; fi
# A write takes what fits, page by page, and truncation gives back.
if [ "$(id -u)" = 0 ]; then
	expect "full tmpfs" "1048576 2048 500000 984" "$(box sh -c 'mkdir full && mount -t tmpfs -o size=1m none full && cd full &&
	dd if=/dev/zero of=f bs=300k count=5 2>/dev/null; stat -c "%s %b" f; truncate -s 500000 f; stat -c "%s %b" f' | tr '\n' ' ' | sed 's/ $//')"
fi
