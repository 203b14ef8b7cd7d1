"""A batch's facts go into templates; out comes one HTML file that asks nothing of any network."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from sinks.review.candidates import Reason
from sinks.review.manifest import Manifest
from sinks.review.policy_page import page as policy_page
from sinks.review.report.changes import Changes, ranked
from sinks.review.report.funnel import AT_THE_CUT, Decided, steps
from sinks.review.report.marks import MEANINGS, SHAPES, legend, marks
from sinks.review.report.survey import Survey
from sinks.review.report.visible import line

MOST_SLICES = 12
PACKAGE = "sinks.review.report"


@dataclass(frozen=True)
class Facts:
    """All that a page is made of: what the batch says of itself, what its items are, and the batch before, if any."""

    manifest: Manifest
    survey: Survey
    changes: Changes | None


def environment() -> Environment:
    """Return Jinja: what a template prints is text. Markdown, which has nothing of a stranger's, is left as it is."""
    made = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=select_autoescape(disabled_extensions=("md",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["line"] = line
    return made


def html(facts: Facts, after: Decided = AT_THE_CUT, people: object = None) -> bytes:
    """Return the page; equal facts make equal bytes.

    Its style and script stand in it and are allowed by their hashes; everything else is forbidden by its policy.
    """
    style, script = _asset("report.css"), _asset("report.js")
    counts = facts.manifest.counts
    page = (
        environment()
        .get_template("report.html")
        .render(
            manifest=facts.manifest,
            counts=counts,
            survey=facts.survey,
            changes=facts.changes,
            people=people,
            steps=steps(counts, after),
            reasons=[reason for reason in Reason if counts.by_reason.get(reason, 0)],
            meanings=MEANINGS,
            shapes=SHAPES,
            legend=legend(facts.survey.dots),
            marks=marks(facts.survey.dots),
            slices={name: _slices(facts.survey, name) for name in facts.survey.slices},
            topics=ranked(facts.survey.topics),
            feedback=sorted(facts.survey.feedback.items(), key=lambda each: (-each[1], each[0])),
            together=ranked(facts.survey.together),
            files={name: fact for name, fact in sorted(facts.manifest.files.items()) if name.startswith("items.")},
            policy=policy_page(facts.manifest.policy),
            style=Markup(style),  # noqa: S704  our own file
            script=Markup(script),  # noqa: S704  our own file
            csp=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'",
        )
    )
    return page.encode()


def _slices(survey: Survey, name: str) -> list[tuple[str, int]]:
    """Return the greatest parts; those beyond are one."""
    parts = ranked(survey.slices[name])
    rest = sum(count for _, count in parts[MOST_SLICES:])
    return parts[:MOST_SLICES] + ([(f"{len(parts) - MOST_SLICES} others", rest)] if rest else [])


def _asset(name: str) -> str:
    return files(PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
