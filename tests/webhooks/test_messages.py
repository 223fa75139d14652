"""Messages to webhooks and their signatures."""

from __future__ import annotations

import json

import pytest

from twisted_pypi.boundaries.happenings import HappenedTo, Happening, HappeningKind
from twisted_pypi.distributions import normalize
from twisted_pypi.errors import BadSetting
from twisted_pypi.webhooks.messages import Message, Signer, make_message, read_secrets

YANK = Happening(
    kind=HappeningKind.YANK,
    moment=1_700_000_000.0,
    project=normalize("Acme"),
    version="1.0",
    files=(HappenedTo("acme-1.0.tar.gz", "ab" * 32),),
    user="ada",
    address="192.0.2.1",
    client="pip/26",
    reason="broken \u2014 \x7f",
)


def test_a_message_says_what_happened_and_nothing_of_where_its_user_was() -> None:
    message = make_message(YANK, "1f")
    assert json.loads(message.body) == {
        "type": "yank",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "data": {
            "project": "acme",
            "version": "1.0",
            "files": [{"filename": "acme-1.0.tar.gz", "sha256": "ab" * 32}],
            "user": "ada",
            "reason": "broken \u2014 \x7f",
            "detail": None,
        },
    }
    assert message.body.isascii()
    assert (message.identifier, message.summary) == ("msg_1f", "yank of acme 1.0")
    assert make_message(Happening(kind=HappeningKind.UPDATE, moment=0), "2").summary == "update"


def test_the_signature_is_the_one_that_the_specification_gives_as_its_example() -> None:
    # The example of the specification's own reference implementations: a secret, a message and what comes of them.
    secrets = read_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "secret")
    message = Message("msg_p5jXN8AQM9LWM0D4loKWxJek", 0.0, b'{"test": 2432232314}', "test")
    headers = Signer(secrets).headers(message, 1614265330)
    assert headers["webhook-id"] == message.identifier
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_several_secrets_sign_side_by_side_and_none_does_not_sign() -> None:
    message = make_message(YANK, "1")
    secrets = read_secrets("an-old-secret-of-ours\n\n  a-new-secret-of-ours \n", "secret")
    assert secrets == (b"an-old-secret-of-ours", b"a-new-secret-of-ours")
    both = Signer(secrets).headers(message, 5)["webhook-signature"].split(" ")
    assert both == [Signer([each]).headers(message, 5)["webhook-signature"] for each in secrets]
    assert "webhook-signature" not in Signer().headers(message, 5)


@pytest.mark.parametrize("text", ["", "\n \n", "short", "whsec_%%%", "whsec_c2hvcnQ=", "long-enough-to-be-one\nshort"])
def test_what_is_no_secret_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(BadSetting) as caught:
        read_secrets(text, "/run/secret")
    assert "/run/secret" in str(caught.value)
    assert "expected" in str(caught.value)
    assert not any(word and word in str(caught.value) for word in ("%%%", "long-enough", "c2hvcn"))
