"""Who signed an attestation, out of its certificate: the publisher of PEP 740 ("Provenance objects")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cryptography import x509

_OID = "1.3.6.1.4.1.57264.1."
_ISSUER, _SIGNER, _REPOSITORY, _REF, _BUILD = (f"{_OID}{number}" for number in (8, 9, 12, 14, 18))
_GITHUB = re.compile(r"https://github\.com/[^/]+/[^/]+/\.github/workflows/([^@/]+)@")
_GITLAB = re.compile(r"https://gitlab\.com/.+?//([^@]+)@")
_CIRCLECI = re.compile(r"https://circleci\.com/api/v2/projects/([^/]+)/pipeline-definitions/([^/]+)\Z")


def publisher_of(claims: Mapping[str, str], certificate: bytes) -> Mapping[str, object]:
    """Return the publisher that a verified certificate (DER) names.

    ``claims`` are its extensions by object identifier.  For the services
    that are known, the keys are those that readers of provenance look for;
    for others they are the issuer of the identity and the identity.
    """
    issuer, repository, build = (claims.get(each, "") for each in (_ISSUER, _REPOSITORY, _BUILD))
    match issuer:
        case "https://token.actions.githubusercontent.com" if found := _GITHUB.match(build):
            name = repository.removeprefix("https://github.com/")
            return {"kind": "GitHub", "repository": name, "workflow": found[1], "environment": None}
        case "https://gitlab.com" if found := _GITLAB.match(build):
            name = repository.removeprefix("https://gitlab.com/")
            return {"kind": "GitLab", "repository": name, "workflow_filepath": found[1], "environment": None}
        case "https://accounts.google.com":
            return {"kind": "Google", "email": _identity(certificate)}
        case "https://oidc.circleci.com" if found := _CIRCLECI.match(claims.get(_SIGNER, "")):
            return {
                "kind": "CircleCI",
                "project_id": found[1],
                "pipeline_definition_id": found[2],
                "vcs_origin": repository or None,
                "vcs_ref": claims.get(_REF),
            }
    return {"kind": "other", "claims": {"issuer": issuer, "identity": _identity(certificate)}}


def _identity(certificate: bytes) -> str:
    """Whom a certificate was made out to: an e-mail address or a URI; empty when it is none of these."""
    names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    found = [
        *names.value.get_values_for_type(x509.RFC822Name),
        *names.value.get_values_for_type(x509.UniformResourceIdentifier),
    ]
    return found[0] if found else ""
