"""A key is the rule's text with a record's fields in it, or there is none."""

import re
from typing import Any

import pytest

from animl_kedro.formats.key_rule import KeyRule
from factories import image_record

RECORD = {"id": "a1", "file_name": "loc 1/ñ{0}.jpg", "number": 17, "größe": "L"}


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{file_name}", "loc 1/ñ{0}.jpg"),
        ("original/{id}.jpg", "original/a1.jpg"),
        ("{id}/{file_name}", "a1/loc 1/ñ{0}.jpg"),
        ("{id}{id}", "a1a1"),
        ("{number}", "17"),
        ("n{number}", "n17"),
        ("{größe}.jpg", "L.jpg"),
        (" {id}\n", " a1\n"),
        ("%s/{id}$", "%s/a1$"),
    ],
)
def test_key_of_a_record_is_the_rule_with_its_fields(template: str, key: str) -> None:
    assert KeyRule(template).key_of(RECORD) == key


def test_key_of_animls_record_is_its_serving_bucket_key() -> None:
    assert KeyRule("{serving_bucket_key}").key_of(image_record(7)) == "original/island:0007-original.jpg"


@pytest.mark.parametrize("template", ["{field}", "a/{field}.jpg", "{id}/{field}", "{field}/{id}"])
@pytest.mark.parametrize("value", [None, "", True, False, 1.5, [], ["a"], {}, {"a": "b"}])
def test_key_of_a_record_whose_field_is_no_text_is_none(template: str, value: Any) -> None:
    assert KeyRule(template).key_of({"id": "a1", "field": value}) is None


@pytest.mark.parametrize("template", ["{field}", "a/{field}.jpg", "{id}{field}"])
def test_key_of_a_record_without_the_field_is_none(template: str) -> None:
    assert KeyRule(template).key_of({"id": "a1"}) is None


def test_field_of_a_record_that_looks_like_a_field_is_not_filled_in() -> None:
    assert KeyRule("{a}/{b}").key_of({"a": "{b}", "b": "{a}"}) == "{b}/{a}"


@pytest.mark.parametrize(
    ("template", "fields"), [("{id}", ("id",)), ("a/{id}/{file_name}{id}", ("id", "file_name", "id"))]
)
def test_fields_of_a_rule_are_named_in_their_order(template: str, fields: tuple[str, ...]) -> None:
    rule = KeyRule(template)
    assert (rule.fields, rule.template) == (fields, template)
    assert repr(rule) == f"KeyRule({template!r})"


@pytest.mark.parametrize(
    "template", ["", "file_name", "{}", "{a-b}", "{a", "a}", "{{id}}", "{id}}", "{ id }", "{id!r}", "{a[0]}", "{a.b}"]
)
def test_rule_without_a_field_or_with_another_brace_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=re.escape("is not a text with fields like {serving_bucket_key}")) as caught:
        KeyRule(template)
    assert repr(template) in str(caught.value)
