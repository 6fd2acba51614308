"""MariaDB's and MySQL's fingerprint: the least change of each type's values changes it, and some types have none."""

from __future__ import annotations

import pytest

from airflow_dataops.core.errors import MeasureError
from airflow_dataops.core.relations import Relation
from airflow_dataops.engines.fingerprints import fingerprint
from tests.engines.conftest import MYSQL

pytestmark = pytest.mark.parametrize("connect", MYSQL[:1], indirect=True)
KEPT = Relation(name="kept")
VALUES = {
    "tinyint(1)": ("0", "1"),
    "bigint unsigned": ("18446744073709551614", "18446744073709551615"),
    "decimal(65,30)": ("1.000000000000000000000000000000", "1.000000000000000000000000000001"),
    "float": ("1", "1.0000001"),
    "double": ("0.1", "0.1 + 1.4e-17"),
    "bit(64)": ("0xFFFFFFFFFFFFFFFE", "0xFFFFFFFFFFFFFFFF"),
    "year": ("2013", "2014"),
    "date": ("'2013-01-01'", "'2013-01-02'"),
    "time(6)": ("'-01:00:00.000001'", "'-01:00:00.000002'"),
    "datetime(6)": ("'2013-01-01 00:00:00.000001'", "'2013-01-01 00:00:00.000002'"),
    "timestamp(6) null": ("'2013-01-01 00:00:00.000001'", "'2013-01-01 00:00:00.000002'"),
    "char(9)": ("'ann'", "'Ann'"),
    "varchar(9)": ("'ann'", "'ann '"),
    "varchar(9) character set latin1": ("'u'", "'ü'"),
    "enum('a','A') collate utf8mb4_bin": ("'a'", "'A'"),
    "set('x','y')": ("'x'", "'x,y'"),
    "longtext": ("'e'", "'é'"),
    "json": ("'[1]'", "'[2]'"),
    "varbinary(9)": ("0x00", "0x0000"),
    "longblob": ("0xFE", "0xFF"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_the_least_change_changes_it(db, kind):
    before, after = VALUES[kind]
    db.execute(f"CREATE TABLE kept (v {kind}, w INT)")
    seen = set()
    for value in (before, after, "NULL"):
        db.execute("DELETE FROM kept")
        db.execute(f"INSERT INTO kept VALUES ({value}, 1)")
        seen.add(fingerprint(db, KEPT))
    assert len(seen) == 3


def test_values_that_change_places_change_it(db):
    db.execute("CREATE TABLE kept (v VARCHAR(9), w VARCHAR(9))")
    seen = set()
    for one, other in [
        ("'a', 'b'", "'c', 'd'"),
        ("'a', 'd'", "'c', 'b'"),
        ("'b', 'a'", "'c', 'd'"),
        ("'a', NULL", "'c', 'd'"),
        ("NULL, 'a'", "'c', 'd'"),
        ("'', 'a'", "'c', 'd'"),
        ("'NULL', 'a'", "'c', 'd'"),
        ("'a'',''b', NULL", "'c', 'd'"),
    ]:
        db.execute("DELETE FROM kept")
        db.execute(f"INSERT INTO kept VALUES ({one}), ({other})")
        seen.add(fingerprint(db, KEPT))
    assert len(seen) == 8


def test_columns_of_several_collations_go_together(db):
    db.execute(
        "CREATE TABLE kept (a VARCHAR(9) COLLATE utf8mb4_bin, b VARCHAR(9) COLLATE utf8mb4_unicode_ci,"
        " c VARCHAR(9) CHARACTER SET latin1, d VARBINARY(9), e TEXT CHARACTER SET utf8mb3)"
    )
    db.execute("INSERT INTO kept VALUES ('ü', 'ü', 'ü', 'ü', 'ü')")
    assert fingerprint(db, KEPT).startswith("mysql:1:")


def test_a_type_that_has_none_is_named(db):
    db.execute("CREATE TABLE kept (v INT, place POINT)")
    with pytest.raises(MeasureError, match=r"kept has no fingerprint: its column place is of type point, expected one"):
        fingerprint(db, KEPT)
