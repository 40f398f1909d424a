"""CSV and Parquet files: dialects are read, and whatever would be misread in silence is refused with the repair."""

from __future__ import annotations

import builtins
import gzip
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from steepest.core.errors import DataError, UsageError
from steepest.data import load
from steepest.data.tables import split_address

TABLE = "width,height,kind\n1,2.5,cat\n3,4,dog\n5,6,cat\n7,8e1,dog\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, text, encoding="utf-8"):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def refusal(spec, error=DataError, **options):
    with pytest.raises(error) as caught:
        load(spec, **options)
    assert caught.value.needed and caught.value.repair
    return caught.value


def assert_is_the_table(data):
    assert data.x.tolist() == [[1, 2.5], [3, 4], [5, 6], [7, 80]] and data.y.tolist() == [0, 1, 0, 1]
    assert data.class_names == ("cat", "dog") and data.feature_names == ("width", "height")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ", "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends_are_recognised(delimiter, end):
    write("t.csv", TABLE.replace(",", delimiter).replace("\n", end))
    assert_is_the_table(load("t.csv:kind"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_does_not_change_the_first_name(encoding):
    write("t.csv", TABLE, encoding)
    assert_is_the_table(load("t.csv:kind"))


def test_the_target_may_stand_first_have_odd_names_and_be_quoted():
    write("t.csv", '"my: target.csv",a,"b, c"\nx,1,2\ny,3,4\nx,5,6\n')
    data = load("t.csv:my: target.csv")
    assert data.class_names == ("x", "y") and data.feature_names == ("a", "b, c") and data.name == "t.csv"


def test_a_number_target_makes_a_regression_and_whole_numbers_ask():
    rows = np.random.default_rng(0).normal(size=(60, 3))
    frame = pandas.DataFrame(rows, columns=["a", "b", "price"])
    frame.to_csv("t.csv", index=False)
    data = load("t.csv:price")
    assert data.task == "regression" and torch.allclose(data.y, torch.tensor(rows[:, 2]).float())
    frame.assign(price=range(60)).to_csv("whole.csv", index=False)
    assert "task" in refusal("whole.csv:price").repair
    assert load("whole.csv:price", task="regression").task == "regression"


def test_gzip_tsv_and_parquet_hold_the_same_table():
    Path("t.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    write("T.TSV", TABLE.replace(",", "\t"))
    pandas.read_csv(write("t.csv", TABLE)).to_parquet("t.parquet")
    prints = {load(spec).fingerprint for spec in ("t.csv:kind", "t.csv.gz:kind", "T.TSV:kind", "t.parquet:kind")}
    assert len(prints) == 1
    assert_is_the_table(load("t.parquet:kind"))


def test_paths_with_spaces_colons_and_dots_and_path_objects_are_read(folder):
    path = write("my data: v1.csv d/t.v2.csv", TABLE)
    assert_is_the_table(load(f"{path}:kind"))
    assert_is_the_table(load(f"{path.resolve()}:kind"))
    assert_is_the_table(load(path, target="kind"))
    assert_is_the_table(load(str(path), target="kind"))
    assert_is_the_table(load(f"{write('odd.csv:more.csv', TABLE)}:kind"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("t.csv:y", ("t.csv", "y")), ("t.csv", ("t.csv", None)), (r"C:\data\t.csv:price", (r"C:\data\t.csv", "price")), (r"C:\data\t.csv", (r"C:\data\t.csv", None)),
        ("C:/d/t.parquet:a b", ("C:/d/t.parquet", "a b")), ("t.csv:my:target", ("t.csv", "my:target")), ("t.csv.gz:y", ("t.csv.gz", "y")), ("t.csvx:y", None),
        ("digits", None), ("net.py:data", None), ("folder/", None), ("t.csv:", ("t.csv", None)),
    ],
)
def test_a_table_address_ends_its_path_at_the_ending(text, parts):
    assert split_address(text) == parts


def test_a_dataframe_needs_its_target_named():
    frame = pandas.DataFrame({"width": [1, 3, 5, 7], "height": [2.5, 4, 6, 80], "kind": ["cat", "dog"] * 2})
    assert_is_the_table(load(frame, target="kind"))
    assert "target='kind'" in refusal(frame).repair
    assert "Leave target out" in refusal(([[1], [2]], [0, 1]), UsageError, target="kind").repair


@pytest.mark.parametrize(
    ("text", "spec", "seen", "repair"),
    [
        (TABLE, "t.csv:kin", "no column 'kin'", "Did you mean 'kind'?"), (TABLE, "t.csv:zzz", "no column 'zzz'", "Columns: width, height, kind."),
        (TABLE, "t.csv", "no target column is named", "target='kind'"), (TABLE, "u.csv:kind", "no such file", "'t.csv'"), ("", "t.csv:y", "empty", "to the end"),
        ("\n\n", "t.csv:y", "empty", "to the end"), ("a,y\n", "t.csv:y", "no rows", "to the end"), ("y\n1\n2\n", "t.csv:y", "only column", "delimiter"),
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n", "t.csv:kind", "first line holds numbers (5.1, 3.5)", "x1,x2,y"),
        ("1,2,0\n3,4,1\n", "t.csv", "first line holds numbers", "line with names"),
        ("\ufeff5.1,setosa\n4.9,setosa\n", "t.csv:kind", "first line holds numbers (5.1)", "x1,y"),
        ("a,y\n1,5,0\n2,6,1\n", "t.csv:y", "2 names and 3 values in line 2", "index=False"),
        ("a,b,y\n1,2,0\n3,4\n5,6,1,9\n", "t.csv:y", "do not fit together", "quotes"), ("a,y,y\n1,0,0\n2,1,1\n", "t.csv:y", "2 columns are called 'y'", "Rename"),
        (",a,y\n0,5,x\n1,6,y\n2,7,x\n", "t.csv:y", "saved row index", "index=False"),
        ("a,b,y\n1,,0\n2,3,1\n,,1\n", "t.csv:y", "'a' has 1 (first in row 2), 'b' has 2 (first in row 0)", "dropna"),
        ("a,y\n1,0\n2,\n3,1\n", "t.csv:y", "1 of the targets are missing, the first in row 1", "Leave"),
        ("name,sex,y\nAnn,f,0\nBob,m,1\nCid,m,0\n", "t.csv:y", "column 'name' holds text ('Ann', 'Bob', 'Cid', ...), and so do 'sex'", "get_dummies"),
        ("a;b;y\n1,5;2;0\n2,5;3;1\n", "t.csv:y", "decimal comma ('1,5')", "decimal=','"), ("hp,y\n130,0\n?,1\n150,1\n", "t.csv:y", "numbers but for 1 cells, the first '?' in row 1", "na_values='?'"),
        ("a,y\n1,ok\n2,ok\n", "t.csv:y", "every label is 'ok'", "right target column"), ("a,y\n1,inf\n2,3.5\n", "t.csv:y", "inf in row 0", "logarithm"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(text, spec, seen, repair):
    write("t.csv", text)
    error = refusal(spec)
    assert seen in error.seen and repair in error.repair


def test_number_names_are_names_when_the_target_is_among_them():
    pandas.DataFrame(np.arange(12).reshape(4, 3)).assign(y=[0, 1, 0, 1]).to_csv("t.csv", index=False)
    assert load("t.csv:y").feature_names == ("0", "1", "2")


def test_a_column_of_true_and_false_is_a_number():
    write("t.csv", "a,b,y\nTrue,1,no\nFalse,2,yes\nTrue,3,no\n")
    assert load("t.csv:y").x[:, 0].tolist() == [1, 0, 1]


def test_text_that_is_not_utf8_names_the_repair():
    write("t.csv", TABLE.replace("cat", "Kätzchen"), "latin-1")
    assert "latin-1" in refusal("t.csv:kind").repair


@pytest.mark.parametrize("name", ["t.parquet", "t.csv.gz"])
def test_a_file_that_is_cut_off_is_refused(name):
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(500, 3)), columns=list("aby"))
    frame.to_parquet(name) if name.endswith("parquet") else frame.to_csv(name, index=False)
    whole = Path(name).read_bytes()
    Path(name).write_bytes(whole[: len(whole) // 2])
    refusal(f"{name}:y")


def test_parquet_without_a_reader_names_the_extra(monkeypatch):
    pandas.read_csv(write("t.csv", TABLE)).to_parquet("t.parquet")

    def refuse(*args, **kwargs):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pandas, "read_parquet", refuse)
    assert "steepest[parquet]" in refusal("t.parquet:kind").repair


def test_a_folder_with_the_name_of_a_table_is_no_table():
    Path("d.csv").mkdir()
    assert "not a file" in refusal("d.csv:y").seen


def test_arrays_and_names_load_without_pandas(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert load(([[1], [2]], ["a", "b"])).n_classes == 2 and load("two_moons").n_samples == 1000


def test_a_hundred_thousand_rows_are_read(folder):
    rows = np.random.default_rng(1).normal(size=(100_000, 4))
    pandas.DataFrame(rows, columns=list("abcy")).to_csv("large.csv", index=False, float_format="%.4f")
    assert load("large.csv:y").x.shape == (100_000, 3)


CUSTOMERS = """id,since,city,age,note,churned
C1,2020-01-01 08:00,Paris,31,one two,yes
C2,2020-01-02 09:30,Rome,,two three,no
C3,2020-01-05 07:00,,44,three four,no
C4,2020-01-05 11:00,Rome,29,four five,yes
C5,2020-01-09 10:00,Paris,50,five six,no
C6,2020-01-11 10:00,Rome,38,six seven,no
"""


def test_the_repair_of_a_table_of_words_dates_and_gaps_runs_as_it_stands():
    write("customers.csv", CUSTOMERS)
    error = refusal("customers.csv:churned")
    assert "'city' has 1" in error.seen and "'id', 'since', 'city', 'note'" in error.seen
    lines = [line for line in error.repair.splitlines() if line.startswith("frame")]
    room = {"pandas": pandas, "frame": pandas.read_csv("customers.csv")}
    exec("\n".join(lines), room)
    room["frame"].to_csv("numbers.csv", index=False)
    data = load("numbers.csv:churned")
    assert data.feature_names == ("since", "age", "city_Paris", "city_Rome") and data.n_samples == 6
    assert data.x[:, 0].tolist() == [0, 1, 3, 4, 8, 10] and data.x[1, 1] == 38 and data.x[2, 2:].tolist() == [0, 0]


def test_a_missing_target_is_named_as_the_command_line_takes_it():
    write("customers.csv", CUSTOMERS)
    assert "'customers.csv:churned', or target='churned'" in refusal("customers.csv").repair
