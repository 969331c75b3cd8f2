"""The AWS CLI, for many commands one after another: most of what a command takes is the start of its program.

Reads one JSON object a line, {"args": [...], "env": {...}}, and answers {"code", "stdout", "stderr"}. Every command has a driver, a session and
an environment of its own, as it would have in a process of its own.
"""

import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver

# Set when awscli is imported: where its own data lie.
DATA_PATH = os.environ["AWS_DATA_PATH"]


def run(args):
    try:
        return create_clidriver().main(args)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def answer(request):
    os.environ.clear()
    os.environ.update(request["env"], AWS_DATA_PATH=DATA_PATH)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(request["args"])
    texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return {"code": code, "stdout": texts[0], "stderr": texts[1]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
