from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from twisted_pypi.uploading.publishers import publisher_of

ISSUER, SIGNER, REPOSITORY, REF, BUILD = (f"1.3.6.1.4.1.57264.1.{number}" for number in (8, 9, 12, 14, 18))


def certificate(*names: x509.GeneralName) -> bytes:
    """A certificate that is made out to these, in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    nobody = x509.Name([])
    built = (
        x509.CertificateBuilder()
        .subject_name(nobody)
        .issuer_name(nobody)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(minutes=10))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.DER)


SOMEBODY = certificate(x509.RFC822Name("builder@example.com"))
SOMETHING = certificate(x509.UniformResourceIdentifier("https://ci.example.com/job"))


@pytest.mark.parametrize(
    ("claims", "der", "publisher"),
    [
        (
            {
                ISSUER: "https://token.actions.githubusercontent.com",
                REPOSITORY: "https://github.com/acme/core",
                BUILD: "https://github.com/acme/core/.github/workflows/release.yml@refs/tags/v1",
            },
            SOMETHING,
            {"kind": "GitHub", "repository": "acme/core", "workflow": "release.yml", "environment": None},
        ),
        (
            {
                ISSUER: "https://gitlab.com",
                REPOSITORY: "https://gitlab.com/acme/group/core",
                BUILD: "https://gitlab.com/acme/group/core//ci/release.yml@refs/heads/main",
            },
            SOMETHING,
            {
                "kind": "GitLab",
                "repository": "acme/group/core",
                "workflow_filepath": "ci/release.yml",
                "environment": None,
            },
        ),
        ({ISSUER: "https://accounts.google.com"}, SOMEBODY, {"kind": "Google", "email": "builder@example.com"}),
        (
            {
                ISSUER: "https://oidc.circleci.com",
                SIGNER: "https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1",
                REPOSITORY: "github.com/acme/core",
                REF: "refs/heads/main",
            },
            SOMETHING,
            {
                "kind": "CircleCI",
                "project_id": "p1",
                "pipeline_definition_id": "d1",
                "vcs_origin": "github.com/acme/core",
                "vcs_ref": "refs/heads/main",
            },
        ),
        (
            {ISSUER: "https://ci.example.com"},
            SOMETHING,
            {"kind": "other", "claims": {"issuer": "https://ci.example.com", "identity": "https://ci.example.com/job"}},
        ),
        (
            {ISSUER: "https://gitlab.com", BUILD: "https://gitlab.example.com/acme//x.yml@main"},
            certificate(x509.DNSName("example.com")),
            {"kind": "other", "claims": {"issuer": "https://gitlab.com", "identity": ""}},
        ),
    ],
)
def test_a_certificate_names_its_publisher(claims: dict[str, str], der: bytes, publisher: dict[str, object]) -> None:
    assert publisher_of(claims, der) == publisher
