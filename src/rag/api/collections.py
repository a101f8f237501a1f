"""Collections: list, create, rename, delete."""

from typing import Annotated

from fastapi import APIRouter, Body, Path
from starlette.responses import Response

from rag.api import examples
from rag.api.documents_wire import (
    Collection,
    CollectionRequest,
    CollectionsReply,
    MetadataReply,
    RenameRequest,
)
from rag.api.opening import Opened
from rag.api.problems import responses
from rag.factory import Application
from rag.schema import CollectionSettings

__all__ = ["router"]

router = APIRouter(prefix="/v1/collections", tags=["documents"])
Name = Annotated[str, Path(description="`name` of the collection.")]


@router.get(
    "",
    summary="List collections",
    responses={
        200: examples.described("list_collections", "The collections."),
        **responses(429, 503),
    },
)
def list_collections(application: Opened) -> CollectionsReply:
    """All collections, `default` always among them."""
    return CollectionsReply(
        collections=[Collection.of(each) for each in application.library.collections()]
    )


@router.post(
    "",
    summary="Create a collection",
    status_code=201,
    responses={
        201: examples.described("create_collection", "The collection, empty."),
        **responses(400, 413, 415, 422, 429, 503),
    },
)
def create_collection(
    body: Annotated[
        CollectionRequest, Body(openapi_examples=examples.requests("create_collection"))
    ],
    application: Opened,
) -> Collection:
    """Make an empty collection, with settings of its own where given. Uploading makes one too."""
    settings = CollectionSettings(passage_characters=body.passage_characters)
    application.library.create_collection(body.name, settings=settings)
    return _found(application, body.name)


@router.patch(
    "/{name}",
    summary="Rename a collection",
    responses={
        200: examples.described("rename_collection", "The collection under its new name."),
        **responses(400, 404, 413, 415, 422, 429, 503),
    },
)
def rename_collection(
    name: Name,
    body: Annotated[RenameRequest, Body(openapi_examples=examples.requests("rename_collection"))],
    application: Opened,
) -> Collection:
    """Give a collection another name. Its documents get other ids, which derive from it."""
    application.library.rename_collection(name, body.name)
    return _found(application, body.name)


@router.get(
    "/{name}/metadata",
    summary="List what filters may name",
    responses={
        200: examples.described("list_metadata", "The values of each key, with their documents."),
        **responses(404, 422, 429, 503),
    },
)
def list_metadata(name: Name, application: Opened) -> MetadataReply:
    """Places, years and other metadata of documents: what a filter box offers."""
    return MetadataReply.of(name, application.assistant.filter_values(collection=name))


@router.delete(
    "/{name}",
    summary="Delete a collection",
    status_code=204,
    responses=responses(404, 429, 503),
)
def delete_collection(name: Name, application: Opened) -> Response:
    """Remove a collection with all its documents; `default` stays, empty."""
    application.library.delete_collection(name)
    return Response(status_code=204)


def _found(application: Application, name: str) -> Collection:
    found = {each.name: each for each in application.library.collections()}
    return Collection.of(found[name])
