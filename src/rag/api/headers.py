"""The security headers of every response, by what is at its path."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["headers_for"]

_API_PATHS = ("/v1/", "/healthz", "/readyz", "/openapi.json")
_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}
_API_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_REFERENCE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'"
)
# The chat page's framework writes scripts into its page and evaluates templates, so both must be
# allowed; what matters is that nothing is loaded from, or sent to, any other place.
_PAGE_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval';"
    " style-src 'self' 'unsafe-inline'; connect-src 'self'; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-ancestors 'self'"
)


def headers_for(path: str) -> Mapping[str, str]:
    """The security headers of a response, by lower-case name."""
    if path.startswith(_API_PATHS):
        return {
            **_HEADERS,
            "content-security-policy": _API_POLICY,
            "cache-control": "no-store",
        }
    is_reference = path == "/docs" or path.startswith("/docs/")
    policy = _REFERENCE_POLICY if is_reference else _PAGE_POLICY
    return {**_HEADERS, "content-security-policy": policy}
