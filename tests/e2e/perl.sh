#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
need perl
cat >t.pl <<'P'
use strict; use warnings; use POSIX; use File::Temp 'tempfile'; use Time::HiRes 'usleep';
my %h = map { $_ => $_ ** 2 } 1 .. 10;
print join(",", map { "$_=$h{$_}" } sort { $a <=> $b } keys %h), "\n";
my ($fh, $n) = tempfile(); print $fh "x\n" x 1000; close $fh; print -s $n, "\n"; unlink $n;
open my $p, "-|", "echo piped | tr a-z A-Z" or die; print <$p>; close $p;
my $pid = fork // die; if (!$pid) { exit 9 } waitpid $pid, 0; print $? >> 8, "\n";
$SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 3;
print `uname -s`; print POSIX::floor(3.7), "\n"; local $/; print length(<STDIN>), "\n";
P
seq 1000 >in
same sh -c 'perl t.pl <in'
