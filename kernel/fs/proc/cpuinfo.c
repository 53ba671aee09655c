/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/cpuinfo: the CPUs of the sandbox.  What the processor says of itself
 * by CPUID is no secret (every program can ask it); the count, the numbering
 * and the speed are the sandbox's own. */
#include "kernel/fs/proc/proc.h"

struct regs { uint32_t a, b, c, d; };

static struct regs cpuid(uint32_t leaf, uint32_t sub)
{
	struct regs r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "0"(leaf), "2"(sub));
	return r;
}

static const char *const leaf1_d[32] = {
	"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr",
	"pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr",
	"sse", "sse2", "ss", "ht", "tm", "ia64", "pbe",
};
static const char *const ext1_d[32] = {
	[11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb",
	[27] = "rdtscp", [29] = "lm",
};
static const char *const leaf1_c[32] = {
	"pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", NULL, NULL, "est", "tm2", "ssse3", "cid",
	"sdbg", "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic",
	"movbe", "popcnt", NULL, "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor",
};
static const char *const ext1_c[32] = {
	[0] = "lahf_lm", [4] = "cr8_legacy", [5] = "abm", [6] = "sse4a", [7] = "misalignsse",
	[8] = "3dnowprefetch", [11] = "xop", [16] = "fma4", [21] = "tbm",
};
static const char *const leaf7_b[32] = {
	"fsgsbase", NULL, NULL, "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms", "invpcid",
	"rtm", NULL, NULL, NULL, NULL, "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma",
	NULL, "clflushopt", "clwb", NULL, "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw",
	"avx512vl",
};
static const char *const leaf7_c[32] = {
	[1] = "avx512vbmi", [2] = "umip", [6] = "avx512_vbmi2", [8] = "gfni", [9] = "vaes",
	[10] = "vpclmulqdq", [11] = "avx512_vnni", [12] = "avx512_bitalg", [14] = "avx512_vpopcntdq",
	[22] = "rdpid",
};

static void show_bits(struct sbuf *s, uint32_t v, const char *const *names)
{
	for (int n = 0; n < 32; n++)
		if ((v >> n & 1) && names[n])
			sbuf_printf(s, " %s", names[n]);
}

static void show_flags(struct sbuf *s)
{
	struct regs one = cpuid(1, 0), ext = cpuid(0x80000001, 0), seven = { 0 };

	if (cpuid(0, 0).a >= 7)
		seven = cpuid(7, 0);
	sbuf_printf(s, "flags\t\t:");
	show_bits(s, one.d, leaf1_d);
	show_bits(s, ext.d, ext1_d);
	sbuf_printf(s, " constant_tsc rep_good nopl nonstop_tsc cpuid");
	show_bits(s, one.c, leaf1_c);
	show_bits(s, ext.c, ext1_c);
	show_bits(s, seven.b, leaf7_b);
	show_bits(s, seven.c, leaf7_c);
	sbuf_printf(s, "\n");
}

static void model_name(char *buf, size_t size)
{
	char raw[49] = { 0 }, *p = raw;

	if (cpuid(0x80000000, 0).a >= 0x80000004)
		for (uint32_t n = 0; n < 3; n++) {
			struct regs r = cpuid(0x80000002 + n, 0);

			memcpy(raw + n * 16, &r, 16);
		}
	while (*p == ' ')
		p++;
	for (char *c = p; *c; c++)
		if (*c < 32 || *c > 126)
			*c = '?';
	kstrlcpy(buf, *p ? p : "unknown", size);
}

void proc_cpuinfo(struct sbuf *s)
{
	struct regs zero = cpuid(0, 0), one = cpuid(1, 0);
	uint32_t family = one.a >> 8 & 15, model = one.a >> 4 & 15;
	char vendor[13] = { 0 }, name[49];

	memcpy(vendor, &zero.b, 4);
	memcpy(vendor + 4, &zero.d, 4);
	memcpy(vendor + 8, &zero.c, 4);
	if (family == 15 || family == 6)
		model += (one.a >> 16 & 15) << 4;
	if (family == 15)
		family += one.a >> 20 & 255;
	model_name(name, sizeof(name));
	for (unsigned n = 0; n < cpu_count(); n++) {
		sbuf_printf(s, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
			    "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: 2000.000\ncache size\t: 1024 KB\n",
			    n, vendor, family, model, name, one.a & 15);
		sbuf_printf(s, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
			    "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
			    "cpuid level\t: %u\nwp\t\t: yes\n", cpu_count(), n, cpu_count(), n, n, zero.a);
		show_flags(s);
		sbuf_printf(s, "bugs\t\t:\nbogomips\t: 4000.00\nclflush size\t: 64\n"
			    "cache_alignment\t: 64\naddress sizes\t: 48 bits physical, 48 bits virtual\n"
			    "power management:\n\n");
	}
}
