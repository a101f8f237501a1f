"""The whole life of a library, compared with a dictionary at every step.

Documents come, change, move and go; collections too; the program is restarted, crashes, and runs
twice. Whatever happens: nothing that was acknowledged is missing, nothing that was deleted comes
back, by search, by an answer, by a follow-up or by its id, and all stores hold the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rag.errors import CollectionNotFound, DocumentNotFound
from rag.factory import open_application
from rag.schema import DEFAULT_COLLECTION, Turn
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.factory import Application

SOURCES = st.sampled_from(["a.txt", "b.txt", "c.text"])
COLLECTIONS = st.sampled_from([DEFAULT_COLLECTION, "laws", "drafts"])
WORDS = ("高铁", "港口", "公园", "医院", "汽车")
QUESTION = "合肥市今年计划建设多少个公园？"


def content(number: int) -> str:
    return "\n".join(
        f"第{number}版第{part}条，合肥市今年计划建设{word}{10 * number + part}个。"
        for part, word in enumerate(WORDS[: 1 + number % 5])
    )


class LibraryFollowsModel(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="rag-life-"))
        self.folder = self.root / "index"
        self.crashes = 0
        self.versions = 0
        self.application = self.open()
        self.beside = self.open()
        self.model: dict[tuple[str, str], str] = {}
        self.names = {DEFAULT_COLLECTION}
        self.ids: set[str] = set()

    def open(self) -> Application:
        return open_application(Settings(data_dir=self.folder, embedder="ranking-fake"))

    # What people do.

    @rule(source=SOURCES, collection=COLLECTIONS, again=st.booleans())
    def add(self, source: str, collection: str, again: bool) -> None:
        """A new version, or a new document, or (``again``) one that was there before."""
        self.versions += not again
        text = content(max(1, self.versions))
        outcome = self.application.library.add_bytes(
            text.encode(), name=source, collection=collection
        )
        assert outcome.document_id is not None, outcome.error
        before = self.model.get((collection, source))
        expected = "added" if before is None else "unchanged" if before == text else "replaced"
        assert outcome.status == expected
        self.model[collection, source] = text
        self.names.add(collection)
        self.ids.add(outcome.document_id)

    @rule(source=SOURCES, collection=COLLECTIONS)
    def add_what_cannot_be_read(self, source: str, collection: str) -> None:
        """A bad version leaves the good one in place."""
        outcome = self.application.library.add_bytes(
            b"\x00\x01" * 50, name=source, collection=collection
        )
        assert outcome.status == "failed"

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """One document, or several at once."""
        keys = st.lists(st.sampled_from(sorted(self.model)), min_size=1, max_size=2, unique=True)
        gone = data.draw(keys)
        self.application.library.remove(*(self.id_of(*key) for key in gone))
        for key in gone:
            del self.model[key]

    @rule(name=COLLECTIONS)
    def delete_collection(self, name: str) -> None:
        if name not in self.names:
            with pytest.raises(CollectionNotFound, match=name):
                self.application.library.delete_collection(name)
            return
        self.application.library.delete_collection(name)
        self.model = {key: text for key, text in self.model.items() if key[0] != name}
        self.names = (self.names - {name}) | {DEFAULT_COLLECTION}

    @precondition(lambda self: {"laws", "drafts"} & self.names not in (set(), {"laws", "drafts"}))
    @rule()
    def rename_collection(self) -> None:
        old, new = ("laws", "drafts") if "laws" in self.names else ("drafts", "laws")
        self.application.library.rename_collection(old, new)
        self.model = {
            (new if name == old else name, source): text
            for (name, source), text in self.model.items()
        }
        self.names = (self.names - {old}) | {new}
        self.ids |= {each.document_id for each in self.application.library.documents(new)}

    # What happens to programs.

    @rule()
    def restart(self) -> None:
        self.application.close()
        self.application = self.open()

    @rule()
    def use_the_other_one(self) -> None:
        self.application, self.beside = self.beside, self.application

    @rule()
    def crash(self) -> None:
        """What is on disk at this moment is all that is left."""
        self.crashes += 1
        after = self.root / f"crash-{self.crashes}"
        shutil.copytree(self.folder, after)
        for application in (self.application, self.beside):
            application.close()
        self.folder = after
        self.application, self.beside = self.open(), self.open()

    @rule()
    def lose_the_derived_indexes(self) -> None:
        for name in ("vectors", "lexical"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    @rule()
    def go_back_to_a_backup_of_now(self) -> None:
        from rag.catalog import Catalog, restore

        backup = self.root / "backup"
        catalog = Catalog.open(self.folder, create=False)
        catalog.back_up(backup)
        catalog.close()
        name = f"f{len(self.ids)}.txt"
        self.application.library.add_bytes("不该留下的话。".encode(), name=name)
        restore(backup, self.folder)
        backup.unlink()

    # What must hold.

    @rule(collection=COLLECTIONS)
    def ask(self, collection: str) -> None:
        assistant = self.application.assistant
        if collection not in self.names:
            with pytest.raises(CollectionNotFound, match=collection):
                assistant.ask(QUESTION, collection=collection)
            return
        texts = {text for (name, _), text in self.model.items() if name == collection}
        first = assistant.ask(QUESTION, collection=collection, top_k=50)
        history = [
            Turn(role="user", content=QUESTION),
            Turn(role="assistant", content=first.answer),
        ]
        further = assistant.ask("医院呢？", collection=collection, history=history, top_k=50)
        for answer in (first, further):
            for hit in answer.hits:
                assert any(hit.passage.text in text for text in texts)
            for citation in answer.citations:
                document = self.application.library.document(citation.document_id)
                assert document.text in texts
                assert document.text[citation.start : citation.end] == citation.quote
        assert bool(first.hits) == bool(texts)

    @rule()
    def search_everywhere(self) -> None:
        result = self.application.assistant.search(QUESTION, collection="*", top_k=50)
        for hit in result.hits:
            assert hit.passage.text in self.model[hit.collection, hit.source]
        assert bool(result.hits) == bool(self.model)

    @invariant()
    def stores_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        library = self.application.library
        assert {each.name for each in library.collections()} == self.names
        alive: set[str] = set()
        query = "合肥市今年计划建设"
        vector = self.application.embedder.embed_query(query)
        for name in self.names:
            summaries = library.documents(name)
            alive |= {each.document_id for each in summaries}
            assert {
                (name, each.source): library.document(each.document_id).text for each in summaries
            } == {key: text for key, text in self.model.items() if key[0] == name}
            passages = {p.passage_id for s in summaries for p in library.passages(s.document_id)}
            found = library.engine.candidates(query, vector, collection=name, limit=1_000)
            assert {each.passage_id for each in found if each.dense is not None} == passages
            assert {each.passage_id for each in found if each.lexical is not None} == passages
        for document_id in self.ids - alive:
            with pytest.raises(DocumentNotFound, match=document_id):
                library.document(document_id)
            assert not library.engine.hits([f"{document_id}-0"])

    def id_of(self, collection: str, source: str) -> str:
        listed = self.application.library.documents(collection)
        return next(each.document_id for each in listed if each.source == source)

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.application.close()
            self.beside.close()
            shutil.rmtree(self.root)


def test_a_library_equals_a_dictionary_through_any_life() -> None:
    run_state_machine_as_test(
        LibraryFollowsModel,
        settings=settings(
            max_examples=int(os.environ.get("FAULT_EXAMPLES", "5")),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
