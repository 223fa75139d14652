"""All benchmarks, one after the other: ``python -m benchmarks``."""

from benchmarks import installations, pages, restart, scan, standards, updating, uploads

if __name__ == "__main__":
    for part in (scan, restart, pages, uploads, standards, installations, updating):
        part.measure()
