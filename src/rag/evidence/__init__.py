"""How much of a question a stretch of text holds, and whether the kind of thing asked for."""

from rag.evidence.beside import (
    of_another_number,
    tells_beside,
    tells_in_proportion,
    tells_the_opposite,
)
from rag.evidence.figures import (
    figure_agreement,
    has_date,
    has_day,
    has_figure,
    has_hour,
    has_person,
    has_year,
)
from rag.evidence.forms import asks_for_form, form_agreement
from rag.evidence.matching import (
    TermMatcher,
    index_terms,
    inverse_document_frequency,
    weights_of,
)

__all__ = [
    "TermMatcher",
    "asks_for_form",
    "figure_agreement",
    "form_agreement",
    "has_date",
    "has_day",
    "has_figure",
    "has_hour",
    "has_person",
    "has_year",
    "index_terms",
    "inverse_document_frequency",
    "of_another_number",
    "tells_beside",
    "tells_in_proportion",
    "tells_the_opposite",
    "weights_of",
]
