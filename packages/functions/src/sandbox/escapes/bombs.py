# Takes more than its share: python3 bombs.py WHAT. Ends by itself only where it is refused, or has taken four times what it may.

import mmap
import os
import subprocess
import sys
import time

MIB = 1_048_576
scratch, limit = os.environ["SCRATCH"], int(os.environ["SCRATCH_BYTES"])
block = b"x" * 65_536


def memory():
    taken = []
    while True:
        taken.append(bytearray(b"x" * MIB))


def memory_of_many():
    hold = f"import time; held = b'x' * (100 * {MIB}); print(flush=True); time.sleep(60)"
    for child in [subprocess.Popen([sys.executable, "-c", hold]) for _ in range(6)]:
        child.wait()


def page_tables():
    """Of memory that is read alone: none of it is anybody's, but its tables are 4 KiB for each of 2 MiB."""
    size = 64 << 30
    taken = []
    for _ in range(16):
        taken.append(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ))
        for place in range(0, size, 2 * MIB):
            taken[-1][place]


def one_file():
    with open(f"{scratch}/one", "wb") as file:
        for _ in range(4 * limit // len(block)):
            file.write(block)


def many_files():
    for number in range(4 * limit // len(block)):
        with open(f"{scratch}/{number}", "wb") as file:
            file.write(block)
    time.sleep(5)


def deleted_files():
    taken = []
    for number in range(16):
        path = f"{scratch}/{number}"
        taken.append(open(path, "wb"))
        os.unlink(path)
        for _ in range(limit // 4 // len(block)):
            taken[-1].write(block)
        taken[-1].flush()
    time.sleep(5)


def hidden_files():
    """Deleted, and open in a process that may not be looked into, since it may not read its own program."""
    shell = os.open(f"{scratch}/shell", os.O_CREAT | os.O_WRONLY, 0o111)
    with open("/bin/dash", "rb") as program:
        os.write(shell, program.read())
    os.close(shell)
    os.mkfifo(f"{scratch}/never")
    script = 'for n in 3 4 5 6 7 8 9; do eval "exec $n>$SCRATCH/$n"; rm "$SCRATCH/$n"; head -c 2000000 /dev/zero >&$n; done'
    os.execv(f"{scratch}/shell", ["shell", "-c", script + '; echo filled; read _ <"$SCRATCH/never"'])


def empty_files():
    for number in range(4 * limit // 4096):
        open(f"{scratch}/{number}", "wb").close()
    time.sleep(5)


def deep_folders():
    os.chdir(scratch)
    for _ in range(40):
        os.mkdir("x" * 200)
        os.chdir("x" * 200)
    time.sleep(5)


def closed_folder():
    os.mkdir(f"{scratch}/closed")
    for number in range(4 * limit // len(block)):
        with open(f"{scratch}/closed/{number}", "wb") as file:
            file.write(block)
        os.chmod(f"{scratch}/closed", 0o300)
    time.sleep(5)


def leave_behind():
    """A daemon, as far as it is let: forked twice, its streams closed."""
    if os.fork() == 0:
        try:
            os.setsid()
        except OSError:
            pass
        if os.fork() == 0:
            for stream in (0, 1, 2):
                os.close(stream)
            time.sleep(300)
        os._exit(0)
    os.wait()
    time.sleep(float(os.environ.get("STAY_SECONDS", "0")))


globals()[sys.argv[1]]()
print("open")
