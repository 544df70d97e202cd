"""Facts as tables: rows appended to a journal in the cache as they are found, packed into `lab/facts/*.csv.gz`.

A table reads both places, so a run on a fresh machine goes on from what was committed. Columns are text;
`COLUMNS` names them, docs/laboratory.md says what they mean.
"""

import csv
import datetime
import gzip
import io
import os

from functools import lru_cache

from . import plan
from .metrics import METRICS

COLUMNS = {
    "backbones": ("backbone", "family", "source", "classes", "images", "epochs", "seed", "params", "macs",
                  "accuracy_float", "accuracy_int8", "seconds", "torch", "date"),
    "probe": ("backbone", "task", "form", "accuracy", "train", "test", "classes"),
    "finetune": ("backbone", "dataset", "accuracy", "train", "test", "epochs", "seed", "seconds", "torch", "date"),
    "scores": ("backbone", "task", "form", "shots", *METRICS),
}
# How many leading columns are the key.
KEYS = {"backbones": 1, "probe": 3, "finetune": 2, "scores": 4}


@lru_cache(maxsize=None)
def rows(name: str) -> dict:
    """The rows of a table by key, read once: for those who only read."""
    return Table(name).rows


def today() -> str:
    """The date that goes beside a fact."""
    return os.environ.get("LAB_DATE") or datetime.date.today().isoformat()


class Table:
    """Rows by key: the leading `KEYS[name]` columns. A later row with the same key replaces the earlier."""

    def __init__(self, name: str, facts=None, store=None):
        self.name, self.columns, self.width = name, COLUMNS[name], KEYS[name]
        self.packed = (facts or plan.FACTS) / f"{name}.csv.gz"
        self.journal = (store or plan.STORE) / f"{name}.csv"
        self.rows = {}
        if self.packed.exists():
            self._take(gzip.decompress(self.packed.read_bytes()).decode())
        if self.journal.exists():
            self._take(self.journal.read_text())

    def _take(self, text: str) -> None:
        """Rows of a CSV; a last line cut short by a stop is dropped."""
        for row in csv.DictReader(io.StringIO(text)):
            if None not in row.values() and None not in row:
                self.rows[tuple(row[c] for c in self.columns[:self.width])] = row

    def __contains__(self, key: tuple) -> bool:
        return tuple(str(part) for part in key) in self.rows

    def add(self, rows: list) -> None:
        """Append dictionaries to the journal at once, so that a stop loses at most what was not given."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self.journal.exists()
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        if fresh:
            writer.writeheader()
        for row in rows:
            writer.writerow(row)
            self.rows[tuple(str(row[c]) for c in self.columns[:self.width])] = {k: str(v) for k, v in row.items()}
        # Unbuffered: one write, so that stages which run side by side do not cut each other's lines.
        with open(self.journal, "ab", buffering=0) as file:
            file.write(text.getvalue().encode())

    def pack(self) -> int:
        """Write every row, sorted, to the committed file (same rows, same bytes); returns how many."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows[key] for key in sorted(self.rows))
        self.packed.parent.mkdir(parents=True, exist_ok=True)
        self.packed.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
        return len(self.rows)
