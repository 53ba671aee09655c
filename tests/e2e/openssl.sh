#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# openssl: a TLS server and clients inside, certificates of an own authority,
# a bulk transfer, session resumption, mutual authentication, a client refused.
. "$(dirname "$0")/lib.sh"
need openssl
cat >t.sh <<'S'
set -eu
cd "$1"
exec 2>log
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca
for who in localhost client; do
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $who.key -out $who.csr -subj /CN=$who
	openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out $who.crt
done
openssl verify -CAfile ca.crt localhost.crt
up() { n=0; until openssl s_client -connect localhost:$1 </dev/null >/dev/null 2>&1; do n=$((n+1)); [ $n -lt 200 ] || exit 9; sleep 0.03; done; }
head -c 2000000 /dev/urandom >file.bin
openssl s_server -accept 4433 -cert localhost.crt -key localhost.key -WWW >server.log & server=$!
up 4433
for v in tls1_2 tls1_3; do
	printf 'GET /file.bin HTTP/1.0\r\n\r\n' | openssl s_client -quiet -$v -connect localhost:4433 -CAfile ca.crt -verify_return_error -verify_hostname localhost >got || true
	tail -c 2000000 got | cmp - file.bin && echo $v
done
openssl s_client -connect localhost:4433 -tls1_2 -CAfile ca.crt -reconnect </dev/null | grep -c '^Reused'
openssl s_client -connect localhost:4433 </dev/null | grep -o 'Verify return code: [0-9]*' | head -1
openssl s_client -connect localhost:4433 -CAfile ca.crt </dev/null | grep -o 'Verify return code: [0-9]*' | head -1
i=0; while [ $i -lt 12 ]; do
	printf 'GET /file.bin HTTP/1.0\r\n\r\n' | openssl s_client -quiet -connect localhost:4433 >got$i & i=$((i+1)); pids="${pids:-} $!"
done
for p in $pids; do wait $p || true; done
for f in got?*; do tail -c 2000000 $f | cmp - file.bin || echo $f differs; done
kill $server; wait $server || true
openssl s_server -accept 4434 -cert localhost.crt -key localhost.key -CAfile ca.crt -Verify 1 -verify_return_error -rev >server.log & server=$!
n=0; until (echo; sleep 0.3) | openssl s_client -quiet -no_ign_eof -connect localhost:4434 -cert client.crt -key client.key >/dev/null; do
	n=$((n+1)); [ $n -lt 50 ] || exit 9; sleep 0.05; done
(echo 'turn me'; sleep 1.5) | openssl s_client -quiet -no_ign_eof -connect localhost:4434 -cert client.crt -key client.key
if (echo no; sleep 1.5) | openssl s_client -quiet -no_ign_eof -connect localhost:4434 >no; then :; fi
[ -s no ] || echo refused
kill $server; wait $server || true
openssl rand -base64 300000 | openssl enc -aes-256-cbc -pbkdf2 -pass pass:x | openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x | wc -l
openssl dgst -sha256 -sign client.key -out sig file.bin && openssl x509 -in client.crt -pubkey -noout >pub && openssl dgst -sha256 -verify pub -signature sig file.bin
S
box timeout 60 sh t.sh "$TMP" >out.txt 2>err.txt || { cat out.txt err.txt log >&2; die "status"; }
expect "openssl" "localhost.crt: OK
tls1_2
tls1_3
5
Verify return code: 21
Verify return code: 0
em nrut
refused
6250
Verified OK" "$(cat out.txt)"
