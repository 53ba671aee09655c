# SPDX-License-Identifier: Apache-2.0
"""Where a command can run: native, nacre, and other sandboxes that are
installed.  Each sees the machine's files, has no network but a loopback, and
has a file system in memory to write in.

runsc is taken from Debian trixie by a private list of sources and unpacked
below the build directory: nothing is installed."""
import json
import os
import shutil
import subprocess

TRIXIE = ("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
          "http://deb.debian.org/debian trixie main\n")


class Peer:
    name = "?"

    def __init__(self, work, reason=None, name=None):
        self.name = name or self.name
        self.work = work                        # Work: paths
        self.reason = reason                    # why it cannot be used, or None
        self.scratch = work.scratch

    def wrap(self, argv):
        raise NotImplementedError

    def after(self):
        """After each command: what is written must not pile up."""

    def close(self):
        """At the end."""


class Native(Peer):
    name = "native"

    def __init__(self, work):
        super().__init__(work)
        # In memory, as the sandboxes' is.
        if os.access("/dev/shm", os.W_OK):
            self.scratch = f"/dev/shm/nacre-bench-{os.getpid()}"
            os.makedirs(self.scratch, exist_ok=True)

    def wrap(self, argv):
        return list(argv)

    def after(self):
        for name in os.listdir(self.scratch):
            path = os.path.join(self.scratch, name)
            shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.unlink(path)

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)


class Nacre(Peer):
    name = "nacre"

    def __init__(self, work, extra=()):
        super().__init__(work, None if os.path.exists(work.nacre) else "not built")
        self.extra = list(extra)

    def wrap(self, argv):
        return [self.work.nacre, "do", *self.extra, "--tmpfs", self.scratch, "--", *argv]


class Bwrap(Peer):
    name = "bwrap"

    def __init__(self, work):
        reason = None
        if not shutil.which("bwrap"):
            reason = "not installed"
        elif subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "/bin/true"],
                            capture_output=True).returncode:
            reason = "does not run here"
        super().__init__(work, reason)

    def wrap(self, argv):
        return ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--dev", "/dev",
                "--proc", "/proc", "--tmpfs", self.scratch, *argv]


class Oci(Peer):
    """A bundle whose root is made of read-only binds of the machine's."""
    serial = 0

    def bundle(self, argv):
        Oci.serial += 1
        folder = os.path.join(self.work.top, f"bundle-{self.name}-{Oci.serial}")
        root = os.path.join(folder, "rootfs")
        os.makedirs(root)
        mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
                  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                   "options": ["nosuid", "mode=755"]},
                  {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                   "options": ["newinstance", "ptmxmode=0666", "mode=0620"]},
                  {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"]},
                  {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}]
        binds = ["/usr", "/etc", "/opt", "/var/lib", self.work.bench, self.work.input]
        for name in ("bin", "sbin", "lib", "lib64"):
            if os.path.islink("/" + name):
                os.symlink(os.readlink("/" + name), os.path.join(root, name))
            elif os.path.isdir("/" + name):
                binds.append("/" + name)
        for path in binds:
            if os.path.isdir(path):
                mounts.append({"destination": path, "type": "bind", "source": path,
                               "options": ["rbind", "ro"]})
        mounts.append({"destination": self.scratch, "type": "tmpfs", "source": "tmpfs"})
        config = {
            "ociVersion": "1.0.0",
            "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": list(argv), "cwd": "/",
                        "env": [f"{k}={v}" for k, v in self.work.env.items()]},
            "root": {"path": "rootfs", "readonly": False}, "hostname": "bench", "mounts": mounts,
            "linux": {"namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts")] + [self.network()]}}
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(config, f)
        return folder, f"nacre-bench-{os.getpid()}-{Oci.serial}"

    def network(self):
        return {"type": "network"}

    def after(self):
        for name in os.listdir(self.work.top):
            if name.startswith(f"bundle-{self.name}-"):
                shutil.rmtree(os.path.join(self.work.top, name), ignore_errors=True)


class Crun(Oci):
    name = "crun"

    def __init__(self, work):
        super().__init__(work)
        if not shutil.which("crun"):
            self.reason = "not installed"
        elif os.getuid():
            self.reason = "needs root here"
        self.root = os.path.join(work.top, "crun-state")
        self.keeper, self.enter = None, []
        if not self.reason:
            self.surroundings()

    def surroundings(self):
        """A network name space with its loopback up.  And crun refuses to start
        where both kinds of cgroups are mounted, even without using them: it
        runs in a mount name space that shows one."""
        self.keeper = subprocess.Popen(
            ["unshare", "-m", "-n", "--propagation", "private", "sh", "-c",
             "ip link set lo up; [ ! -d /sys/fs/cgroup/unified ] || mount -t tmpfs none /sys/fs/cgroup/unified; "
             "echo ready && exec sleep 3600"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if self.keeper.stdout.readline() == "ready\n":
            self.enter = ["nsenter", "-t", str(self.keeper.pid), "-m"]

    def network(self):
        return {"type": "network", "path": f"/proc/{self.keeper.pid}/ns/net"}

    def close(self):
        if self.keeper:
            self.keeper.kill()
            self.keeper.wait()

    def wrap(self, argv):
        folder, name = self.bundle(argv)
        return [*self.enter, "crun", "--root", self.root, "--cgroup-manager=disabled", "run", "--bundle", folder, name]


class Runsc(Oci):
    name = "runsc"

    def __init__(self, work, fetch):
        super().__init__(work)
        self.program = shutil.which("runsc")
        if os.getuid():
            self.reason = "needs root here"
        elif not self.program and fetch:
            self.program, self.reason = fetch_runsc(os.path.join(work.build, "peers"))
        elif not self.program:
            self.reason = "not installed (--peers fetches it)"
        self.root = os.path.join(work.top, "runsc-state")

    def wrap(self, argv):
        folder, name = self.bundle(argv)
        return [self.program, "--root", self.root, "--platform=systrap", "--network=none",
                "--ignore-cgroups", "run", "--bundle", folder, name]


def fetch_runsc(folder):
    """(program, None) or (None, why not)."""
    program = os.path.join(folder, "usr/bin/runsc")
    if os.path.exists(program):
        return program, None
    os.makedirs(os.path.join(folder, "apt/lists"), exist_ok=True)
    os.makedirs(os.path.join(folder, "apt/cache"), exist_ok=True)
    sources = os.path.join(folder, "apt/sources.list")
    with open(sources, "w") as f:
        f.write(TRIXIE)
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={sources}", "-o", "Dir::Etc::SourceParts=/dev/null",
           "-o", f"Dir::State::Lists={folder}/apt/lists", "-o", f"Dir::Cache={folder}/apt/cache"]
    try:
        for step in ("update", "download"):
            argv = apt + (["update"] if step == "update" else ["download", "runsc"])
            p = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120)
            if p.returncode:
                lines = (p.stderr or p.stdout).strip().splitlines()
                return None, f"apt-get {step}: {lines[-1] if lines else 'failed'}"
        debs = [n for n in os.listdir(folder) if n.startswith("runsc_") and n.endswith(".deb")]
        subprocess.run(["dpkg", "-x", os.path.join(folder, debs[0]), folder], check=True, timeout=60)
    except (OSError, subprocess.SubprocessError, IndexError) as e:
        return None, f"could not be had: {e}"
    return (program, None) if os.path.exists(program) else (None, "the package has no runsc")
