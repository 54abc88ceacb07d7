"""The Flask app: one page whose panels are loaded one by one. Every answer is HTML that needs no script.

The paths are / (the page of a view), /panel/<name> (one panel of it), /panel/<name>.csv (its rows), /newest
(what changes when something has landed) and /health (that the server runs, for whoever asks). Every link in
a page is relative, so the app works under any prefix, such as the stage of an API.

A panel whose answer takes longer than a second or two is a 202, which says when to ask again.
"""

import io
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, Response, make_response, redirect, render_template, request, send_from_directory
from sqlglot import exp
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from clicklake import __version__
from clicklake.cli.sanitize import for_terminal
from clicklake.dashboard.access.reader import current_reader
from clicklake.dashboard.answers.budget import to_gigabytes
from clicklake.dashboard.answers.contract import Answers, NotReadyError, OverBudgetError, Question
from clicklake.dashboard.funnel import funnel_question, funnel_steps
from clicklake.dashboard.overview import (
    FIGURES,
    figures,
    link_of_moment,
    named_conditions,
    question,
    timeline,
)
from clicklake.dashboard.panels import SHOWN_ROWS, cards_of, items_named
from clicklake.dashboard.presence import KeptVisits, present
from clicklake.dashboard.shared_state import StateConflictError
from clicklake.dashboard.sql_text import command_of, sql_of
from clicklake.dashboard.view import FORM_FIELDS, PERIODS, View, parse_view
from clicklake.errors import CommandError
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.query.csv_rows import write_csv
from clicklake.query.filters import (
    ATTRIBUTE_MARK,
    DIMENSIONS,
    STEP_KINDS,
    Condition,
    ParameterError,
    check_attributes,
    where,
)
from clicklake.query.queries import QueryResult
from clicklake.report import charts
from clicklake.report.charts import bars, share
from clicklake.report.panels import plain
from clicklake.report.timeline import ChartSize, unit_of
from clicklake.report.words import sentence
from clicklake.status.kept import KeptStatus
from clicklake.status.words import LABELS, words_of

log = logging.getLogger("clicklake.dashboard")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
COMPARISON_NAMES = {
    "week": "The same weekdays before",
    "previous": "The time right before",
    "year": "The year before",
    "none": "Nothing",
}
CHARTS = {"clicks": ("clicks", "pageviews"), "visitors": ("visitors", "sessions")}
HALF_PAGE = ChartSize(600, 8)
STATUS_LABELS = [LABELS[name] for name in ("delivery", "failures", "keeper")]
CHARTS_FOLDER = Path(charts.__file__).parent
CHART_NAMES = {"clicks": "clicks", "pageviews": "page views", "visitors": "visitors", "sessions": "sessions"}

Check = Callable[[Any], Any]


def create_app(answers: Answers, check: Check, where_option: str) -> Flask:
    """Return the app. `check` answers requests that may not pass; shown commands have `where_option`."""
    app = Flask(__name__)
    app.jinja_env.filters |= {"plain": plain, "thousands": "{:,}".format}
    app.jinja_env.globals |= {"share": share, "sentence": sentence}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    cards = cards_of(answers.attributes)
    visits: KeptVisits = {}
    status = KeptStatus(answers.lake)
    lists = {panel.query: panel for card in cards for panel in card.panels}

    def view_of_request() -> View:
        """Return the view that the address asks for, or the only one that a share link shows."""
        reader = current_reader()
        view = parse_view(reader.pairs if reader.is_guest else [*request.args.items(multi=True)])
        check_attributes(view.conditions, answers.attributes)
        return view

    def check_shown(name: str, view: View) -> None:
        """Answer 404 to a guest who asks for a panel that the shared view does not show."""
        shown = {"figures", "timeline", "filters", *(card.shown(view.tabs).query for card in cards)}
        if current_reader().is_guest and name not in shown | ({"funnel"} if view.steps else set()):
            raise NotFound

    def names_question(conditions: tuple[Condition, ...], view: View) -> list[Question]:
        asked = items_named(conditions)
        return [] if asked is None else [Question(view.span(answers.now()), view.zone, asked)]

    def ask(view: View, asked: exp.Query) -> QueryResult:
        return answers.ask(view.span(answers.now()), view.zone, asked)

    def asked_by(name: str, view: View) -> exp.Query:
        """Return the question of a panel. Answers 404 for a panel that does not exist."""
        if name in lists:
            return lists[name].question(view)
        if name == "figures":
            return question("totals", view)
        if name == "timeline":
            return question(unit_of(view.span(answers.now())).query, view)
        if name == "funnel" and view.steps:
            return funnel_question(view.steps, where(view.conditions))
        raise NotFound

    @app.before_request
    def admit() -> Any:
        return check(request)

    @app.context_processor
    def for_every_template() -> dict[str, Any]:
        return {
            "reader": current_reader(),
            "root": "../" * (request.path.count("/") - 1) or "./",
            "is_billed": answers.is_billed,
        }

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.extend(HEADERS)
        response.headers["Cache-Control"] = (
            "max-age=3600"
            if request.endpoint in ("static", "charts_style") and response.status_code == 200
            else "no-store"
        )
        return response

    @app.get("/")
    def page() -> str | BaseResponse:
        view = view_of_request()
        if FORM_FIELDS & request.args.keys():  # so that the address is the view's own
            return redirect(view.url("./"), 303)
        now, reader = answers.now(), current_reader()
        attributes = [name for name in answers.attributes if name != "name"]
        named = (*view.conditions, *view.steps)
        has_names = True
        items: list[QueryResult] = []
        try:
            items = answers.ask_all(names_question(named, view))
        except (NotReadyError, OverBudgetError):  # the panel `filters` brings the names
            has_names = False
        return render_template(
            "page.html",
            view=view,
            query=f"?{urlencode({'link': reader.link})}" if reader.is_guest else view.url(),
            has_names=has_names,
            poll_seconds=answers.poll_seconds,
            span=view.span(now),
            periods=PERIODS,
            comparisons=COMPARISON_NAMES,
            zones=sorted(available_timezones()),
            dimensions={name: heading for name, (heading, _) in DIMENSIONS.items()}
            | {f"{ATTRIBUTE_MARK}{name}": name.capitalize() for name in attributes},
            step_kinds={kind: DIMENSIONS[kind][0] for kind in STEP_KINDS},
            names=named_conditions(named, *items),
            cards=cards,
            figures=FIGURES,
            bucket=answers.lake.bucket,
            goes_on=view.goes_on(now),
        )

    @app.get("/panel/filters")
    def filters_panel() -> str:
        view = view_of_request()
        names = named_conditions(view.conditions, *answers.ask_all(names_question(view.conditions, view)))
        return render_template("filters.html", view=view, names=names)

    @app.get("/panel/budget")
    def budget_panel() -> str:
        spending = answers.spending()
        if spending is None or current_reader().is_guest:
            raise NotFound
        return render_template("budget.html", spending=spending, gigabytes=to_gigabytes)

    @app.get("/panel/figures")
    def figures_panel() -> str:
        view = view_of_request()
        found, totals = figures(view, answers)
        notes = [for_terminal(note) for note in answers.notes(view.span(answers.now()), view.zone)]
        return render_template("figures.html", figures=found, totals=totals, view=view, notes=notes)

    @app.get("/panel/timeline")
    def timeline_panel() -> str:
        view = view_of_request()
        unit, moments, rows = timeline(view, answers)
        drawn = [
            {
                "id": front,
                "names": (CHART_NAMES[front], CHART_NAMES[back]),
                "drawn": moments.draw(
                    front,
                    back,
                    (CHART_NAMES[front], CHART_NAMES[back]),
                    lambda at: "" if current_reader().is_guest else link_of_moment(view, unit, at),
                    HALF_PAGE,
                ),
            }
            for front, back in CHARTS.values()
        ]
        return render_template(
            "timeline.html",
            charts=drawn,
            unit=unit.column,
            rows=rows,
            has_before=any(any(earlier.values()) for _, earlier in moments.moments.values()),
            names=CHART_NAMES,
            **sql_parts("timeline", view),
        )

    @app.get("/panel/now")
    def now_panel() -> str:
        if current_reader().is_guest:
            raise NotFound
        return render_template("now.html", here=present(answers.lake, answers.clock(), visits))

    @app.get("/panel/status")
    def status_panel() -> str:
        if current_reader().is_guest:
            raise NotFound
        found = status.read(answers.clock())
        words = words_of(found)
        parts = {label: for_terminal(words[label]) for label in STATUS_LABELS}
        attention = [(for_terminal(each.what), for_terminal(each.todo)) for each in found.attention]
        return render_template("status.html", parts=parts, attention=attention)

    @app.get("/panel/funnel")
    def funnel_panel() -> str:
        view = view_of_request()
        if not view.steps:
            raise NotFound
        asked = Question(view.span(answers.now()), view.zone, asked_by("funnel", view))
        reached, *items = answers.ask_all([asked, *names_question(view.steps, view)])
        sessions, steps = funnel_steps(view.steps, reached)
        names = named_conditions(view.steps, *items)
        return render_template(
            "funnel.html", sessions=sessions, steps=steps, names=names, view=view, **sql_parts("funnel", view)
        )

    @app.get("/panel/<name>")
    def list_panel(name: str) -> str:
        view, panel = view_of_request(), lists.get(name)
        if panel is None:
            raise NotFound
        check_shown(name, view)
        found = [*ask(view, panel.drawn_question(view))]
        rows, total = panel.rows(found, view, answers.attributes), panel.total(found)
        if current_reader().is_guest:
            rows = [row._replace(link="") for row in rows]
        return render_template(
            "list.html",
            panel=panel,
            first=bars(rows[:SHOWN_ROWS], total) if rows else "",
            rest=bars(rows[SHOWN_ROWS:], total) if rows[SHOWN_ROWS:] else "",
            more=len(rows) - SHOWN_ROWS,
            is_unfiltered=panel.quality and bool(view.conditions),
            **sql_parts(name, view),
        )

    def sql_parts(name: str, view: View) -> dict[str, str]:
        asked = asked_by(name, view)
        span = view.span(answers.now())
        return {
            "sql": sql_of(asked),
            "command": command_of(asked, span, view.zone, where_option),
            "csv": view.url(f"panel/{name}.csv"),
        }

    @app.get("/panel/<name>.csv")
    def panel_csv(name: str) -> Response:
        if current_reader().is_guest:
            raise NotFound
        view = view_of_request()
        text = io.StringIO()
        write_csv(ask(view, asked_by(name, view)), text)
        return Response(
            text.getvalue(),
            mimetype="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )

    @app.get("/charts.css")
    def charts_style() -> Response:
        return send_from_directory(CHARTS_FOLDER, "charts.css")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/newest")
    def newest() -> dict[str, str]:
        return {"newest": answers.newest()}

    @app.errorhandler(ParameterError)
    def wrong_view(error: ParameterError) -> tuple[str, int]:
        return render_template("error.html", title="This view cannot be shown", text=str(error)), 400

    @app.errorhandler(NotReadyError)
    def waiting(error: NotReadyError) -> Response:
        response = make_response(render_template("waiting.html"), 202)
        response.headers["Retry-After"] = f"{error.seconds}"
        return response

    @app.errorhandler(StateConflictError)
    def busy(error: StateConflictError) -> Response:
        return waiting(NotReadyError(2))

    @app.errorhandler(OverBudgetError)
    def over_budget(error: OverBudgetError) -> Response:
        response = make_response(render_template("over_budget.html", text=error.message), 429)
        response.headers["Retry-After"] = f"{error.seconds}"
        return response

    @app.errorhandler(CommandError)
    def failed(error: CommandError) -> tuple[str, int]:
        # The engine's message can name the bucket and its objects, which a guest does not see.
        text = "This part of the view cannot be shown." if current_reader().is_guest else error.message
        return render_template("failed.html", text=text), 503

    @app.errorhandler(ClientError)
    @app.errorhandler(BotoCoreError)
    @app.errorhandler(UnreadableObjectError)
    def refused(error: ClientError | BotoCoreError | UnreadableObjectError) -> tuple[str, int]:
        log.error("The lake cannot be read: %s", _code_of(error))
        is_stranger = app.config.get("HAS_LOG_IN") and not current_reader().csrf_token
        reason = (
            "the log of the dashboard says why" if is_stranger else error
        )  # which names bucket and account
        return render_template("failed.html", text=plain(f"The lake cannot be read: {reason}")), 503

    @app.errorhandler(HTTPException)
    def not_found(error: HTTPException) -> tuple[str, int]:
        code = error.code or 500
        return render_template("error.html", title=error.name, text=error.description), code

    @app.errorhandler(Exception)
    def broken(error: Exception) -> tuple[str, int]:
        # Not its text: that can hold a part of the view, which is nobody's business who reads the log.
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        log.error("%s at %s", type(error).__name__, where)
        return render_template(
            "failed.html", text="Something is wrong here; the log of the dashboard says what."
        ), 500

    return app


def _code_of(error: Exception) -> str:
    """Return what AWS calls the error; its text can name a key, and that a part of a view."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
