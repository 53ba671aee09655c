#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build the stub image: build.sh CC SOURCE_ROOT OUTPUT.o
# OUTPUT.o holds it as process_stub_image[] .. process_stub_image_end[].
set -eu
cc=$1 root=$2 out=$3
dir=$out.d
mkdir -p "$dir"
here=$root/platform/process/stub
# cc may carry arguments
flags="-O2 -ffreestanding -fno-pic -mcmodel=large -mgeneral-regs-only -mfsgsbase -fno-stack-protector
 -fcf-protection=none -fno-asynchronous-unwind-tables -fno-jump-tables
 -fomit-frame-pointer -std=gnu11 -Wall -Wextra -Werror -I$root/include -I$root"
# gcc would make calls of memcpy out of loops.
case $($cc --version) in *clang*) ;; *) flags="$flags -fno-tree-loop-distribute-patterns" ;; esac
$cc $flags -c "$here/app.c" -o "$dir/app.o"
$cc $flags -c "$here/ahead.c" -o "$dir/ahead.o"
$cc $flags -c "$here/cpuid.c" -o "$dir/cpuid.o"
$cc $flags -c "$here/post.c" -o "$dir/post.o"
$cc $flags -c "$here/grant.c" -o "$dir/grant.o"
$cc $flags -c "$here/frame.c" -o "$dir/frame.o"
$cc $flags -c "$here/slot.c" -o "$dir/slot.o"
$cc $flags -c "$here/futex.c" -o "$dir/futex.o"
$cc $flags -c "$here/entry.S" -o "$dir/entry.o"
${LD:-ld} -n --build-id=none --orphan-handling=error -T "$here/stub.lds" "$dir/entry.o" "$dir/app.o" "$dir/cpuid.o" "$dir/post.o" \
 "$dir/frame.o" "$dir/ahead.o" "$dir/slot.o" "$dir/futex.o" "$dir/grant.o" -o "$dir/stub.elf"
${OBJCOPY:-objcopy} -O binary -j .image "$dir/stub.elf" "$dir/stub.bin"
cat > "$dir/blob.S" <<END
	.section .rodata
	.balign 4096
	.globl process_stub_image, process_stub_image_end
process_stub_image:
	.incbin "$dir/stub.bin"
process_stub_image_end:
	.section .note.GNU-stack, "", @progbits
END
$cc -c "$dir/blob.S" -o "$out"
