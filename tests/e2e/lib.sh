# SPDX-License-Identifier: Apache-2.0
# For the end-to-end tests: each is one script, exit 0 = passed, 77 = skipped
# (the reason on the last line), anything else = failed.  The runner gives
# NACRE (the program) and a scratch directory TMP of its own.
set -eu
NACRE=${NACRE:-$(cd "$(dirname "$0")/../.." && pwd)/build/nacre}
if [ -z "${TMP:-}" ]; then TMP=$(mktemp -d); trap 'rm -rf "$TMP"' EXIT; fi
cd "$TMP"

die() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skip: $*"; exit 77; }
need() { for p in "$@"; do command -v "$p" >/dev/null 2>&1 || skip "$p is not installed"; done; }

# expect WHAT WANTED GOT
expect() { [ "$2" = "$3" ] || die "$1: wanted [$2], got [$3]"; }
# status N CMD...: the exit status of CMD is N
status() {
	_want=$1; shift
	_got=0; "$@" >out.txt 2>err.txt || _got=$?
	[ "$_got" = "$_want" ] || { cat out.txt err.txt >&2; die "$*: status $_got, wanted $_want"; }
}
box() { "$NACRE" do -- "$@"; }
# same CMD...: stdout and status are those of a native run
same() {
	_n=0; "$@" >native.out 2>native.err || _n=$?
	_b=0; box "$@" >box.out 2>box.err || _b=$?
	[ "$_n" = "$_b" ] || { cat box.err >&2; die "$*: status $_b inside, $_n natively"; }
	cmp -s native.out box.out || { diff native.out box.out | head -20 >&2; die "$*: other output inside"; }
}
