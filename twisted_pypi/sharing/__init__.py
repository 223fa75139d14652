"""What the processes of one server share; nothing of it is imported while there is one process."""

from twisted_pypi.sharing.locks import KeyLocks
from twisted_pypi.sharing.memory import SharedMemory

__all__ = ["KeyLocks", "SharedMemory"]
