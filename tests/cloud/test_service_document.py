"""What the service promises in docs/openapi-cloud.json stays promised."""

import json

from tests.api.openapi import narrowed
from tests.cloud.document import FILE, document


def test_the_document_in_the_repository_is_the_present_one_and_takes_nothing_back():
    now = document()
    assert FILE.read_text() == now, "run: python -m tests.cloud.document"
    assert narrowed(json.loads(FILE.read_text()), json.loads(now)) == []
