import subprocess
import sys

SCRIPT = """
import resource
from twisted_pypi.serving.open_files import raise_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
said = raise_limit()
print(said == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(hard, 1 << 20), raise_limit() == said)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
print(raise_limit())
"""


def test_as_many_files_are_open_as_may_be() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True True\n64\n"
