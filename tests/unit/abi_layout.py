#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare include/linux_abi with the host's own headers.

  abi_layout.py --cc CC --out-ours FILE --out-theirs FILE

Writes two C files: one sees only our headers, the other only the host's.  Each
holds a table of names and numbers: every constant, every structure's size and
the offset and size of every member.  Linked together (abi_layout_main.c) they
compare the tables.  A structure that the host's headers lack, or a member whose
name there is not obvious, is listed below with the reason."""
import argparse
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ABI = os.path.join(ROOT, "include", "linux_abi")

# What the host offers, in an order that its headers bear.
HOST_HEADERS = """stddef.h stdint.h sys/types.h signal.h time.h sys/time.h sys/resource.h sys/stat.h sys/statfs.h
 sys/wait.h sys/mman.h sys/socket.h netinet/in.h netinet/tcp.h netinet/udp.h net/if.h net/if_arp.h linux/sockios.h linux/errqueue.h linux/net_tstamp.h linux/if_ether.h linux/if_packet.h linux/virtio_net.h linux/netlink.h linux/rtnetlink.h linux/fib_rules.h linux/ethtool.h sys/un.h poll.h sys/epoll.h sys/eventfd.h sys/timerfd.h sys/signalfd.h sys/inotify.h
 sys/ipc.h sys/sem.h sys/msg.h sys/shm.h mqueue.h sys/ptrace.h sys/utsname.h sys/xattr.h sys/mount.h sys/prctl.h sys/file.h
 sys/sysinfo.h sys/ucontext.h sys/auxv.h sys/times.h sys/uio.h dirent.h errno.h sched.h elf.h fcntl.h unistd.h limits.h termios.h sys/ioctl.h
 linux/futex.h linux/capability.h linux/seccomp.h linux/filter.h linux/audit.h linux/openat2.h linux/memfd.h linux/magic.h linux/securebits.h linux/sched.h linux/fiemap.h
 linux/membarrier.h linux/close_range.h linux/rseq.h linux/kcmp.h linux/falloc.h linux/fs.h linux/aio_abi.h""".split()

# ours: (theirs, prefix of member names, {member: theirs})
TIMES = {"atime": "st_atim.tv_sec", "mtime": "st_mtim.tv_sec", "ctime": "st_ctim.tv_sec",
         "atime_nsec": "st_atim.tv_nsec", "mtime_nsec": "st_mtim.tv_nsec", "ctime_nsec": "st_ctim.tv_nsec"}
STRUCTS = {
    "linux_stat": ("struct stat", "st_", TIMES),
    "linux_statx": ("struct statx", "stx_", {}),
    "linux_statx_timestamp": ("struct statx_timestamp", "tv_", {}),
    "linux_statfs": ("struct statfs", "f_", {}),
    "linux_cap_header": ("struct __user_cap_header_struct", "", {}),
    "linux_cap_data": ("struct __user_cap_data_struct", "", {}),
    "linux_dirent64": ("struct dirent64", "d_", {}),
    "elf64_ehdr": ("Elf64_Ehdr", "e_", {}), "elf64_phdr": ("Elf64_Phdr", "p_", {}),
    "linux_epoll_event": ("struct epoll_event", "", {}),
    "linux_open_how": ("struct open_how", "", {}),
    "linux_iocb": ("struct iocb", "aio_", {"opcode": "aio_lio_opcode"}), "linux_io_event": ("struct io_event", "", {}),
    "linux_f_owner_ex": ("struct f_owner_ex", "", {}),
    "linux_flock": ("struct flock", "l_", {}),
    "linux_robust_list": ("struct robust_list", "", {}),
    "linux_robust_list_head": ("struct robust_list_head", "", {}),
    "linux_futex_waitv": ("struct futex_waitv", "", {}),
    "linux_inotify_event": ("struct inotify_event", "", {}),
    "linux_ipc_perm": ("struct ipc_perm", "", {"seq": "__seq", "key": "__key"}),
    "linux_sembuf": ("struct sembuf", "sem_", {}),
    "linux_semid_ds": ("struct semid_ds", "sem_", {}),
    "linux_seminfo": ("struct seminfo", "", {}),
    "linux_msqid_ds": ("struct msqid_ds", "msg_", {}),
    "linux_msginfo": ("struct msginfo", "", {}),
    "linux_shmid_ds": ("struct shmid_ds", "shm_", {}),
    "linux_shminfo": ("struct shminfo", "", {}),
    "linux_shm_info": ("struct shm_info", "", {}),
    "linux_mq_attr": ("struct mq_attr", "mq_", {}),
    "linux_pollfd": ("struct pollfd", "", {}),
    "linux_rlimit64": ("struct rlimit64", "rlim_", {}),
    "linux_rusage": ("struct rusage", "ru_", {}),
    "linux_clone_args": ("struct clone_args", "", {}),
    "linux_sched_param": ("struct sched_param", "sched_", {}),
    "linux_seccomp_notif_sizes": ("struct seccomp_notif_sizes", "", {}),
    "linux_seccomp_notif": ("struct seccomp_notif", "", {}),
    "linux_seccomp_notif_resp": ("struct seccomp_notif_resp", "", {}),
    "linux_seccomp_notif_addfd": ("struct seccomp_notif_addfd", "", {}),
    "linux_seccomp_data": ("struct seccomp_data", "", {"ip": "instruction_pointer"}),
    "linux_sock_filter": ("struct sock_filter", "", {}),
    "linux_sock_fprog": ("struct sock_fprog", "", {}),
    "linux_siginfo": ("siginfo_t", "si_", {}),
    "linux_stack": ("stack_t", "ss_", {}),
    "linux_sigevent": ("struct sigevent", "sigev_", {}),
    "linux_signalfd_siginfo": ("struct signalfd_siginfo", "ssi_", {}),
    "linux_ucred": ("struct ucred", "", {}), "linux_linger": ("struct linger", "l_", {}),
    "linux_sock_txtime": ("struct sock_txtime", "", {}),
    "linux_sockaddr_un": ("struct sockaddr_un", "sun_", {}),
    "linux_sockaddr_storage": ("struct sockaddr_storage", "ss_", {}),
    "linux_msghdr": ("struct msghdr", "msg_", {}), "linux_mmsghdr": ("struct mmsghdr", "msg_", {}),
    "linux_cmsghdr": ("struct cmsghdr", "cmsg_", {}),
    "linux_sockaddr_in": ("struct sockaddr_in", "sin_", {}),
    "linux_sockaddr_in6": ("struct sockaddr_in6", "sin6_", {"scope": "sin6_scope_id"}),
    "linux_ip_mreqn": ("struct ip_mreqn", "imr_", {"group": "imr_multiaddr"}),
    "linux_ipv6_mreq": ("struct ipv6_mreq", "ipv6mr_", {"group": "ipv6mr_multiaddr", "ifindex": "ipv6mr_interface"}),
    "linux_in_pktinfo": ("struct in_pktinfo", "ipi_", {}),
    "linux_in6_pktinfo": ("struct in6_pktinfo", "ipi6_", {}),
    "linux_sock_extended_err": ("struct sock_extended_err", "ee_", {"err": "ee_errno"}),
    "linux_sockaddr_nl": ("struct sockaddr_nl", "nl_", {}),
    "linux_sockaddr_ll": ("struct sockaddr_ll", "sll_", {}),
    "linux_packet_mreq": ("struct packet_mreq", "mr_", {}),
    "linux_tpacket_stats": ("struct tpacket_stats", "tp_", {}),
    "linux_tpacket_auxdata": ("struct tpacket_auxdata", "tp_", {}),
    "linux_tpacket_req": ("struct tpacket_req", "tp_", {}),
    "linux_tpacket1_hdr": ("struct tpacket_hdr", "tp_", {}), "linux_tpacket_req3": ("struct tpacket_req3", "tp_", {}),
    "linux_tpacket3_hdr": ("struct tpacket3_hdr", "tp_", {
        "rxhash": "hv1.tp_rxhash", "vlan_tci": "hv1.tp_vlan_tci", "vlan_tpid": "hv1.tp_vlan_tpid", "pad": "hv1.tp_padding"}),
    "linux_tpacket_block": ("struct tpacket_block_desc", "", {
        "status": "hdr.bh1.block_status", "num_pkts": "hdr.bh1.num_pkts", "blk_len": "hdr.bh1.blk_len",
        "offset_to_first": "hdr.bh1.offset_to_first_pkt", "seq_num": "hdr.bh1.seq_num",
        "first_sec": "hdr.bh1.ts_first_pkt.ts_sec", "first_nsec": "hdr.bh1.ts_first_pkt.ts_nsec",
        "last_sec": "hdr.bh1.ts_last_pkt.ts_sec", "last_nsec": "hdr.bh1.ts_last_pkt.ts_nsec"}),
    "linux_virtio_net_hdr": ("struct virtio_net_hdr", "", {}),
    "linux_tpacket_rollover_stats": ("struct tpacket_rollover_stats", "tp_", {}),
    "linux_tpacket2_hdr": ("struct tpacket2_hdr", "tp_", {}),
    "linux_nlmsghdr": ("struct nlmsghdr", "nlmsg_", {}), "linux_nlattr": ("struct nlattr", "nla_", {}),
    "linux_ifinfomsg": ("struct ifinfomsg", "ifi_", {"pad": "__ifi_pad"}), "linux_ifaddrmsg": ("struct ifaddrmsg", "ifa_", {}),
    "linux_ifa_cacheinfo": ("struct ifa_cacheinfo", "", {"prefered": "ifa_prefered", "valid": "ifa_valid"}),
    "linux_if_stats_msg": ("struct if_stats_msg", "", {"index": "ifindex", "mask": "filter_mask"}),
    "linux_ethtool_value": ("struct ethtool_value", "", {}),
    "linux_ethtool_block": ("struct ethtool_get_features_block", "", {}),
    "linux_ethtool_ts_info": ("struct ethtool_ts_info", "", {}),
    "linux_rtmsg": ("struct rtmsg", "rtm_", {}),
    "linux_timespec": ("struct timespec", "tv_", {}), "linux_timeval": ("struct timeval", "tv_", {}),
    "linux_itimerspec": ("struct itimerspec", "it_", {}), "linux_itimerval": ("struct itimerval", "it_", {}),
    "linux_tms": ("struct tms", "tms_", {}), "linux_timezone": ("struct timezone", "tz_", {}),
    "linux_iovec": ("struct iovec", "iov_", {}), "linux_sysinfo": ("struct sysinfo", "", {}),
    "linux_utsname": ("struct utsname", "", {}), "linux_new_utsname": ("struct utsname", "", {}),
    "linux_winsize": ("struct winsize", "ws_", {}),
}
# Structures the kernel and the C library define differently or only the
# kernel's own headers have; their files assert the sizes.
NOT_IN_LIBC = {"linux_dirent", "linux_sigaction", "linux_sigcontext", "linux_ucontext", "linux_rt_sigframe",
               "linux_fp_sw_bytes", "linux_termios", "linux_termios2", "linux_termio", "linux_sched_attr",
               "linux_ptrace_syscall_info", "linux_shminfo64", "linux_ifreq", "linux_ifconf"}
# The last member is as long as the record; the host's header gives it room.
OPEN_ENDED = {"linux_dirent64"}
# Constants that the C library shows to programs with another value, or hides.
OTHER_IN_LIBC = {"O_LARGEFILE", "SIGRTMIN", "SIGRTMAX", "SA_RESTORER", "NSIG", "MINSIGSTKSZ", "SIGSTKSZ",
                 "F_GETLK64", "F_SETLK64", "F_SETLKW64", "SOCK_MAX", "NCCS", "O_SYNC_ALL", "UIO_MAXIOV", "SOMAXCONN",
                 "IPC_64", "RLIM_INFINITY", "RLIM_NLIMITS", "NSIG_WORDS", "TCGETS2", "TCSETS2", "TCSETSW2", "TCSETSF2"}


def read(path):
    with open(path) as f:
        return re.sub(r"/\*.*?\*/", " ", f.read(), flags=re.S).replace("\\\n", " ")


def our_names():
    constants, structs, headers = [], {}, []
    for path in sorted(glob.glob(os.path.join(ABI, "*.h"))):
        name = os.path.basename(path)
        headers.append(name)
        text = read(path)
        for m in re.finditer(r"^#\s*define\s+([A-Z_a-z]\w*)[ \t]+(\S.*)$", text, re.M):
            if '"' not in m.group(2) and "{" not in m.group(2) and not m.group(1).startswith(("NACRE_", "_", "LINUX_")):
                constants.append(m.group(1))
        for m in re.finditer(r"struct\s+(\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", text):
            # anonymous inner structs and unions: their members are reached alike
            if m.group(1) in STRUCTS or m.group(1) in NOT_IN_LIBC or m.group(1).startswith("linux_"):
                members = []
                body = re.sub(r"(?:union|struct)\s*\{[^{}]*\}\s*(\w*)\s*;", r"int \1;", m.group(2))
                for decl in body.split(";"):
                    decl = re.sub(r"\b(__aligned|__attribute__)\s*\(+[^)]*\)+", "", decl).strip()
                    if not decl or "(" in decl:
                        continue
                    for i, part in enumerate(decl.split(",")):
                        w = re.findall(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*$", part.strip())
                        if w and (i or " " in part.strip()):
                            members.append(w[0])
                structs[m.group(1)] = members
    return headers, sorted(set(constants)), structs


def host_text(cc, headers):
    src = "#define _GNU_SOURCE\n" + "".join(f"#include <{h}>\n" for h in headers)
    r = subprocess.run([*cc, "-E", "-P", "-x", "c", "-"], input=src, capture_output=True, text=True)
    if r.returncode:
        sys.exit(r.stderr)
    return r.stdout


def have(cc, header):
    return subprocess.run([*cc, "-E", "-x", "c", "-"], input=f"#include <{header}>\n", text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    ap.add_argument("--cc", default="cc")
    ap.add_argument("--out-ours", required=True)
    ap.add_argument("--out-theirs", required=True)
    a = ap.parse_args()
    cc = a.cc.split()
    headers, constants, structs = our_names()
    constants = [c for c in constants if c not in OTHER_IN_LIBC]
    host = [h for h in HOST_HEADERS if have(cc, h)]
    text = host_text(cc, host)

    entry = '\t{ "%s", (long long)(%s) },\n'
    ours = ["#include <base/types.h>\n"] + [f"#include <linux_abi/{h}>\n" for h in headers]
    ours.append('#include "tests/unit/abi_layout.h"\nconst struct abi_row abi_ours[] = {\n')
    theirs = ["#define _GNU_SOURCE\n"] + [f"#include <{h}>\n" for h in host]
    theirs.append('#include "tests/unit/abi_layout.h"\nconst struct abi_row abi_theirs[] = {\n')
    enums = set(re.findall(r"\b([A-Z][A-Z0-9_]+)\s*(?:=[^,{}]*)?[,}]", " ".join(re.findall(r"enum\s*\w*\s*\{[^}]*\}", text))))
    for c in constants:
        ours.append(entry % (c, c))
        host_name = "__NR_" + c[3:] if c.startswith("NR_") else c
        if c in enums:
            theirs.append(entry % (c, c))
        else:
            theirs.append(f"#ifdef {host_name}\n" + entry % (c, host_name) + "#endif\n")
    for s, members in structs.items():
        if s in NOT_IN_LIBC:
            continue
        if s not in STRUCTS:
            sys.exit(f"include/linux_abi: struct {s} is unknown to tests/unit/abi_layout.py; add it to STRUCTS")
        host_type, prefix, names = STRUCTS[s]
        tag = host_type.removeprefix("struct ")
        m = re.search(r"struct %s\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}" % tag, text) or \
            re.search(r"typedef struct\s*\w*\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}\s*%s\s*;" % tag, text)
        if not m:
            continue                    # the host's headers are older
        body = m.group(1)
        if s not in OPEN_ENDED:
            ours.append(entry % (f"sizeof {s}", f"sizeof(struct {s})"))
            theirs.append(entry % (f"sizeof {s}", f"sizeof({host_type})"))
        for member in members:
            their = names.get(member)
            for candidate in (member, prefix + member, "__" + member):
                if not their and re.search(r"\b%s\b" % candidate, body):
                    their = candidate
            if not their:
                continue
            ours.append(entry % (f"{s}.{member}", f"offsetof(struct {s}, {member})"))
            theirs.append(entry % (f"{s}.{member}", f"offsetof({host_type}, {their})"))
    tail = "};\nconst unsigned %s_count = sizeof %s / sizeof %s[0];\n"
    ours.append(tail % (("abi_ours",) * 3))
    theirs.append(tail % (("abi_theirs",) * 3))
    for path, lines in ((a.out_ours, ours), (a.out_theirs, theirs)):
        with open(path, "w") as f:
            f.writelines(lines)


main()
