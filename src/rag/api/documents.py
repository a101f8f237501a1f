"""Documents: upload, list, show, delete."""

import json
import unicodedata
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, UploadFile
from starlette.responses import Response

from rag import schema
from rag.api import examples
from rag.api.documents_wire import (
    DocumentReply,
    DocumentsQuery,
    DocumentsReply,
    DocumentSummary,
    FileResult,
    PassageQuery,
    PassageReply,
    PassagesReply,
    StoredPassage,
    UploadReply,
)
from rag.api.field_errors import FieldError
from rag.api.opening import Opened
from rag.api.problems import Problem, problem_of, responses
from rag.api.wire import MetadataValue
from rag.errors import RagError
from rag.factory import Application

__all__ = ["plain_name", "router"]

_FORM_FIELDS = ("files", "file", "collection", "metadata")
_MAX_NAME_CHARACTERS = 200
_UNNAMED = "upload"
# Characters that let a name be shown as another one: the marks of writing direction.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

router = APIRouter(prefix="/v1", tags=["documents"])
DocumentId = Annotated[str, Path(description="`document_id` of the document.")]


def plain_name(name: str | None) -> str:
    """The file name in what a client calls its file: no folders, nothing that cannot be seen."""
    visible = "".join(
        character
        for character in name or ""
        if character not in _DIRECTIONS and unicodedata.category(character) not in {"Cc", "Cs"}
    )
    plain = PurePosixPath(visible.replace("\\", "/")).name.strip()
    if not plain.strip(". "):
        return _UNNAMED
    if len(plain) <= _MAX_NAME_CHARACTERS:
        return plain
    suffix = PurePosixPath(plain).suffix[:16]  # it names the format
    return plain[: _MAX_NAME_CHARACTERS - len(suffix)] + suffix


async def _checked_form(request: Request) -> None:
    content_type = request.headers.get("content-type", "multipart/form-data")
    if not content_type.lower().startswith("multipart/form-data"):
        detail = f"The body's Content-Type is {content_type[:80]!r}. Expected multipart/form-data."
        raise Problem(415, code="unsupported_media_type", detail=detail)
    form = await request.form()  # parsed already, and kept by the request
    unknown = [name for name in form if name not in _FORM_FIELDS]
    if unknown:
        detail = (
            f"Unknown form field {unknown[0]!r}. Expected files (one part a file), collection and"
            " metadata."
        )
        error = FieldError(field=unknown[0], message=detail)
        raise Problem(422, code="invalid_request", detail=detail, errors=[error])


@router.post(
    "/documents",
    summary="Upload documents",
    dependencies=[Depends(_checked_form)],
    responses={
        200: examples.described("add_documents", "What became of each file."),
        **responses(400, 413, 415, 422, 429, 503),
    },
)
def add_documents(
    application: Opened,
    files: Annotated[list[UploadFile] | None, File(description="One part a file.")] = None,
    file: Annotated[list[UploadFile] | None, File(description="The same as `files`.")] = None,
    collection: Annotated[
        str, Form(description="Where to keep them; made when it is new.")
    ] = schema.DEFAULT_COLLECTION,
    metadata: Annotated[
        str | None,
        Form(
            description="A JSON object of texts and whole numbers, for each of the files. It"
            " overrides what is read from them.",
            examples=['{"place": "合肥", "year": 2024}'],
        ),
    ] = None,
) -> UploadReply:
    """Each file becomes a document, or says why not; the good ones of a batch are kept.

    A file with the name of a document of the same collection replaces it. The status is 200 when
    at least one file was kept, and 422, with the same `results`, when none was.
    """
    uploads = [*(files or ()), *(file or ())]
    _check_count(uploads, application.settings.max_upload_files)
    known = _metadata(metadata)
    results: list[FileResult] = []
    for upload in uploads:
        try:
            outcome = _add(upload, application, results, collection=collection, metadata=known)
        except RagError as error:
            if not results:
                raise
            problem = problem_of(error)
            problem.detail += f" The {len(results)} files before were dealt with; see results."
            problem.members["results"] = [result.model_dump() for result in results]
            raise problem from error
        results.append(FileResult.of(outcome))
    failed = [result for result in results if result.status == "failed"]
    if len(failed) == len(results):
        raise Problem(
            422,
            code="no_document_added",
            detail=" ".join(result.error.message for result in failed if result.error),
            members={"results": [result.model_dump() for result in results]},
        )
    return UploadReply(
        collection=collection,
        kept=len(results) - len(failed),
        failed=len(failed),
        results=results,
    )


def _check_count(uploads: list[UploadFile], most: int) -> None:
    if not uploads:
        detail = (
            "No file was sent. Expected at least one part named files, as"
            " `curl -F files=@report.txt` sends it."
        )
    elif len(uploads) > most:
        detail = (
            f"{len(uploads)} files were sent; {most} are accepted at once. Send them in several"
            " requests, or raise max_upload_files on the server."
        )
    else:
        return
    error = FieldError(field="files", message=detail)
    raise Problem(422, code="invalid_request", detail=detail, errors=[error])


def _metadata(text: str | None) -> dict[str, MetadataValue]:
    if text is None or not text.strip():
        return {}
    try:
        value: Any = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _bad_metadata("it holds half of a surrogate pair") from error
    except (ValueError, RecursionError) as error:
        raise _bad_metadata(f"it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise _bad_metadata(f"it is a {type(value).__name__}")
    for key, each in value.items():
        if isinstance(each, bool) or not isinstance(each, str | int):
            raise _bad_metadata(f"{key!r} is a {type(each).__name__}")
    return value


def _bad_metadata(found: str) -> Problem:
    detail = (
        f"metadata cannot be used: {found}. Expected a JSON object of texts and whole numbers, such"
        ' as {"place": "合肥", "year": 2024}.'
    )
    error = FieldError(field="metadata", message=detail)
    return Problem(422, code="invalid_request", detail=detail, errors=[error])


def _add(
    upload: UploadFile,
    application: Application,
    before: list[FileResult],
    *,
    collection: str,
    metadata: dict[str, MetadataValue],
) -> schema.FileOutcome:
    name = plain_name(upload.filename)
    if any(result.source == name for result in before):
        # The second would replace the first, and only one of them be found afterwards.
        message = (
            f"Another file of this upload is called {name} as well, and a name stands for one"
            " document. Rename one of them."
        )
        return schema.FileOutcome(
            source=name, status="failed", error=message, error_code="duplicate_name"
        )
    return application.library.add_bytes(
        upload.file.read(), name=name, collection=collection, metadata=metadata
    )


@router.get(
    "/documents",
    summary="List documents",
    responses={
        200: examples.described("list_documents", "The documents."),
        **responses(404, 422, 429, 503),
    },
)
def list_documents(
    query: Annotated[DocumentsQuery, Query()], application: Opened
) -> DocumentsReply:
    """A collection's documents in order of source, all or those with the metadata asked for."""
    found = application.library.documents(query.collection, query.filters())
    page = found[query.offset : query.offset + query.limit]
    return DocumentsReply(
        collection=query.collection,
        total=len(found),
        documents=[DocumentSummary.of(summary) for summary in page],
    )


@router.get(
    "/documents/{document_id}",
    summary="Show a document",
    responses={
        200: examples.described("show_document", "The document with its text."),
        **responses(404, 429, 503),
    },
)
def show_document(document_id: DocumentId, application: Opened) -> DocumentReply:
    """A document with its text: what `start` and `end` of passages and citations count in."""
    document = application.library.document(document_id)
    return DocumentReply(
        document_id=document.document_id,
        collection=document.collection,
        source=document.source,
        title=document.title,
        metadata=dict(document.metadata),
        characters=len(document.text),
        passages=len(application.library.passages(document_id)),
        text=document.text,
    )


@router.get(
    "/documents/{document_id}/passages",
    summary="Show a document's passages",
    responses={
        200: examples.described("list_passages", "The passages."),
        **responses(404, 429, 503),
    },
)
def list_passages(document_id: DocumentId, application: Opened) -> PassagesReply:
    """All passages that a document was cut into, in order."""
    passages = application.library.passages(document_id)
    return PassagesReply(
        document_id=document_id, passages=[StoredPassage.of(passage) for passage in passages]
    )


@router.get(
    "/passages/{passage_id}",
    summary="Show a passage among its neighbours",
    responses={
        200: examples.described("show_passage", "The passage, and those before and after it."),
        **responses(404, 422, 429, 503),
    },
)
def show_passage(
    passage_id: Annotated[str, Path(description="`passage_id` of the passage.")],
    query: Annotated[PassageQuery, Query()],
    application: Opened,
) -> PassageReply:
    """A passage, as one that an answer cites, with the passages beside it in its document."""
    around = application.library.around(passage_id, neighbours=query.neighbours)
    return PassageReply.of(*around)


@router.delete(
    "/documents/{document_id}",
    summary="Delete a document",
    status_code=204,
    responses=responses(404, 429, 503),
)
def delete_document(document_id: DocumentId, application: Opened) -> Response:
    """Remove a document and all that derives from it; it is found no more when this returns."""
    application.library.remove(document_id)
    return Response(status_code=204)
