import pytest

from processor.enriched_event import RESERVED_NAMES
from processor.settings import InvalidSettingError, ProcessorSettings, from_environment


def test_every_setting_has_a_default() -> None:
    settings = from_environment({})
    assert settings == ProcessorSettings()
    assert settings.item_field == "mysfitId"
    assert settings.catalogue_attributes == ("goodevil", "lawchaos", "species")


def test_every_setting_is_read() -> None:
    environment = {
        "ITEM_ID_FIELD": "productId",
        "CATALOGUE_URL": "https://shop.example/products/{id}.json",
        "CATALOGUE_ATTRIBUTES": " price , colour,",
        "CATALOGUE_CACHE_ITEMS": "1",
        "CATALOGUE_CACHE_SECONDS": "2",
        "CATALOGUE_UNKNOWN_SECONDS": "3",
        "CATALOGUE_STALE_SECONDS": "4",
        "CATALOGUE_BUDGET_SECONDS": "5",
        "CATALOGUE_CONNECTIONS": "6",
    }
    url = "https://shop.example/products/{id}.json"
    expected = ProcessorSettings("productId", url, ("price", "colour"), 1, 2, 3, 4, 5, 6)
    assert from_environment(environment) == expected


def test_a_deployment_may_have_no_attributes() -> None:
    assert from_environment({"CATALOGUE_ATTRIBUTES": ""}).catalogue_attributes == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ITEM_ID_FIELD", ""),
        ("ITEM_ID_FIELD", "product id"),
        ("ITEM_ID_FIELD", "1st"),
        ("ITEM_ID_FIELD", "a" * 65),
        ("ITEM_ID_FIELD", "itemid"),  # differs from itemId, which is allowed
        ("CATALOGUE_ATTRIBUTES", "good-evil"),
        ("CATALOGUE_ATTRIBUTES", "itemId"),
        ("CATALOGUE_ATTRIBUTES", "species,species"),
        ("CATALOGUE_ATTRIBUTES", "species,Species"),
        ("CATALOGUE_ATTRIBUTES", "species,mysfitid"),
        ("CATALOGUE_URL", "shop.example/{id}"),
        ("CATALOGUE_URL", "ftp://shop.example/{id}"),
        ("CATALOGUE_URL", "https:///{id}"),
        ("CATALOGUE_URL", "https://shop.example/"),
        ("CATALOGUE_URL", "https://{id}.shop.example/"),
        ("CATALOGUE_URL", "https://shop.example/{id}/{id}"),
        ("CATALOGUE_URL", "https://[shop/{id}"),
        ("CATALOGUE_CACHE_SECONDS", "-1"),
        ("CATALOGUE_CACHE_SECONDS", "soon"),
        ("CATALOGUE_BUDGET_SECONDS", "1.5"),
        ("CATALOGUE_CONNECTIONS", "0"),
    ],
)
def test_the_error_for_a_wrong_setting_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{variable}"):
        from_environment({variable: value})


@pytest.mark.parametrize("variable", ["ITEM_ID_FIELD", "CATALOGUE_ATTRIBUTES"])
def test_no_setting_can_take_the_name_of_a_field(variable: str) -> None:
    for name in [*RESERVED_NAMES, "URL", "skewMs", "DT", "Enrichment"]:
        with pytest.raises(InvalidSettingError, match=name):
            from_environment({variable: name})


def test_the_item_id_may_be_called_item_id() -> None:
    assert from_environment({"ITEM_ID_FIELD": "itemId"}).item_field == "itemId"
