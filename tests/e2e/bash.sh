#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bash: pipelines, here-documents, traps, background jobs, arrays, process substitution.
. "$(dirname "$0")/lib.sh"
need bash
cat >t.bash <<'B'
set -o pipefail
f() { local x=$1; echo $((x * x)); }
for i in {1..5}; do f $i; done | paste -sd,
cat <<EOF
here $(echo document) $((3 + 4))
EOF
cat <<<"string"
false | true; echo "status ${PIPESTATUS[*]}"
a=(x y z); echo ${#a[@]} ${a[1]}
sleep 0.2 & p=$!; wait $p; echo "waited $?"
(exit 7) & wait $!; echo "job $?"
trap 'echo usr1' USR1; kill -USR1 $$; trap 'echo bye' EXIT
diff <(echo a) <(echo a) && echo same
exec 5>out.5; echo five >&5; exec 5>&-; cat out.5
for i in $(seq 1 30); do (echo $i) & done | wc -l
wait
sleep 5 & sleep 0.2; kill $!; wait $! 2>/dev/null; echo "killed $?"
set -m; sleep 0.1 & wait; echo jobs ok
mapfile -t l < <(printf '%s\n' one two); echo "${l[1]}"
[[ abc =~ ^a(.)c$ ]] && echo "${BASH_REMATCH[1]}"
read -t 0.1 z </dev/null || echo "read ended"
ulimit -n >/dev/null && echo limit
B
same bash t.bash
