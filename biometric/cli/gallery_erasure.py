"""`python -m biometric gallery …`: erase a person, and check later that they are gone."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, WRONG, show
from biometric.cli.gallery_trash import accept_yes, add_action, confirm, count_references
from biometric.entities import clean_name
from biometric.entities.erasure import ErasureCertificate
from biometric.erasing.people_eraser import ErasureCheck, ErasureOutlook
from biometric.errors import InvalidInput, StorageFull, UnknownIdentity
from biometric.messages.erasure_sentences import describe_erasure, describe_limits, describe_unreached
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.ports import Gallery
from biometric.service import Sightline
from biometric.storage import describe_os_error, write_atomically

_MOST_BYTES = 50_000_000
"""Most bytes of a certificate; a person of 10,000 samples has 2 million."""


def add_actions(actions: Any) -> None:
    """Add the commands to the parser of `gallery`."""
    erase = add_action(
        actions, "erase", "delete an identity for good, with all that was written about it", _erase, "name"
    )
    erase.add_argument("--certificate", metavar="FILE", type=Path, help="write what was erased as JSON to this file")
    accept_yes(erase)
    verify = add_action(actions, "verify-erased", "check that somebody who was erased is gone", _verify)
    verify.add_argument(
        "erased",
        metavar="CERTIFICATE|ID",
        nargs="?",
        help="a certificate's file or id, or the identity's id (default: all that were erased here)",
    )
    verify.add_argument(
        "--name",
        action="append",
        default=[],
        help="their name, which no certificate holds: look for it in the bytes of all files (can be repeated)",
    )


def _erase(options: argparse.Namespace) -> int:
    service = command_support.build_service(options)
    gallery = service.gallery()
    ids = gallery.find_in_trash(options.name)
    where = [_("the trash")] if ids else []
    try:
        enrolled = gallery.find(options.name)
    except UnknownIdentity:
        if not ids:
            raise
    else:
        ids.insert(0, enrolled.id)
        where.insert(0, _("the gallery ({references})").format(references=count_references(enrolled.reference_count)))
    name = clean_name(options.name)
    text = _("Erase {name} from {places} for good? This cannot be undone.").format(name=name, places=", ".join(where))
    confirm(options, f"{text} {_what_goes(service, ids)}".rstrip())
    certificates: list[ErasureCertificate] = []
    for identity_id in ids:
        with contextlib.suppress(UnknownIdentity):  # erased with somebody whom it had been merged into
            certificates.append(service.eraser.erase(identity_id)[1])
    documents = [certificate.as_dict() for certificate in certificates]
    lines = [line for certificate in certificates for line in describe_erasure(name, certificate)]
    if options.certificate is not None:
        _write(options.certificate, documents)
        lines.append(_("The certificate is in {path}.").format(path=options.certificate))
    lines.append(
        _("To check it later: {command}").format(
            command="python -m biometric gallery verify-erased "
            + (str(options.certificate) if options.certificate else certificates[0].id)
        )
    )
    references, samples = (
        sum(certificate.counts.get(what, 0) for certificate in certificates) for what in ("references", "samples")
    )
    result = {"erased": name, "references": references, "samples": samples, "certificates": documents}
    show(options, result, "\n".join(lines))
    return DONE


def _what_goes(service: Sightline, identity_ids: list[str]) -> str:
    """Return what else erasing deletes and leaves, in one sentence each; "" for nothing."""
    outlooks = [service.eraser.outlook(identity_id) for identity_id in identity_ids]
    answers, handed_out = sum(item.results + item.reports for item in outlooks), max(_handed_out(outlooks), default=0)
    texts = []
    if answers:
        texts.append(
            ngettext(
                "{n:,} answer or report that names them is deleted, too.",
                "{n:,} answers and reports that name them are deleted, too.",
                answers,
            ).format(n=answers)
        )
    if handed_out:
        texts.append(
            ngettext(
                "{n:,} export or backup may hold them and stays.",
                "{n:,} exports or backups may hold them and stay.",
                handed_out,
            ).format(n=handed_out)
        )
    return " ".join(texts)


def _handed_out(outlooks: list[ErasureOutlook]) -> list[int]:
    return [item.handed_out for item in outlooks]


def _verify(options: argparse.Namespace) -> int:
    service = command_support.build_service(options)
    certificates = _certificates(service.gallery(), options.erased)
    checks = [service.eraser.check(certificate, names=options.name) for certificate in certificates]
    lines = [line for check in checks for line in _check_lines(check)]
    if not checks:
        lines = [_("Nobody was erased from this gallery.")]
    elif not options.name:
        lines.append(_("The name was not looked for, because no certificate holds it: add --name."))
    lines += describe_limits()
    passed = all(check.passed for check in checks)
    show(options, {"passed": passed, "checks": [_check_json(check) for check in checks]}, "\n".join(lines))
    return DONE if passed else WRONG


def _check_lines(check: ErasureCheck) -> list[str]:
    certificate, found = check.certificate, {what: n for what, n in check.rows.items() if n}
    head = _("Erasure {id} of {day}: {outcome}").format(
        id=certificate.id[:8],
        day=certificate.erased_at[:10],
        outcome=_outcome(check),
    )
    lines = [head]
    rows = ", ".join(f"{what} {n}" for what, n in found.items())
    if rows:
        lines.append("  " + _("In the gallery or the library: {rows}.").format(rows=rows))
    lines += ["  " + _("A copy, or a file that holds the name: {path}").format(path=path) for path in check.copies]
    unread = _("It could not be read, so it is not known what it holds: {path}")
    lines += ["  " + unread.format(path=path) for path in check.unread]
    lines += [f"  {line}" for line in describe_unreached(check.unreached)]
    if check.gone:
        lines.append(
            "  "
            + ngettext(
                "{n:,} file was not where it was written; where it is now is not known.",
                "{n:,} files were not where they were written; where they are now is not known.",
                check.gone,
            ).format(n=check.gone)
        )
    return lines


def _outcome(check: ErasureCheck) -> str:
    if check.found:
        return _("something was found.")
    return _("nothing was found in what could be read.") if check.unread else _("nothing was found.")


def _check_json(check: ErasureCheck) -> dict[str, Any]:
    return {
        "certificate": check.certificate.id,
        "erased_at": check.certificate.erased_at,
        "passed": check.passed,
        "found": check.rows,
        "copies": [str(path) for path in check.copies],
        "unreached": [file.as_dict() for file in check.unreached],
        "not_where_written": check.gone,
        "unread": [str(path) for path in check.unread],
    }


def _certificates(gallery: Gallery, given: str | None) -> list[ErasureCertificate]:
    """Return the certificates that are to be checked.

    Raises:
        InvalidInput: there is no such certificate, or the file is none.
    """
    if given is None:
        return gallery.erasures()
    path = Path(given)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # it is in a folder that may not be read, or no path
        is_file = False
    if is_file:
        return read_certificates(path)
    by_id = [certificate for certificate in gallery.erasures() if certificate.id.startswith(given) and given]
    of_person = gallery.erasure_of(given)
    if of_person is not None:
        return [of_person]
    if len(by_id) != 1:
        raise InvalidInput(
            "There is no certificate {given:.80} here, neither as a file nor by its id, and nobody of that id was "
            "erased. Leave it out to check all erasures.",
            given=given,
        )
    return by_id


def read_certificates(path: Path) -> list[ErasureCertificate]:
    """Return the certificates of a file. Raises `InvalidInput`: it holds none."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        stored = json.loads(path.read_text("utf-8"))
        return [ErasureCertificate.from_dict(item) for item in (stored if isinstance(stored, list) else [stored])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("{path} is no certificate of an erasure, or is damaged.", path=path) from error


def _write(path: Path, documents: list[dict[str, Any]]) -> None:
    document = documents[0] if len(documents) == 1 else documents
    try:
        write_atomically(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StorageFull(
            "They were erased, but the certificate cannot be written to {path}: {reason}. Get it with: gallery "
            "verify-erased",
            path=path,
            reason=describe_os_error(error),
        ) from error
