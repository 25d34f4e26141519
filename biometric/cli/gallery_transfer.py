"""`python -m biometric gallery export | import`."""

import argparse
import sys
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import add_action, count_references
from biometric.entities.exports import ImportPreview
from biometric.errors import WrongPassphrase
from biometric.messages.counted import counted
from biometric.messages.erasure_sentences import describe_left_out
from biometric.messages.export_sentences import describe_preview, describe_signer
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext
from biometric.ports import Gallery


def add_actions(actions: Any) -> None:
    """Add the two commands to the parser of `gallery`."""
    export = add_action(actions, "export", "write the whole gallery as one signed file", _export, "file")
    export.add_argument("--encrypt", action="store_true", help="ask for a passphrase that opens the file")
    _passphrase(export)
    imported = add_action(actions, "import", "add the identities of an exported file", _import, "file")
    imported.add_argument("--preview", action="store_true", help="only tell who signed the file and what it would do")
    choice = imported.add_mutually_exclusive_group()
    choice.add_argument("--attach", action="store_true", help="people who are here get the references of the file, too")
    choice.add_argument("--separate", action="store_true", help="such references become people of their own")
    imported.add_argument("--resurrect", action="store_true", help="also those who were erased here")
    _passphrase(imported)


def _passphrase(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--passphrase-stdin", action="store_true", help="read the passphrase from standard input")


def _open_gallery(options: argparse.Namespace) -> Gallery:
    return command_support.build_service(options).gallery()


def _export(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    count = gallery.size()
    encrypt = options.encrypt or options.passphrase_stdin
    passphrase = command_support.read_passphrase(options, twice=True) if encrypt else None
    path = gallery.export(options.file, passphrase=passphrase)
    text = ngettext("{n} identity was written to {path}.", "{n} identities were written to {path}.", count)
    text = text.format(n=count, path=path)
    show(options, {"file": str(path), "identities": count, "encrypted": passphrase is not None}, text)
    return DONE


def _preview(gallery: Gallery, options: argparse.Namespace) -> tuple[ImportPreview, str | None]:
    """Return what the file would do, and its passphrase, which is asked for where it is needed."""
    if options.passphrase_stdin:
        passphrase = command_support.read_passphrase(options, twice=False)
        return gallery.preview_import(options.file, passphrase=passphrase), passphrase
    try:
        return gallery.preview_import(options.file), None
    except WrongPassphrase:
        if not sys.stdin.isatty():
            raise
        passphrase = command_support.read_passphrase(options, twice=False)
        return gallery.preview_import(options.file, passphrase=passphrase), passphrase


def _import(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    preview, passphrase = _preview(gallery, options)
    if options.preview:
        show(options, _preview_json(preview), "\n".join(describe_preview(preview)))
        return DONE
    report = gallery.import_(
        options.file,
        resurrect=options.resurrect,
        attach=options.attach,
        separate=options.separate,
        passphrase=passphrase,
    )
    added = counted(report.identities, "identity"), count_references(report.references)
    lines = [_("Added: {identities}, {references}.").format(identities=added[0], references=added[1])]
    if report.already_there:
        lines.append(_("Already there: {references}.").format(references=count_references(report.already_there)))
    taken = _("{old} is called {new} here, because the name was taken.")
    lines += [taken.format(old=old, new=new) for old, new in report.renamed]
    if report.left_out_people:
        lines.append(f"{describe_left_out(report)} {_('To bring them back, add --resurrect.')}")
    if report.without_basis:
        references = count_references(report.without_basis)
        lines.append(_("Legal basis not recorded: {references}.").format(references=references))
    if report.expired:
        text = _("Expired, so not matched with: {references}. See gallery retention for when they are deleted.")
        lines.append(text.format(references=count_references(report.expired)))
    lines.append(describe_signer(report.signer))
    result = {
        "identities": report.identities,
        "references": report.references,
        "already_there": report.already_there,
        "renamed": [{"from": old, "to": new} for old, new in report.renamed],
        "left_out": {"identities": report.left_out_people, "references": report.left_out_references},
        "attached": list(report.attached),
        "signer": _signer_json(preview),
        "change": report.change_id,
        "without_basis": report.without_basis,
        "expired": report.expired,
    }
    show(options, result, "\n".join(lines))
    return DONE


def _preview_json(preview: ImportPreview) -> dict[str, Any]:
    return {
        "signer": _signer_json(preview),
        "encrypted": preview.encrypted,
        "identities": preview.identities,
        "references": preview.references,
        "attaching": [{"name": name, "references": count} for name, count in preview.attaching],
        "from_trash": list(preview.from_trash),
        "erased": {"people": preview.erased, "references": preview.erased_references},
        "already_there": preview.already_there,
        "differing": preview.differing,
    }


def _signer_json(preview: ImportPreview) -> dict[str, Any]:
    signer = preview.signer
    return {
        "kind": signer.kind.value,
        "public_key": signer.public_key or None,
        "gallery": signer.gallery or None,
        "time": signer.time or None,
    }
