"""An index is three verbs: ``projects()``, ``project(name)`` and ``file(project, filename)``."""
