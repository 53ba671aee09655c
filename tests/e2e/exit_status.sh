#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Exit codes and standard streams as a shell sees them.
. "$(dirname "$0")/lib.sh"
status 0 box true
status 1 box false
status 42 box sh -c 'exit 42'
status 127 box no-such-program-anywhere
grep -q 'not found' err.txt || die "127 without a message"
: >plain; chmod 644 plain
status 126 box ./plain
status 137 box sh -c 'kill -9 $$'
status 143 box sh -c 'kill -TERM $$'
status 139 box sh -c 'kill -SEGV $$'
expect "pipe through" "5" "$(seq 5 | box sort -r | head -1)"
expect "stdin to the end" "100000" "$(seq 100000 | box wc -l | tr -d ' ')"
expect "stderr apart" "out" "$(box sh -c 'echo out; echo err >&2' 2>/dev/null)"
expect "args kept" "[a b][*][]" "$(box sh -c 'printf "[%s]" "$@"' x 'a b' '*' '')"
expect "environment" "v" "$(FOO=v box sh -c 'echo $FOO')"
yes | head -c 3000000 >big
expect "large pipe" "$(md5sum <big)" "$(box cat <big | md5sum)"
expect "large pipe through stdin pipe" "$(md5sum <big)" "$(cat big | box cat | md5sum)"
status 0 sh -c "'$NACRE' do -- yes | head -3"
