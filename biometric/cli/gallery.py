"""`python -m biometric gallery …`: list, show, rename, merge, move, cover, camera, export, import."""

import argparse
from itertools import groupby
from typing import Any

from biometric.cli import (
    gallery_backup,
    gallery_encryption,
    gallery_erasure,
    gallery_life_cycle,
    gallery_subject,
    gallery_transfer,
    gallery_trash,
)
from biometric.cli.command_support import DONE, build_service, show
from biometric.cli.gallery_trash import (
    add_action,
    count_references,
    count_samples,
    find_reference,
    local_day,
    undo_hint,
)
from biometric.entities import BiometricReference, clean_camera
from biometric.errors import InvalidInput, UnknownIdentity
from biometric.messages.life_cycle_sentences import describe_basis_record, describe_lifetime
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_different
from biometric.ports import Gallery
from biometric.results.answer_json import change_json, identity_json
from biometric.results.life_cycle_json import basis_record_json


def add_commands(commands: Any) -> None:
    """Add the `gallery` commands to a parser's commands."""
    gallery = commands.add_parser("gallery", help="manage who is enrolled", description="Manage who is enrolled.")
    actions = gallery.add_subparsers(metavar="ACTION", required=True)
    add_action(actions, "list", "list everybody enrolled", _list)
    add_action(actions, "show", "show one identity's references by clip, with their samples", _show, "name")
    add_action(actions, "rename", "give an identity another name", _rename, "old", "new")
    merge = add_action(actions, "merge", "move all references of one identity to another", _merge, "from", "into")
    merge.add_argument("--force", action="store_true", help="although a verdict says that they are different people")
    move = add_action(actions, "move", "give one reference to another identity", _move, "reference")
    move.add_argument("--to", required=True, metavar="NAME", help="who gets the reference")
    move.add_argument("--new", action="store_true", help="enroll NAME as a new person with it")
    add_action(
        actions, "cover", "choose the picture that stands for an identity", _cover, "name", "reference", "sample"
    )
    add_action(actions, "camera", "say which camera a reference was seen by", _camera, "name", "reference", "camera")
    gallery_trash.add_actions(actions)
    gallery_erasure.add_actions(actions)
    gallery_subject.add_actions(actions)
    gallery_life_cycle.add_actions(actions)
    gallery_transfer.add_actions(actions)
    gallery_backup.add_actions(actions)
    gallery_encryption.add_actions(actions)


def _open_gallery(options: argparse.Namespace) -> Gallery:
    return build_service(options).gallery()


def _list(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identities = gallery.identities()
    line = _("{name}: {references}, since {day}")
    lasting = {item.identity_id: describe_lifetime(item) for item in gallery.lifetimes()}
    lines = [
        line.format(name=item.name, references=count_references(item.reference_count), day=item.created_at[:10])
        + f"; {lasting[item.id]}"
        for item in identities
    ]
    nobody = _("Nobody is enrolled yet.")
    if not gallery.folder.exists():
        nobody += _(" The folder {folder} does not exist.").format(folder=gallery.folder)
    text = "\n".join(lines) or nobody
    show(options, {"identities": [identity_json(item) for item in identities]}, text)
    return DONE


def _show(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    references = gallery.references(identity.id)
    held = [count_references(len(references)), count_samples(identity.sample_count)]
    if identity.thumbnail is not None:
        picture = identity.thumbnail
        held.append(_("cover {reference} {sample}").format(reference=picture.parent.name, sample=picture.name))
    lines = [f"{identity.name}: {', '.join(held)}"]
    ordered = sorted(references, key=lambda item: (item.clip_digest, item.clip_name))
    visits = [list(visit) for _clip, visit in groupby(ordered, key=lambda item: (item.clip_digest, item.clip_name))]
    for visit in sorted(visits, key=lambda items: min(item.created_at for item in items)):
        lines.append(f"  {visit[0].clip_name}")
        for item in visit:
            text = _("{samples}, frames {first}–{last}, enrolled {day}, camera {camera}").format(
                samples=count_samples(item.template.sample_count),
                first=item.first_frame,
                last=item.last_frame,
                day=local_day(item.created_at),
                camera=item.camera or _("unknown"),
            )
            lines.append(f"    {item.id}  {text}")
            lines.append(f"      {describe_basis_record(item.basis)}")
            lines += [f"      {crop.name}" for crop in item.crops]
    [lifetime] = [item for item in gallery.lifetimes() if item.identity_id == identity.id]
    lines.insert(1, f"  {describe_lifetime(lifetime)}")
    result = {**identity_json(identity), "references": [_reference_json(item) for item in references]}
    result["cover"] = None if identity.thumbnail is None else str(identity.thumbnail)
    show(options, result, "\n".join(lines))
    return DONE


def _rename(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    change = gallery.rename(gallery.find(options.old).id, options.new)
    former, new = change.names
    result = {**identity_json(gallery.find(new)), "change": change_json(change)}
    text = _("{former} is now called {name}.").format(former=former, name=new)
    show(options, result, f"{text} {undo_hint(change, options)}")
    return DONE


def _merge(options: argparse.Namespace) -> int:
    service = build_service(options)
    gallery = service.gallery()
    source, target = gallery.find(getattr(options, "from")), gallery.find(options.into)
    different = describe_different(source.name, target.name, service.verdicts.between(source, target))
    if different and not options.force:
        raise InvalidInput("{reason} Nothing was merged. To merge them anyway, add --force.", reason=different)
    change = gallery.merge(source.id, target.id)
    merged = gallery.find(target.name)
    text = _("{source} was merged into {name}, who has {references} now.").format(
        source=source.name, name=merged.name, references=count_references(merged.reference_count)
    )
    show(options, {**identity_json(merged), "change": change_json(change)}, f"{text} {undo_hint(change, options)}")
    return DONE


def _move(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    if options.new:
        change = gallery.move_reference(options.reference, new_name=options.to)
    else:
        try:
            target = gallery.find(options.to)
        except UnknownIdentity as error:
            raise UnknownIdentity(
                "{error} To enroll {to} as a new person with it, add --new.", error=error, to=options.to
            ) from error
        change = gallery.move_reference(options.reference, target.id)
    source, name = change.names
    text = _("The reference of {source} with {samples} is {name}'s now.").format(
        source=source, samples=count_samples(change.samples), name=name
    )
    show(
        options,
        {**identity_json(gallery.find(name)), "change": change_json(change)},
        f"{text} {undo_hint(change, options)}",
    )
    return DONE


def _cover(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    reference = find_reference(gallery, identity, options.reference)
    change = gallery.set_cover(identity.id, reference.id, options.sample)
    text = _("{sample} stands for {name} now.").format(sample=options.sample, name=identity.name)
    show(options, {**identity_json(identity), "change": change_json(change)}, f"{text} {undo_hint(change, options)}")
    return DONE


def _camera(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    reference = find_reference(gallery, identity, options.reference)
    change = gallery.set_camera(reference.id, options.camera)
    camera = clean_camera(options.camera)
    text = _("The camera of this reference of {name} is {camera} now; it was {former}.").format(
        name=identity.name, camera=camera or _("unknown"), former=reference.camera or _("unknown")
    )
    result = {"identity": identity.name, "reference": reference.id, "camera": camera, "change": change_json(change)}
    show(options, result, f"{text} {undo_hint(change, options)}")
    return DONE


def _reference_json(reference: BiometricReference) -> dict[str, Any]:
    return {
        "reference": reference.id,
        "model": reference.template.model_id,
        "samples": reference.template.sample_count,
        "clip": reference.clip_name,
        "clip_digest": reference.clip_digest,
        "camera": reference.camera,
        "from": reference.first_frame,
        "to": reference.last_frame,
        "created": reference.created_at,
        "basis": basis_record_json(reference.basis),
        "match_until": reference.match_until,
        "keep_until": reference.keep_until,
        "crops": [str(path) for path in reference.crops],
    }
