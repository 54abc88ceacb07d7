"""Athena's SQL in DuckDB's words: a function gives what Athena gives, or it is refused by name.

Most function names are the same in both engines, but not always what they do: substr(x, 0, 2),
concat(x, null), date_diff, a division by zero. So only functions on a list are allowed. Where the engines
differ, a macro follows Athena's documentation (trino.io/docs/current/functions.html).
"""

from collections.abc import Callable, Iterator
from difflib import get_close_matches

from sqlglot import exp

from clicklake.errors import CommandError

MACROS = """
create macro athena_nonzero(b) as case when b = 0 then error('Division by zero') else b end;
create macro athena_substr(s, start, length) as case
  when s is null or start is null or length is null then null
  when start = 0 or length <= 0 or -start > length(s) then ''
  else substring(s, start, length) end;
create macro athena_regexp_extract(s, pattern, g) as
  case when regexp_matches(s, pattern) then regexp_extract(s, pattern, g) end;
create macro athena_split_part(s, delimiter, n) as case
  when n < 1 then error('Index must be greater than zero')
  when n > len(string_split(s, delimiter)) then null
  else split_part(s, delimiter, n) end;
create macro athena_add
  (d date, i interval) as cast(d + i as date),
  (d timestamp, i interval) as d + i,
  (d timestamptz, i interval) as d + i;
create macro athena_cardinality
  (m map(varchar, varchar)) as cardinality(m),
  (a varchar[]) as len(a);
"""

MAX_LENGTH = 2**31 - 1  # of substr without a length

# Functions, in Athena's spelling, that give the same in both engines, or that sqlglot or a macro translates.
# A float divided by zero is the one exception: an error here, Infinity or NaN in Athena.
_AGGREGATES = """
avg count count_if max min sum arbitrary any_value array_agg bool_and bool_or every max_by
min_by stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
approx_distinct
"""
_WINDOWS = """
row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value
nth_value
"""
_CONDITIONS = "coalesce nullif if try_cast cast case greatest least"
_NUMBERS = "abs ceil ceiling floor round power pow sqrt ln log log2 log10 exp sign truncate mod"
_TEXTS = """
length lower upper trim ltrim rtrim replace reverse strpos position substr substring concat
split_part starts_with regexp_like regexp_extract regexp_replace lpad rpad chr
"""
_TIMES = """
date date_trunc date_diff date_add year quarter month day hour minute second week week_of_year
day_of_week dow day_of_year doy current_date current_timestamp now from_iso8601_timestamp
from_unixtime to_unixtime date_format extract
"""
_COLLECTIONS = "element_at cardinality map_keys map_values contains"
FUNCTIONS = frozenset(
    " ".join((_AGGREGATES, _WINDOWS, _CONDITIONS, _NUMBERS, _TEXTS, _TIMES, _COLLECTIONS)).split()
)

# Expressions that are written as operators or as SQL's syntax, not as calls.
_SYNTAX = (
    *(exp.And, exp.Or, exp.Not, exp.Xor, exp.Case, exp.Cast, exp.TryCast, exp.Bracket, exp.Exists),
    *(exp.AtTimeZone, exp.Between, exp.In, exp.Like, exp.Is, exp.DPipe, exp.CurrentDate),
    *(exp.CurrentTimestamp, exp.Array, exp.Map, exp.VarMap, exp.Struct, exp.Interval, exp.Unnest),
)


def to_duckdb(query: exp.Query) -> str:
    """Return the query in DuckDB's SQL. Raises CommandError naming a function that is not supported here."""
    for name in _functions(query):
        if name not in FUNCTIONS:
            close = get_close_matches(name, FUNCTIONS, n=3)
            hint = f"; similar: {', '.join(close)}" if close else ""
            raise CommandError(f"the function {name} is not supported here; use --engine athena{hint}")
    return query.transform(_translate).sql("duckdb")


def _functions(query: exp.Query) -> Iterator[str]:
    """Yield the name of every function that the query calls, in Athena's spelling."""
    for node in query.find_all(exp.Func):
        if isinstance(node, exp.Anonymous):
            yield str(node.name).lower()
        elif not isinstance(node, _SYNTAX):
            name, parenthesis, _ = node.sql("athena").partition("(")
            if parenthesis and " " not in name.strip():
                yield name.strip().lower()


def _translate(node: exp.Expression) -> exp.Expression:
    for kind, translate in _TRANSLATIONS.items():
        if type(node) is kind:
            return translate(node)
    return node


def _macro(name: str, *arguments: exp.Expression | int | None) -> exp.Expression:
    given = [exp.Literal.number(each) if isinstance(each, int) else each for each in arguments]
    return exp.Anonymous(this=f"athena_{name}", expressions=given)


def _with_divisor(node: exp.Expression, divisor: exp.Expression) -> exp.Expression:
    """Return the same division by a divisor that is an error if it is zero, as in Athena."""
    return type(node)(this=node.this, expression=divisor, typed=True)


def _interval(node: exp.Expression) -> exp.Expression:
    return exp.Interval(this=node.expression, unit=node.args["unit"])


def _add(node: exp.Expression) -> exp.Expression:
    """A date and an interval are a date in Athena, and a timestamp in DuckDB."""
    if not isinstance(node.expression, exp.Interval):
        return node
    interval = node.expression if isinstance(node, exp.Add) else exp.Neg(this=node.expression)
    return _macro("add", node.this, interval)


def _date_diff(node: exp.Expression) -> exp.Expression:
    """Count full units, as Athena does: so does DuckDB's date_sub, while its date_diff counts boundaries."""
    unit = exp.Literal.string(str(node.args["unit"].name).lower())
    return exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])


def _concat(node: exp.Expression) -> exp.Expression:
    """Athena's concat is null if any part is; so is DuckDB's || operator, but not its concat."""
    first, *rest = node.expressions
    joined = first
    for part in rest:
        joined = exp.DPipe(this=joined, expression=part)
    return exp.Paren(this=joined)


_TRANSLATIONS: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression]] = {
    exp.Div: lambda node: _with_divisor(node, _macro("nonzero", node.expression)),
    exp.Mod: lambda node: _with_divisor(node, _macro("nonzero", node.expression)),
    exp.DateAdd: lambda node: _macro("add", node.this, _interval(node)),
    exp.Add: _add,
    exp.Sub: _add,
    exp.ArraySize: lambda node: _macro("cardinality", node.this),
    exp.Substring: lambda node: _macro(
        "substr", node.this, node.args.get("start"), node.args.get("length") or MAX_LENGTH
    ),
    exp.DateDiff: _date_diff,
    exp.Concat: _concat,
    exp.RegexpExtract: lambda node: _macro(
        "regexp_extract", node.this, node.expression, node.args.get("group") or 0
    ),
    exp.SplitPart: lambda node: _macro(
        "split_part", node.this, node.args.get("delimiter"), node.args.get("part_index")
    ),
}
