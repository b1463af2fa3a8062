"""Volcengine SubmitAudio under the contract of adapters. The two versions differ in their envelope alone: see test_translate_talk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from apps.plans.services import check_books
from apps.projects import storage
from tests.providers.contract import Failure, ProviderContract, first_lines
from tests.providers.road import Road
from tests.providers.volcengine.gateway import CREDENTIALS
from tests.providers.volcengine.translate_stub import WRAPPED, TranslateStub


class TestVolcengineTranslateContract(ProviderContract):
    name, create, poll = "volcengine-translate", "SubmitAudio", "QueryAudio"
    order_fields: ClassVar[Mapping[str, Any]] = {"steps": ["subtitles"], "export_type": "subtitles"}
    finds = False
    # The answer itself holds the sentences: there is no link to expire and no file to spoil.
    test_expired_links_are_asked_for_again = None
    test_a_bad_file_is_fetched_again = None
    test_files_that_stay_bad_are_10908 = None
    # And there are no callbacks.
    test_a_callback_brings_the_next_poll = None
    test_a_forged_callback_changes_nothing = None
    version = WRAPPED

    def make_vendor(self) -> TranslateStub:
        return TranslateStub()

    def account(self, vendor: Any) -> Mapping[str, str]:
        return {**CREDENTIALS, "version": self.version}

    def works(self, vendor: Any) -> int:
        return len(vendor.tasks)

    def succeed(self, vendor: Any) -> None:
        vendor.status = "success"

    def reach_review(self, vendor: Any) -> None:
        vendor.status = "success"

    def test_review_gate(self, vendor: Any, road: Road) -> None:
        """The gate is ours: the vendor is done before it, and its text is made into files after it."""
        job = road.until_polled(road.order(review_after="translate"))
        self.reach_review(vendor)
        road.until(job, "paused")
        road.review(job, **{first_lines(job)[0].id: "O texto de uma pessoa."})
        road.until(job, "completed")
        main = job.artefacts.get(is_main=True)
        with storage.open_key(main.storage_key) as stream:
            assert "O texto de uma pessoa." in stream.read().decode()
        assert self.works(vendor) == 1 and check_books() == []

    def failures(self) -> list[Failure]:
        return [
            Failure("download_failed", ends("download_failed"), 10901),
            Failure("asr_failed", ends("asr_failed"), 10020),
            Failure("translate_failed", ends("translate_failed"), 10030),
            Failure("save_failed", ends("save_failed"), 10908),
            Failure("failed", ends("failed"), 10908),
            Failure("no sentence at all", silent, 10042),
        ]


def ends(status: str) -> Callable[[Any], None]:
    """Every task ends so."""

    def arrange(vendor: Any) -> None:
        vendor.status = status

    return arrange


def silent(vendor: Any) -> None:
    """Nothing was heard."""
    vendor.status, vendor.sentences = "success", []
