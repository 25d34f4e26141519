"""Deletes what was kept long enough: when a program starts, and once a day while the page is served."""

import logging
import threading
from contextlib import suppress
from datetime import timedelta

from biometric.entities import PurgeReport
from biometric.errors import BiometricError, GalleryLocked
from biometric.service import Sightline

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
"""Between two looks of a server."""


def delete_overdue(service: Sightline) -> PurgeReport:
    """Delete what is overdue of the configured gallery, and results of its answers below the query folder.

    What killed processes left of copies of the gallery goes, too.

    A program does not fail because that failed: it is logged, and tried again at the next start.

    Raises:
        GalleryLocked: the gallery and the key that was given do not fit.
    """
    report = PurgeReport()
    settings = service.settings
    try:
        gallery = service.gallery()
        gallery.sweep_copies()
        report = gallery.purge_overdue()
        gallery.sightings.purge_overdue()
        gallery.purge_results(settings.query, timedelta(hours=settings.query_hours))
        for identity_id in report.identity_ids:
            service.library.forget_person(identity_id, {})
    except GalleryLocked:
        raise  # nothing else will work either
    except BiometricError as error:
        logger.warning("What was kept long enough could not be deleted: %s", error)
    except Exception:  # a fault of ours must neither stop a program nor end the daily look
        logger.exception("What was kept long enough could not be deleted")
    if report.references:
        logger.info("References whose time was over were deleted: %d", report.references)
    return report


class RetentionDuty:
    """Deletes what is overdue now and every day, until `stop`; nothing happens in between."""

    def __init__(self, service: Sightline, every: timedelta = EVERY) -> None:
        self._service = service
        self._every = every.total_seconds()
        self._ended = threading.Event()

    def start(self) -> None:
        """Delete now, and from now on every day. Raises `GalleryLocked`."""
        delete_overdue(self._service)
        threading.Thread(target=self._run, name="retention", daemon=True).start()

    def stop(self) -> None:
        """Delete nothing more."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            with suppress(GalleryLocked):  # encrypted since, or with another key: the page says so
                delete_overdue(self._service)
