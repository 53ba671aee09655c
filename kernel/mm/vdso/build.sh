#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build the vDSO and turn it into a C file with its bytes.
#   build.sh CC SOURCE_FOLDER OUT.c
set -e
cc=$1 src=$2 out=$3
so=$out.so
$cc -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unknown-warning-option -Wno-builtin-declaration-mismatch \
	-ffreestanding -fPIC -fvisibility=default -fno-stack-protector -fcf-protection=none \
	-mgeneral-regs-only -fasynchronous-unwind-tables -fno-builtin \
	-shared -nostdlib -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code -Wl,--orphan-handling=place \
	-Wl,-T,"$src/vdso.lds" -o "$so" "$src/vdso.c"
strip -s "$so"
python3 - "$so" "$out" <<'PY'
import sys
data = open(sys.argv[1], 'rb').read()
with open(sys.argv[2], 'w') as f:
    f.write('/* Made by kernel/mm/vdso/build.sh. */\n#include <base/types.h>\n')
    f.write('extern const uint8_t vdso_image[];\nextern const size_t vdso_image_size;\n')
    f.write('const uint8_t vdso_image[] __attribute__((aligned(4096))) = {\n')
    for i in range(0, len(data), 16):
        f.write('\t' + ' '.join('0x%02x,' % b for b in data[i:i + 16]) + '\n')
    f.write('};\nconst size_t vdso_image_size = sizeof(vdso_image);\n')
PY
