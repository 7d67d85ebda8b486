"""The retry of a job as pages offer it: for the price that they show, or why there is none."""

from dataclasses import dataclass

from cutout.cli import compose
from cutout.cli.console.site import Form, Site
from cutout.cli.job_retry import check_retryable, retry_job, warning_of
from cutout.cli.output.money import preview_in_words
from cutout.cli.output.problems import Problem
from cutout.domain.job.job import Job


@dataclass(frozen=True, kw_only=True)
class RetryOffer:
    """The retry of a job: its price, why it may change nothing, or why there is none."""

    credits: str = ""
    price: str = ""
    warning: str = ""
    refusal: Problem | None = None


def offer_of(site: Site, job: Job) -> RetryOffer:
    """Return the retry of a job."""
    stack = site.stack()
    try:
        check_retryable(job)
    except Problem as refusal:
        return RetryOffer(refusal=refusal)
    estimate = compose.estimate(stack, 1)
    return RetryOffer(
        credits=str(estimate.credits),
        price=preview_in_words(estimate, site.price),
        warning=warning_of(job),
    )


def retry_as_offered(site: Site, job: Job, form: Form) -> Job:
    """Retry the job that a page showed, for the price that it showed.

    Raises:
        Problem: the job or the price has changed since, or it is not retried.
    """
    offer = offer_of(site, job)
    if offer.refusal:
        raise offer.refusal
    check_unchanged(job, form)
    if form.get("credits") != offer.credits:
        raise Problem("The price changed meanwhile.", advice="Reload this page.")
    return retry_job(site.stack(), job)


def check_unchanged(job: Job, form: Form) -> None:
    """Check that the job is the one that the page showed.

    Raises:
        Problem: it has changed since.
    """
    if form.get("version") != str(job.version):
        raise Problem(f"{job.source.key} changed meanwhile.", advice="Reload this page.")
