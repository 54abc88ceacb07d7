"""One's own shop in the local cloud: its settings, and their rules."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clicklake.cli.group import main
from clicklake.local.shop import Shop

MYSFITS = "http://127.0.0.1:4566/site/mysfits/{id}"
OWN_URL = "http://127.0.0.1:8000/items/{id}.json"


@pytest.mark.parametrize(
    ("shop", "expected"),
    [
        (Shop(), ("mysfitId", MYSFITS, "name,goodevil,lawchaos,species")),
        (Shop("sku", OWN_URL, "brand,colour"), ("sku", OWN_URL, "brand,colour")),
        (Shop("sku"), ("sku", "none", "name,goodevil,lawchaos,species")),
        (Shop("sku", ""), ("sku", "none", "name,goodevil,lawchaos,species")),
        (Shop(catalogue_url=OWN_URL), ("mysfitId", OWN_URL, "name,goodevil,lawchaos,species")),
    ],
)
def test_lake_has_the_settings_of_the_shop_and_no_others(shop: Shop, expected: tuple[str, str, str]) -> None:
    names = ("ItemIdField", "CatalogueUrl", "CatalogueAttributes")
    assert shop.parameters(MYSFITS) == dict(zip(names, expected, strict=True))


def run(folder: Path, **environment: str) -> Result:
    ports = ("--api-port", "0", "--s3-port", "0", "--live-port", "0", "--dashboard-port", "0")
    return CliRunner(env=environment).invoke(main, ["run", "--dir", str(folder), *ports])


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("setting", "value", "rule"),
    [
        ("ITEM_ID_FIELD", "a b", "ITEM_ID_FIELD"),
        ("ITEM_ID_FIELD", "userId", "ITEM_ID_FIELD"),
        ("ITEM_ID_FIELD", "referrerKind", "already a field of the line"),
        ("CATALOGUE_URL", "http://shop.example/items", "contains {id} once"),
        ("CATALOGUE_URL", "ftp://shop.example/{id}", "an http or https URL"),
        ("CATALOGUE_ATTRIBUTES", "brand,brand", "names a field twice"),
        ("CATALOGUE_ATTRIBUTES", "browser", "already a field of the line"),
        ("CATALOGUE_ATTRIBUTES", "Brand", "names in lower case"),
        ("CATALOGUE_ATTRIBUTES", "a,b,c,d,e,f", "1 to 5 names"),
    ],
)
def test_wrong_setting_stops_the_start_before_anything_runs(
    tmp_path: Path, setting: str, value: str, rule: str
) -> None:
    ended = run(tmp_path / "cloud", **{setting: value})
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert setting in ended.stderr
    assert rule in ended.stderr
    assert not (tmp_path / "cloud").exists()


@pytest.mark.e2e
@pytest.mark.parametrize("shop", [Shop("sku", OWN_URL, "brand,colour"), Shop("sku", "none"), Shop("sku", "")])
def test_right_settings_pass(shop: Shop) -> None:
    shop.check()
