"""Prints docs/error-codes.md from the table that the code uses: python -m scripts.error_codes_page > docs/error-codes.md."""

from __future__ import annotations

from apps.core import errors

HEAD = """# Error codes

Two tables: what an API call answers, and why a job failed. Codes marked * are ours; the others keep the meaning that
customers know elsewhere. The page is made from `apps/core/data/error_codes.json` by `python -m scripts.error_codes_page`.

Errors of API calls are `application/problem+json` (RFC 9457) with `code`, `detail`, `errors` (by field) and `request_id`.
"""


def page() -> str:
    """The whole page as Markdown."""
    lines = [HEAD, "## API calls", "", "| code | HTTP | title | explanation |", "|---|---|---|---|"]
    for code, api in errors.api_codes().items():
        lines.append(f"| {code}{'' if api.seed else ' *'} | {api.status} | {api.title} | {api.explanation} |")
    lines += [
        "",
        "## Jobs",
        "",
        "A job that may succeed when it is tried again has a retry button and `POST /jobs/{id}/retry`.",
        "",
    ]
    lines += ["| code | title | explanation | again? |", "|---|---|---|---|"]
    for code, job in errors.job_codes().items():
        again = "yes" if job.retry else "no"
        lines.append(f"| {code}{'' if job.seed else ' *'} | {job.title} | {job.explanation} | {again} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
