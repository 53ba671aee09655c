#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ssh to localhost: keys made here, commands with input, output and status, a
# terminal, a forwarded port, copies through sftp, a key that is refused.
. "$(dirname "$0")/lib.sh"
[ -x /usr/sbin/sshd ] || skip "openssh-server is not installed"
need ssh ssh-keygen scp python3
# sshd runs commands by the shell of the account.
case $(getent passwd "$(id -u)") in *nologin|*false|"") skip "this user has no login shell" ;; esac
cat >t.sh <<'S'
set -eu
cd "$1"
me=$(id -un)
for k in host user other; do ssh-keygen -q -t ed25519 -N '' -f $k; done
cp user.pub auth
cat >sshd_config <<C
Port 2222
ListenAddress 127.0.0.1
HostKey $1/host
AuthorizedKeysFile $1/auth
PidFile $1/pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
LogLevel VERBOSE
Subsystem sftp internal-sftp
C
echo "[127.0.0.1]:2222 $(cat host.pub)" >known
cat >ssh_config <<C
Host box
HostName 127.0.0.1
Port 2222
User $me
IdentityFile $1/user
IdentitiesOnly yes
UserKnownHostsFile $1/known
StrictHostKeyChecking yes
BatchMode yes
C
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
/usr/sbin/sshd -D -e -f sshd_config 2>log & server=$!
n=0; until ssh -F ssh_config box true 2>err; do n=$((n+1)); [ $n -lt 100 ] || { cat err log; exit 9; }; sleep 0.05; done
ssh -F ssh_config box 'echo "out $((6*7))"; echo err >&2; exit 3' 2>err.txt || echo "status $?"
cat err.txt
[ "$(ssh -F ssh_config box id -un)" = "$me" ] && echo me
head -c 3000000 /dev/urandom >big
ssh -F ssh_config box cat <big | cmp - big && echo through
ssh -F ssh_config -tt box 'tty | sed s/[0-9].*//; stty size; test -t 0 && echo terminal' </dev/null | tr -d '\r'
ssh -F ssh_config box 'kill -9 $$' || echo "killed $?"
scp -q -F ssh_config big box:"$1/copy" && cmp big copy && echo copied
printf 'mkdir d\nput big d/x\nrename d/x d/y\nls d\n' | sftp -q -F ssh_config -b - box:"$1" | awk 'END { print $1 }'
python3 -m http.server --bind 127.0.0.1 8123 >/dev/null 2>&1 & web=$!
ssh -F ssh_config -N -L 127.0.0.1:8124:127.0.0.1:8123 box & tunnel=$!
python3 - <<'P'
import time, urllib.request
for _ in range(200):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:8124/big").read() == open("big", "rb").read())
        break
    except OSError:
        time.sleep(0.03)
P
kill $web $tunnel
wait $web $tunnel || true
# Several sessions in one connection.
ssh -F ssh_config -M -S "$1/mux" -f -N box
for i in 1 2 3; do ssh -F ssh_config -S "$1/mux" box echo "shared $i"; done
ssh -F ssh_config -S "$1/mux" -O exit box 2>/dev/null
sed "s,$1/user,$1/other," ssh_config >other_config
ssh -F other_config box true 2>err || grep -o 'Permission denied' err
kill $server
wait $server || true
grep -o 'Received signal 15' log
S
box timeout 60 sh t.sh "$TMP" >out.txt 2>err.txt || { cat out.txt err.txt log >&2; die "status"; }
expect "ssh" "out 42
status 3
err
me
through
/dev/pts/
0 0
terminal
killed 255
copied
d/y
True
shared 1
shared 2
shared 3
Permission denied
Received signal 15" "$(cat out.txt)"
