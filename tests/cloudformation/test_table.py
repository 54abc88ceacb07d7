"""The tables over clicks/ and columns/ have a column for every field of a line."""

from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest

from clicklake.lake.columns import COUNTED_COLUMNS, columns_key
from processor import enriched_event
from tests.cloudformation.templates import resources_of

# What a line is made of.
PARTS = [enriched_event.EventFields, enriched_event.RequestFields]
FIELDS = {
    name: get_type_hints(part)[attribute]
    for part in PARTS
    for name, attribute in zip(part.__struct_encode_fields__, part.__struct_fields__, strict=True)
}
ITEM_FIELD = {"Ref": "ItemIdField"}  # the parameter names this field of the line
TYPES = {
    str: {"string"},
    str | None: {"string"},
    int | None: {"int", "bigint"},
    bool | None: {"boolean"},
    dict[str, str] | None: {"map<string,string>"},
}


@pytest.fixture
def table(lake: dict[str, Any]) -> dict[str, Any]:
    table_input: dict[str, Any] = resources_of(lake, "AWS::Glue::Table")["LinesTable"]["TableInput"]
    return table_input


@pytest.fixture
def columns_table(lake: dict[str, Any]) -> dict[str, Any]:
    table_input: dict[str, Any] = resources_of(lake, "AWS::Glue::Table")["ColumnsTable"]["TableInput"]
    return table_input


@pytest.fixture
def columns(table: dict[str, Any]) -> dict[str, str]:
    """Name and type of the columns that every lake has. The catalogue's attributes are a parameter."""
    listed = table["StorageDescriptor"]["Columns"]
    return {column["Name"]: column["Type"] for column in listed if isinstance(column["Name"], str)}


@pytest.fixture
def mappings(table: dict[str, Any]) -> dict[str, Any]:
    """The field that each mapped column reads."""
    parameters = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    return {
        name.removeprefix("mapping."): field
        for name, field in parameters.items()
        if name.startswith("mapping.")
    }


def test_every_field_of_a_line_is_a_column_of_its_type(columns: dict[str, str]) -> None:
    assert columns.pop("enrichment") == "string"  # of lines written by 0.1.0
    assert columns.keys() == {field.lower() for field in FIELDS}
    for field, hint in FIELDS.items():
        assert columns[field.lower()] in TYPES[hint], field


def test_exactly_the_names_with_capitals_have_a_mapping(mappings: dict[str, Any]) -> None:
    folded = {field.lower(): field for field in FIELDS if field != field.lower()}
    assert mappings == folded | {"itemid": ITEM_FIELD}


def test_a_malformed_line_breaks_no_query(table: dict[str, Any]) -> None:
    serde = table["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert serde["Parameters"]["case.insensitive"] == "FALSE"
    assert serde["Parameters"]["ignore.malformed.json"] == "TRUE"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("brand", ["brand", "unused1", "unused2", "unused3", "unused4"]),
        ("goodevil,lawchaos,species", ["goodevil", "lawchaos", "species", "unused1", "unused2"]),
        ("a,b,c,d,e", ["a", "b", "c", "d", "e"]),
    ],
)
def test_every_attribute_of_the_catalogue_is_a_column(
    table: dict[str, Any], attributes: str, expected: list[str]
) -> None:
    listed = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
    selected = []
    for index, split in (name["Fn::Select"] for name in listed if isinstance(name, dict)):
        separator, text = split["Fn::Split"]
        selected.append(text["Fn::Sub"].replace("${CatalogueAttributes}", attributes).split(separator)[index])
    assert selected == expected


def test_partitions_are_where_the_stream_writes(lake: dict[str, Any], table: dict[str, Any]) -> None:
    (stream,) = resources_of(lake, "AWS::KinesisFirehose::DeliveryStream").values()
    prefix = stream["ExtendedS3DestinationConfiguration"]["Prefix"]
    parameters = table["Parameters"]
    place = parameters["storage.location.template"]["Fn::Sub"].removeprefix("s3://${DataBucket}/")
    assert place.replace("${!dt}", "!{timestamp:yyyy-MM-dd}").replace("${!hr}", "!{timestamp:HH}") == prefix
    assert parameters["projection.enabled"] == "true"
    assert parameters["projection.dt.format"] == "yyyy-MM-dd"
    assert (parameters["projection.hr.range"], parameters["projection.hr.digits"]) == ("0,23", "2")
    assert [key["Name"] for key in table["PartitionKeys"]] == ["dt", "hr"]


def types_of(table: dict[str, Any]) -> list[tuple[Any, str]]:
    return [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]


def test_columns_are_those_of_lines_and_what_compaction_adds(
    table: dict[str, Any], columns_table: dict[str, Any]
) -> None:
    assert types_of(columns_table) == [*types_of(table), *COUNTED_COLUMNS.items()]


def test_columns_have_the_partitions_of_lines_where_compaction_writes(
    table: dict[str, Any], columns_table: dict[str, Any]
) -> None:
    assert columns_table["PartitionKeys"] == table["PartitionKeys"]
    ours, theirs = columns_table["Parameters"], table["Parameters"]
    projection = {name for name in theirs if name.startswith("projection.")}
    assert {name: ours[name] for name in projection} == {name: theirs[name] for name in projection}
    place = ours["storage.location.template"]["Fn::Sub"]
    assert place == theirs["storage.location.template"]["Fn::Sub"].replace("/clicks/", "/columns/")
    hour = datetime(2026, 11, 24, 2, tzinfo=UTC)
    written = place.replace("${!dt}", "2026-11-24").replace("${!hr}", "02")
    assert f"s3://${{DataBucket}}/{columns_key(hour)}" == written + "events.parquet"


def test_columns_are_parquet(columns_table: dict[str, Any]) -> None:
    storage = columns_table["StorageDescriptor"]
    assert columns_table["Parameters"]["classification"] == "parquet"
    serde = storage["SerdeInfo"]["SerializationLibrary"]
    assert serde == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    assert storage["InputFormat"] == "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
