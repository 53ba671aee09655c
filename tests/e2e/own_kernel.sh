#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program sees Nacre's kernel: its own processes, mounts, names.
. "$(dirname "$0")/lib.sh"
host=$(uname -r)
inside=$(box uname -r)
[ "$host" != "$inside" ] || die "uname shows the host's kernel"
n=$(box sh -c 'ls -d /proc/[0-9]* | wc -l')
[ "$n" -le 6 ] || die "$n processes in /proc of a fresh sandbox"
box ps -ef >ps.txt
grep -q 'ps -ef' ps.txt || die "ps does not see itself"
[ "$(wc -l <ps.txt)" -le 6 ] || { cat ps.txt >&2; die "foreign processes in ps"; }
box cat /proc/mounts >mounts.txt
grep -q ' /proc proc ' mounts.txt || die "no /proc in mounts"
if grep -q "$(stat -f -c %i / 2>/dev/null)" mounts.txt; then die "host file system id in mounts"; fi
box sh -c 'cat /proc/self/maps' >maps.txt
grep -q '\[stack\]' maps.txt || die "no stack in maps"
expect "hostname" "pearl" "$("$NACRE" do --hostname pearl -- hostname)"
box sh -c 'cat /proc/version /proc/cpuinfo /proc/meminfo /proc/uptime /proc/loadavg /proc/stat' >/dev/null
ls /proc/self/fd >/dev/null
fds=$(box sh -c 'ls /proc/self/fd | wc -l')
[ "$fds" -le 4 ] || die "inherited descriptors: $fds"
exec 9</etc/passwd
fds=$(box sh -c 'ls -l /proc/self/fd' 9<&9)
case "$fds" in *passwd*) die "an inherited descriptor is visible inside" ;; esac
box free >/dev/null
box uptime >/dev/null
