"""The truth of the embedded engine: one SQLite file that everything else derives from."""

from rag.catalog.copies import repair, restore
from rag.catalog.database import CATALOG_NAME
from rag.catalog.snapshot import Change, PassageRow, Position, Snapshot
from rag.catalog.store import Catalog

__all__ = [
    "CATALOG_NAME",
    "Catalog",
    "Change",
    "PassageRow",
    "Position",
    "Snapshot",
    "repair",
    "restore",
]
