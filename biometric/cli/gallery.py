"""`python -m biometric gallery …`: list, show, rename, merge, remove, export, import."""

import argparse
from pathlib import Path
from typing import Any

from biometric.cli.command_support import DONE, build_service, show
from biometric.entities import BiometricReference
from biometric.ports import Gallery
from biometric.results.answer_json import identity_json


def add_commands(commands: Any) -> None:
    """Add the `gallery` commands to a parser's commands."""
    gallery = commands.add_parser("gallery", help="manage who is enrolled", description="Manage who is enrolled.")
    actions = gallery.add_subparsers(metavar="ACTION", required=True)
    _action(actions, "list", "list everybody enrolled", _list)
    _action(actions, "show", "show one identity's references", _show, "name")
    _action(actions, "rename", "give an identity another name", _rename, "old", "new")
    _action(actions, "merge", "move all references of one identity to another", _merge, "from", "into")
    _action(actions, "remove", "remove an identity with all its references", _remove, "name")
    _action(actions, "export", "write the whole gallery as one file", _export, "file")
    _action(actions, "import", "add the identities of an exported file", _import, "file")


def _action(actions: Any, name: str, summary: str, command: Any, *arguments: str) -> None:
    parser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    for argument in arguments:
        parser.add_argument(argument, metavar=argument.upper(), type=Path if argument == "file" else str)
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)


def _open_gallery(options: argparse.Namespace) -> Gallery:
    return build_service(options).gallery()


def _list(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identities = gallery.identities()
    lines = [
        f"{item.name}: {_count_references(item.reference_count)}, since {item.created_at[:10]}" for item in identities
    ]
    nobody = "Nobody is enrolled yet."
    if not gallery.folder.exists():
        nobody += f" The folder {gallery.folder} does not exist."
    text = "\n".join(lines) or nobody
    show(options, {"identities": [identity_json(item) for item in identities]}, text)
    return DONE


def _show(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    references = gallery.references(identity.id)
    lines = [f"{identity.name}: {_count_references(len(references))}"]
    lines += [
        f"  {item.id}  {item.template.sample_count} samples, {item.clip_name} frames {item.first_frame}–"
        f"{item.last_frame}, {item.created_at[:10]}"
        for item in references
    ]
    result = {**identity_json(identity), "references": [_reference_json(item) for item in references]}
    show(options, result, "\n".join(lines))
    return DONE


def _rename(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    change = gallery.rename(gallery.find(options.old).id, options.new)
    former, new = change.names
    show(options, identity_json(gallery.find(new)), f"{former} is now called {new}.")
    return DONE


def _merge(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    source, target = gallery.find(getattr(options, "from")), gallery.find(options.into)
    gallery.merge(source.id, target.id)
    merged = gallery.find(target.name)
    text = f"{source.name} was merged into {merged.name}, who has {_count_references(merged.reference_count)} now."
    show(options, identity_json(merged), text)
    return DONE


def _remove(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    gallery.remove(identity.id)
    text = f"{identity.name} was removed with {_count_references(identity.reference_count)}."
    show(options, {"removed": identity.name, "references": identity.reference_count}, text)
    return DONE


def _export(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    count = gallery.size()
    path = gallery.export(options.file)
    show(options, {"file": str(path), "identities": count}, f"{count} identities were written to {path}.")
    return DONE


def _import(options: argparse.Namespace) -> int:
    report = _open_gallery(options).import_(options.file)
    lines = [f"{report.identities} identities and {_count_references(report.references)} were added."]
    if report.already_there:
        lines.append(f"{_count_references(report.already_there)} were there already.")
    lines += [f"{old} is called {new} here, because the name was taken." for old, new in report.renamed]
    result = {
        "identities": report.identities,
        "references": report.references,
        "already_there": report.already_there,
        "renamed": [{"from": old, "to": new} for old, new in report.renamed],
    }
    show(options, result, "\n".join(lines))
    return DONE


def _reference_json(reference: BiometricReference) -> dict[str, Any]:
    return {
        "reference": reference.id,
        "model": reference.template.model_id,
        "samples": reference.template.sample_count,
        "clip": reference.clip_name,
        "from": reference.first_frame,
        "to": reference.last_frame,
        "created": reference.created_at,
        "crops": [str(path) for path in reference.crops],
    }


def _count_references(references: int) -> str:
    return "1 reference" if references == 1 else f"{references} references"
