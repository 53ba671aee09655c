#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
need git
cat >t.sh <<'S'
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' HOME=$PWD
rm -rf repo; git init -q -b main repo; cd repo
for i in $(seq 1 40); do echo "file $i" >f$i; done
git add .; git commit -q -m one
echo more >>f1; git mv f2 g2; git commit -q -a -m two
git log --format='%H %s'; git status --porcelain; git fsck --strict 2>&1; git diff --stat HEAD~1
git gc -q; git fsck; git branch x; git checkout -q x; git clone -q . ../clone; cd ../clone; git log --oneline | wc -l; cd ..; rm -rf clone repo
S
same sh t.sh
