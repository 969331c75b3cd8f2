"""The Python runtime of functions: loads the handler, then takes invocations from the Runtime API and gives it the answers, for ever.

Needs nothing but Python 3.9 or later.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

import importlib
import json
import logging
import os
import re
import socket
import sys
import time
import traceback

API = "/2018-06-01/runtime/"
HERE = os.path.abspath(__file__)


class RuntimeFault(Exception):
    """What the runtime itself has to say; its kind is one of Lambda's words."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.trace = list(trace)


# Talking to the Runtime API


class RuntimeApi:
    """By hand over one connection, because loading http.client takes longer than starting Python. The Runtime API always tells the
    length of its answers."""

    def __init__(self, address):
        self.host = address
        host, port = address.rsplit(":", 1)
        self.connection = socket.create_connection((host, int(port)))
        self.answers = self.connection.makefile("rb")

    def call(self, method, path, body=b"", headers=None):
        fields = {"Host": self.host, "Content-Length": len(body), **(headers or {})}
        lines = ["%s %s%s HTTP/1.1" % (method, API, path), *("%s: %s" % field for field in fields.items()), "", ""]
        self.connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        if not self.answers.readline().startswith(b"HTTP/1.1 "):
            raise ConnectionError("the Runtime API closed the connection")
        answer = Headers()
        for line in iter(self.answers.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            answer[name.lower()] = value.strip()
        return answer, self.answers.read(int(answer["Content-Length"]))

    def report(self, path, payload):
        kind = re.sub(r"[^\x20-\x7e]", "?", payload["errorType"])[:256]
        headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": kind}
        self.call("POST", path, json.dumps(payload).encode(), headers)


class Headers(dict):
    def __getitem__(self, name):
        return super().__getitem__(name.lower())

    def get(self, name):
        return super().get(name.lower())


def described(error, request_id):
    """An exception as Lambda answers with it. Frames of this file, which is none of the function's, are left out."""
    if isinstance(error, RuntimeFault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, frames_of(error)
    return {"errorMessage": text_of(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def text_of(error):
    try:
        return str(error)
    except Exception:
        return "the exception cannot be described"


def frames_of(error):
    frames = traceback.extract_tb(error.__traceback__)
    ours = (HERE, importlib.__file__)
    return traceback.format_list([f for f in frames if f.filename not in ours and not f.filename.startswith("<frozen importlib")])


# The log


class LogFormat(logging.Formatter):
    converter = time.gmtime

    def __init__(self):
        super().__init__(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )


class LogHandler(logging.Handler):
    """Looks standard output up for each line: a function may replace it."""

    request_id = ""

    def emit(self, record):
        record.aws_request_id = self.request_id
        sys.stdout.write(self.format(record) + "\n")


def log_error(payload):
    lines = ["[ERROR] %s: %s" % (payload["errorType"], payload["errorMessage"])]
    if payload["stackTrace"]:
        lines.append("Traceback (most recent call last):")
    sys.stdout.write("\n".join(lines) + "\n" + "".join(payload["stackTrace"]))


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


# The handler


def load_handler(name):
    """`folder/module.function`, the folder with slashes or dots."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise RuntimeFault("MalformedHandlerName", "Bad handler '%s': %s" % (name, error)) from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise RuntimeFault("BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)
        raise RuntimeFault("ImportModuleError", message, frames_of(error)) from error
    except SyntaxError as error:
        message = "Syntax error in module '%s': %s" % (module_name, error)
        where = '  File "%s" Line %s\n    %s\n' % (error.filename, error.lineno, (error.text or "").strip())
        raise RuntimeFault("UserCodeSyntaxError", message, [where]) from error
    if not hasattr(module, function_name):
        raise RuntimeFault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name))
    return getattr(module, function_name)


# Invocations


class Fields:
    """The members of a JSON object as attributes; what is not there is None."""

    def __init__(self, members):
        for name, value in members.items():
            setattr(self, name, value)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        identity = json.loads(headers.get("Lambda-Runtime-Cognito-Identity") or "{}")
        self.identity = Fields(
            {"cognito_identity_id": identity.get("cognitoIdentityId"), "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId")}
        )
        client = json.loads(headers.get("Lambda-Runtime-Client-Context") or "null")
        self.client_context = client and Fields({**client, "client": client.get("client") and Fields(client["client"])})
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))


def in_json(value):
    if type(value).__name__ == "Decimal":
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def run(handler, body, context):
    try:
        event = json.loads(body)
    except ValueError as error:
        raise RuntimeFault("UnmarshalError", "Unable to unmarshal input: %s" % error) from None
    result = handler(event, context)
    try:
        return json.dumps(result, default=in_json, ensure_ascii=sys.version_info < (3, 12)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RuntimeFault("MarshalError", "Unable to marshal response: %s" % error) from None


def serve(api, handler, log):
    while True:
        headers, body = api.call("GET", "invocation/next")
        request_id = log.request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("Lambda-Runtime-Trace-Id") or ""
        path = "invocation/%s/" % request_id
        try:
            answer = run(handler, body, LambdaContext(headers))
        except Exception as error:
            payload = described(error, request_id)
            log_error(payload)
            flush()
            api.report(path + "error", payload)
        else:
            flush()
            api.call("POST", path + "response", answer, {"Content-Type": "application/json"})


def main():
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    # Modules of the function come first, and this file's folder is not for it to import from.
    sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"], *(path for path in sys.path if path != os.path.dirname(HERE))]
    log = LogHandler()
    log.setFormatter(LogFormat())
    logging.getLogger().addHandler(log)
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:
        payload = described(error, "")
        log_error(payload)
        flush()
        api.report("init/error", payload)
        sys.exit(1)
    try:
        serve(api, handler, log)
    except OSError:
        os._exit(1)  # The Runtime API goes away with the server.


main()
