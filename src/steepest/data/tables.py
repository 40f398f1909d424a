"""Table files: CSV in its dialects, and Parquet; what would be misread in silence is refused."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steepest.core.errors import DataError, did_you_mean

TEXT_TABLES = (".csv", ".tsv", ".txt", ".data")
PARQUET = (".parquet", ".pq")
DELIMITERS = ",;\t|"
LINES_LOOKED_AT = 20

_TABLE = re.compile(r".\.(csv|tsv|txt|data|parquet|pq)(\.gz)?$", re.IGNORECASE)


def split_address(text: str) -> tuple[str, str | None] | None:
    """(path, target or None) of "table.csv:target"; None where the text names no table.

    The path ends at the first such ending that is an existing file, so that drive letters, colons and dots in names do
    no harm.

    >>> split_address("C:\\\\data\\\\t.csv:price")
    ('C:\\\\data\\\\t.csv', 'price')
    """
    ends = [end for end in range(len(text) + 1) if text[end : end + 1] in (":", "")]
    paths = [text[:end] for end in ends if _TABLE.search(text[:end])]
    if not paths:
        return None
    path = next((p for p in paths if Path(p).is_file()), paths[0])
    return path, text[len(path) + 1 :] or None


def read_table(path: Path, target: str | None) -> Any:
    """A DataFrame of the file."""
    _refuse_no_file(path)
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path)
    return _read_text(path, target)


def _refuse_no_file(path: Path) -> None:
    if path.is_file():
        return
    near = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, near)
    raise DataError(
        where=str(path), seen="there is no such file" if not path.exists() else "it is not a file",
        needed="a table was needed",
        repair=hint if hint.startswith("Did") else f"Is the path right, seen from {Path.cwd()}?",
    )


def _read_parquet(path: Path) -> Any:
    import pandas

    try:
        return pandas.read_parquet(path)
    except ImportError as error:
        raise DataError(
            where=path.name, seen="no library that reads Parquet is installed", needed="pyarrow was needed",
            repair="pip install 'steepest[parquet]'",
        ) from error
    except Exception as error:  # pyarrow has an exception for every way in which a file can be broken
        raise DataError(
            where=path.name, seen=f"it cannot be read as Parquet ({_first_line(error)})",
            needed="a whole Parquet file was needed", repair="Write or copy it again.",
        ) from error


def _read_text(path: Path, target: str | None) -> Any:
    import pandas

    rows, delimiter = _first_rows(path)
    _refuse_header(path, rows, target)
    try:
        return pandas.read_csv(path, sep=delimiter, encoding="utf-8-sig", low_memory=False, skipinitialspace=True)
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except (pandas.errors.ParserError, EOFError, OSError) as error:
        raise DataError(
            where=path.name, seen=f"its lines do not fit together ({_first_line(error)})",
            needed="the same number of columns in every line was needed",
            repair='A text with the delimiter in it must stand in quotes: "a, b".',
        ) from error


def _first_rows(path: Path) -> tuple[list[list[str]], str]:
    """The first lines, cut at the delimiter that gives most columns, the same number in every line."""
    try:
        opener: Any = gzip.open if path.suffix.lower() == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = [line for _, line in zip(range(LINES_LOOKED_AT), file)]
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except (OSError, EOFError) as error:
        raise DataError(
            where=path.name, seen=f"it cannot be read ({_first_line(error)})", needed="a readable table was needed",
            repair="Is it whole, and may you read it?",
        ) from error
    if not any(line.strip() for line in lines):
        raise DataError(
            where=path.name, seen="it is empty", needed="a header line and rows were needed",
            repair="Was it written to the end?",
        )
    cuts = {d: [row for row in csv.reader(lines, delimiter=d, skipinitialspace=True) if row] for d in DELIMITERS}
    best = max(DELIMITERS, key=lambda d: (_is_even(cuts[d]), len(cuts[d][0])))
    return cuts[best], best


def _is_even(rows: Sequence[Sequence[str]]) -> bool:
    """Several columns, the same number in every line."""
    return len(rows[0]) > 1 and len({len(row) for row in rows}) == 1


def _refuse_header(path: Path, rows: list[list[str]], target: str | None) -> None:
    header = [name.strip() for name in rows[0]]
    numbers = [name for name in header if _is_number(name)]
    if numbers and 2 * len(numbers) >= len(header) and (target is None or target not in header):
        names = ",".join([f"x{i + 1}" for i in range(len(header) - 1)] if len(header) < 12 else ["x1", "x2", "..."])
        raise DataError(
            where=path.name, seen=f"its first line holds numbers ({', '.join(numbers[:3])}), not names",
            needed="a first line with the column names was needed",
            consequence="The first row of data would be lost.",
            repair=f"Put a line with names on top, such as {names},y",
        )
    if len(rows) < 2:
        raise DataError(
            where=path.name, seen="it has a header and no rows", needed="rows were needed",
            repair="Was it written to the end?",
        )
    wide = next((i for i, row in enumerate(rows) if len(row) > len(header)), None)
    if wide is not None:
        raise DataError(
            where=path.name,
            seen=f"its lines do not fit together: {len(header)} names and {len(rows[wide])} values in line {wide + 1}",
            needed="a name for every column was needed", consequence="Values would stand under the wrong names.",
            repair='A text with the delimiter in it must stand in quotes: "a, b". '
            "A saved row index is left out with index=False.",
        )
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise DataError(
            where=path.name, seen=f"{header.count(doubled[0])} columns are called {doubled[0]!r}",
            needed="column names must differ",
            consequence="A copy of the target among the features would make any model look perfect."
            if doubled[0] == target else "",
            repair="Rename or remove one of them.",
        )
    if header[0] == "" and len(rows) > 2 and [row[0] for row in rows[1:]] == [str(i) for i in range(len(rows) - 1)]:
        raise DataError(
            where=path.name, seen="its first column has no name and counts the rows: a saved row index",
            needed="columns with a meaning were needed",
            consequence="In a sorted table the row number gives the target away.",
            repair="Write the file with frame.to_csv(path, index=False).",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _not_utf8(path: Path) -> DataError:
    return DataError(
        where=path.name, seen="it is not UTF-8 text", needed="UTF-8 was needed",
        repair="Save it as UTF-8, or read it with pandas.read_csv(path, encoding='latin-1') and pass the DataFrame.",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
