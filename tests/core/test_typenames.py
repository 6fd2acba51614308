"""Column types by the names of pandas, SQLAlchemy, Spark and SQL, against the words that databases store."""

from __future__ import annotations

import pytest

from airflow_dataops.core.metrics import Schema
from airflow_dataops.core.relations import Column
from airflow_dataops.core.vocabulary.typenames import is_known, is_of_type


def fits(stored, name, *, dialect="postgres"):
    schema = Schema(
        columns=(Column(name="a", type=stored),),
        kinds={},
        typed=dialect != "sqlite",
        truth_is_number=dialect in ("sqlite", "mysql"),
        dialect=dialect,
    )
    return is_of_type(schema, "a", name)


@pytest.mark.parametrize(
    ("stored", "names", "others"),
    [
        (
            "bigint",
            "int64 int Int64 Int64Dtype long BIGINT BigInteger Integer LongType int64[pyarrow] i8",
            "int32 INTEGER",
        ),
        ("integer", "int32 INTEGER INT Integer IntegerType int4 uint16", "int64 BIGINT uint32 float bool"),
        ("smallint", "int16 SMALLINT SmallInteger ShortType int8 uint8", "int32"),
        ("int(11)", "int32 INTEGER INT int", "int64"),
        ("bigint unsigned", "uint64 int", "int64"),
        ("UTINYINT", "uint8 int", "int8"),
        ("double precision", "float64 float DOUBLE DOUBLE_PRECISION Float Numeric DoubleType Float64", "float32 REAL"),
        ("real", "float32 REAL FloatType Float float", "float64 DECIMAL"),
        ("numeric(10,2)", "DECIMAL NUMERIC Decimal DecimalType Numeric DECIMAL(10,2) object", "DECIMAL(12,2) float"),
        (
            "character varying(20)",
            "str string VARCHAR TEXT String StringType object VARCHAR(20) category",
            "VARCHAR(30)",
        ),
        ("text", "str VARCHAR Text UnicodeText string[python] StringDtype O", "CHAR VARCHAR(20) int"),
        ("character(3)", "CHAR str CHAR(3) CharType", "VARCHAR CHAR(4)"),
        ("boolean", "bool BOOLEAN Boolean BooleanType boolean BooleanDtype bool_", "int str"),
        ("date", "date DATE Date DateType object", "datetime64 TIMESTAMP"),
        ("time without time zone", "TIME Time time object", "date"),
        (
            "timestamp(3) without time zone",
            "datetime64[ns] datetime64 TIMESTAMP DateTime DATETIME datetime TimestampType Timestamp",
            "datetime64[ns,UTC] DATE",
        ),
        (
            "timestamp with time zone",
            "TIMESTAMP DateTime datetime64[ns,UTC] DatetimeTZDtype",
            "datetime64[ns] DATETIME",
        ),
        ("interval", "timedelta64[ns] INTERVAL Interval timedelta", "int64 time"),
        ("bytea", "bytes BYTEA LargeBinary BinaryType BLOB", "str"),
        ("uuid", "UUID Uuid object", "str"),
        ("jsonb", "JSON JSONB dict", "str"),
        ("integer[]", "list ARRAY ArrayType", "int"),
        ("array<int>", "list ARRAY ArrayType", "int"),
        ("struct<a:int,b:string>", "dict StructType", "list"),
        ("ENUM('a(', 'b')", "category ENUM CategoricalDtype", "str"),
        ("mood", "mood MOOD", "str int category"),
        ('"NULL"', "int str float object", "mood"),
    ],
)
def test_names_that_mean_the_same(stored, names, others):
    for name in names.split():
        assert fits(stored, name), (stored, name)
    for name in others.split():
        assert not fits(stored, name), (stored, name)


@pytest.mark.parametrize(
    ("dialect", "stored", "names", "others"),
    [
        ("duckdb", "FLOAT", "float32 FLOAT float REAL", "float64 DOUBLE"),
        ("duckdb", "TIMESTAMP", "datetime64[ns] TIMESTAMP", "datetime64[ns,UTC]"),
        ("duckdb", "TIMESTAMP_NS", "datetime64[ns] datetime64[s]", "datetime64[ns,UTC]"),
        ("spark", "timestamp", "TimestampType datetime64[ns] datetime64[ns,UTC]", "DATE INTERVAL"),
        ("spark", "float", "FloatType float32", "DoubleType"),
        ("snowflake", "FLOAT", "float64 FLOAT", "float32"),
        ("mysql", "tinyint(1)", "bool BOOLEAN TINYINT int8", "int32"),
        ("sqlite", "INTEGER", "int64 BIGINT int32 int INTEGER", "float64 TEXT"),
        ("sqlite", "FLOAT", "float64 float32 FLOAT", "int64"),
        ("sqlite", "DATETIME", "datetime64[ns] TIMESTAMP DATETIME", "date"),
    ],
)
def test_a_database_has_meanings_of_its_own(dialect, stored, names, others):
    for name in names.split():
        assert fits(stored, name, dialect=dialect), name
    for name in others.split():
        assert not fits(stored, name, dialect=dialect), name


def test_a_name_that_nobody_knows_is_known_as_such():
    assert is_known("int64")
    assert is_known("datetime64[ns, UTC]")
    assert not is_known("mood")
    assert not is_known("int65")
