"""The OpenAPI document is true: of every route, every parameter, every format; and the running service keeps it."""

from __future__ import annotations

import pytest

from app import create_app, openapi, options
from app.openapi.operations import PARAMETERS
from bench.reliability import contract
from bench.reliability.target import started
from model.inference.options import PARAMETERS as OPTIONS
from model.inference.representations import REPRESENTATIONS

# Not part of the interface: files of the page.
APART = {"/favicon.ico", "/static/<path:filename>"}


@pytest.fixture
def document(client) -> dict:
    return client.get("/openapi.json").get_json()


def test_every_route_and_method_is_documented_and_no_other(client, document):
    routes = {
        (str(rule).replace("<", "{").replace(">", "}"), method.lower())
        for rule in client.application.url_map.iter_rules()
        if str(rule) not in APART
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == routes


def test_every_parameter_is_documented_and_no_other():
    assert set(PARAMETERS) == {"format", *OPTIONS}


def test_every_format_and_media_type_is_documented(document):
    assert set(PARAMETERS["format"][0]["enum"]) == {each.format for each in REPRESENTATIONS}
    content = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]
    assert set(content) == {each.media_type.partition(";")[0] for each in REPRESENTATIONS}


def test_every_documented_value_is_taken(client):
    with client.application.app_context():
        for name, (schema, _) in PARAMETERS.items():
            values = schema.get("enum") or schema.get("items", {}).get("enum") or [schema.get("default", "never")]
            for value in values if name != "format" else []:
                options.parse({name: str(value)})


def test_operations_have_names_of_their_own(document):
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)


def test_a_key_is_asked_for_only_where_one_is_set():
    def secured(key: str) -> set[str]:
        paths = openapi.document(create_app({"API_KEY": key}).config, version="1")["paths"]
        return {path for path, methods in paths.items() if any("security" in each for each in methods.values())}

    assert secured("") == set()
    assert "/predict" in secured("secret-secret-secret")
    assert not {"/livez", "/readyz", "/openapi.json", "/docs"} & secured("secret-secret-secret")


def test_the_page_shows_every_path_and_needs_nothing_from_outside(client, document):
    page = client.get("/docs").get_data(as_text=True)
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page
    assert "<script" not in page
    assert 'src="http' not in page


def test_the_running_service_keeps_the_document(small_network):
    with started() as target:
        cases, status, said = contract.drive(target.port, examples=10)
    assert status == 0, said
    assert cases > 300
