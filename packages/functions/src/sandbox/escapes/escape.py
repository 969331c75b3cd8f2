# Tries to get out by system calls, in Python. Prints, for each attempt, what came of it: "open", or the error that refused it.

import base64
import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import struct

inherited = [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
aim = json.loads(base64.b64decode(os.environ["ESCAPE"]))
calls = aim["calls"]
libc = ctypes.CDLL(None, use_errno=True)
results = {}


def attempt(name, escape):
    """Runs escape, which raises OSError, or returns why it got nowhere."""
    try:
        results[name] = escape() or "open"
    except OSError as error:
        results[name] = errno.errorcode.get(error.errno, str(error))
    except ValueError as error:  # of module resource
        results[name] = str(error)


def call(name, *values):
    """A system call by its number; an architecture without it has no such way out."""
    number = calls.get(name)
    if number is None:
        return "no such call"
    ctypes.set_errno(0)
    as_long = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    if libc.syscall(ctypes.c_long(number), *as_long) < 0:
        raise OSError(ctypes.get_errno(), name)
    return None


def refused_by_filter(name, *values):
    """For calls whose nonsense arguments fail in the kernel too: only a refusal that comes before it looks at them counts."""

    def escape():
        try:
            return call(name, *values)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS):
                raise
            return None  # The kernel looked at it.

    return escape


server = aim["server"]
page = ctypes.create_string_buffer(mmap.PAGESIZE)
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206


# What the server left open in it.
attempt("inherit a file of the server", lambda: None if any(int(fd) > 2 for fd in inherited) else "none")
attempt("inherit a variable of the server", lambda: None if set(os.environ) - set(aim["variables"]) else "none")
attempt("read the standard input of the launcher", lambda: None if os.read(0, 1) else "nothing there")

def type_into_terminal():
    import fcntl

    with open("/dev/null", "rb") as terminal:
        try:
            fcntl.ioctl(terminal, 0x5412, b"x")
        except OSError as error:
            if error.errno == errno.EPERM:
                raise
    return None


attempt("type into a terminal", type_into_terminal)
attempt("set the attributes of a file of others", lambda: os.setxattr(aim["everybodys"], "user.escape", b"x"))

# Other processes.
attempt("trace the server", lambda: call("ptrace", PTRACE_ATTACH, server, 0, 0))
attempt("seize the server", lambda: call("ptrace", PTRACE_SEIZE, server, 0, 0))
attempt("read the memory of a process", refused_by_filter("process_vm_readv", server, page, 1, page, 1, 0))
attempt("write the memory of a process", refused_by_filter("process_vm_writev", server, page, 1, page, 1, 0))
attempt("advise the memory of a process", refused_by_filter("process_madvise", 0, page, 1, 4, 0))
attempt("take a file descriptor of a process", refused_by_filter("pidfd_getfd", 0, 0, 0))
attempt("compare a process", refused_by_filter("kcmp", server, server, 0, 0, 0))
attempt("move the pages of a process", refused_by_filter("move_pages", server, 0, 0, 0, 0, 0))
attempt("change the limits of a process", lambda: resource.prlimit(server, resource.RLIMIT_NOFILE, (8, 8)) and None)
attempt("change the priority of a process", lambda: os.setpriority(os.PRIO_PROCESS, server, 19))
attempt("change the priority of a user", lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt("change the processors of a process", lambda: os.sched_setaffinity(server, {0}))
attempt("change the scheduler of a process", lambda: os.sched_setscheduler(server, os.SCHED_BATCH, os.sched_param(0)))
attempt("change the disk priority of a process", refused_by_filter("ioprio_set", 1, server, 0))

# Staying behind, and hiding.
attempt("begin a session", lambda: os.setsid() and None)
attempt("begin a process group", lambda: os.setpgid(0, 0))
attempt("outlive the server", lambda: call("prctl", 1, 0, 0, 0, 0))
attempt("hide from the watchdog", lambda: call("prctl", 4, 0, 0, 0, 0))

# Sockets.
attempt("make a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP).close())
attempt("ping", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close())
attempt("make a netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close())
attempt("make a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).close())
attempt("make a crypto socket", lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET, 0).close())
attempt("make a socket to the hypervisor", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM, 0).close())
attempt("make a Unix socket", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close())
attempt("make a pair of datagram sockets", lambda: [one.close() for one in socket.socketpair(type=socket.SOCK_DGRAM)] and None)


def connect(made):
    made.settimeout(1)
    try:
        made.connect(("127.0.0.1", aim["ports"]["other"]))
    finally:
        made.close()


def fast_open():
    with socket.socket() as made:
        made.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", aim["ports"]["other"]))


def listen():
    with socket.socket() as made:
        made.listen()


def bind():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))


def datagram_socket_pair():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(aim["mark"].encode(), ("127.0.0.1", aim["ports"]["udp"]))


def take_over():
    with socket.socket() as made:
        try:
            made.setsockopt(socket.IPPROTO_TCP, 31, b"tls")
        except OSError as error:
            if error.errno == errno.EPERM:
                raise


attempt("have another protocol take over a socket", take_over)
attempt("connect to another port", lambda: connect(socket.socket()))
attempt("connect to another port by Multipath TCP", lambda: connect(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)))
attempt("connect to another port by fast open", fast_open)
attempt("bind a port", bind)
attempt("listen without a bind", listen)
attempt("send a datagram", datagram_socket_pair)

# Files that Landlock does not see.
def watch(folder):
    watcher = libc.inotify_init()
    ctypes.set_errno(0)
    if libc.inotify_add_watch(watcher, folder.encode(), 0x100) < 0:
        raise OSError(ctypes.get_errno(), folder)


attempt("watch the folder of the server", lambda: watch(aim["dataDirectory"]))
attempt("watch a folder that is open to everybody", lambda: watch(aim["open"]))


def hold():
    import fcntl

    with open(os.path.join(os.environ["RUNTIME"], "bootstrap.mjs")) as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)


attempt("hold up who opens its bootstraps", hold)
attempt("leave a dump of its memory", lambda: None if resource.getrlimit(resource.RLIMIT_CORE) != (1, 1) else "none")


# Namespaces and mounts.
CLONE_SIGHAND = 0x800  # Invalid without CLONE_VM, so that the kernel makes no process either.
CLONE = {"user": 0x10000000, "mount": 0x20000, "network": 0x40000000, "process": 0x20000000}
for kind, flag in CLONE.items():
    attempt(f"make a {kind} namespace", lambda flag=flag: call("unshare", flag))
    attempt(f"clone into a {kind} namespace", refused_by_filter("clone", flag | CLONE_SIGHAND, 0, 0, 0, 0))
attempt("make a child of the server", refused_by_filter("clone", 0x8000 | CLONE_SIGHAND, 0, 0, 0, 0))
attempt("clone by clone3", refused_by_filter("clone3", 0, 0))
attempt("join a namespace", refused_by_filter("setns", 0, 0))
mine = os.path.join(os.environ["SCRATCH"], "mountpoint").encode()
os.mkdir(mine)
attempt("mount a file system", lambda: call("mount", b"none", mine, b"tmpfs", 0, 0))
attempt("unmount a file system", lambda: call("umount2", b"/proc", 2))
attempt("open a file system", refused_by_filter("fsopen", b"tmpfs", 0))
attempt("copy a mount", refused_by_filter("open_tree", -100, b"/", 1))
attempt("move a mount", refused_by_filter("move_mount", -100, b"/usr", -100, mine, 0))
attempt("pivot the root folder", refused_by_filter("pivot_root", mine, mine))
attempt("change the root folder", lambda: os.chroot(mine))

# The kernel's wider doors.
attempt("add a key", refused_by_filter("add_key", b"user", b"escape", b"x", 1, -4))
attempt("ask for a key", refused_by_filter("request_key", b"user", b"escape", 0, -4))
attempt("read a keyring", refused_by_filter("keyctl", 0, -3, 0))
attempt("load a BPF program", refused_by_filter("bpf", 0, 0, 0))
attempt("watch performance", refused_by_filter("perf_event_open", 0, 0, -1, -1, 0))
attempt("make an io_uring", refused_by_filter("io_uring_setup", 1, 0))
attempt("handle page faults", refused_by_filter("userfaultfd", 1))
attempt("take a file handle", refused_by_filter("name_to_handle_at", -100, b"/usr", 0, 0, 0))
attempt("open by a file handle", refused_by_filter("open_by_handle_at", 3, 0, 0))
attempt("watch all files", refused_by_filter("fanotify_init", 0, 0))
attempt("change its personality", refused_by_filter("personality", 0x0040000))
attempt("make memory of no process", refused_by_filter("memfd_create", b"x", 0))
attempt("make shared memory", refused_by_filter("shmget", 0, 4096, 0o1600))
attempt("make a message queue", refused_by_filter("msgget", 0, 0o1600))
attempt("make semaphores", refused_by_filter("semget", 0, 1, 0o1600))
attempt("make a POSIX message queue", refused_by_filter("mq_open", b"escape", 0o102, 0o600, 0))
attempt("call by x32", lambda: call("x32") if "x32" in calls else "no such call")



# Who it is, and the machine.
attempt("become root", lambda: os.setuid(0))
attempt("become another user", lambda: os.setresuid(1, 1, 1))
attempt("join a group", lambda: os.setgroups([0]))
attempt("leave its group", lambda: os.setgid(0))
attempt("raise a limit", lambda: resource.setrlimit(resource.RLIMIT_NPROC, (resource.RLIM_INFINITY,) * 2))
attempt("restart the machine", refused_by_filter("reboot", 0, 0, 0, 0))
attempt("name the machine", lambda: socket.sethostname("escaped"))
attempt("set the clock", refused_by_filter("clock_settime", 0, 0))
attempt("set the time of day", refused_by_filter("settimeofday", 0, 0))
attempt("load a kernel", refused_by_filter("kexec_load", 0, 0, 0, 0))
attempt("load a module", refused_by_filter("init_module", 0, 0, b""))
attempt("swap to a file", refused_by_filter("swapon", mine, 0))
attempt("keep accounts of processes", refused_by_filter("acct", 0))
attempt("read the log of the kernel", refused_by_filter("syslog", 10, 0, 0))
attempt("reach a hardware port", refused_by_filter("ioperm", 0x80, 1, 1))
attempt("make a segment", refused_by_filter("modify_ldt", 0, 0, 0))
attempt("use the processor without end", lambda: None if resource.getrlimit(resource.RLIMIT_CPU)[1] == resource.RLIM_INFINITY else "limited")
# Last, since whoever is traced stops at the next signal.
attempt("trace itself", lambda: call("ptrace", 0, 0, 0, 0))

print(json.dumps(results))
