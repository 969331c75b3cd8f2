# Takes more than its share: python3 bombs.py WHAT. Ends by itself only where it is refused, or has taken four times what it may.

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
