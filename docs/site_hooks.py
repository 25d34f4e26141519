"""Makes pages of the site from files that stand elsewhere in the repository, so that nothing is written twice."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "license.md",
    "models/README.md": "models.md",
    "models/starter-detector.md": "starter-detector.md",
    "models/starter-embedder.md": "starter-embedder.md",
}
"""File of the repository → page of the site."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages. MkDocs calls this after it has listed `docs/`."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text("utf-8")
        if not source.endswith(".md"):
            text = f"# {source.capitalize()}\n\n```text\n{text}\n```\n"
        files.append(File.generated(config, page, content=with_site_links(text, Path(source).parent)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let pages of `docs/` link to files of the repository that are pages as well."""
    return with_site_links(markdown, Path("docs")) if page.file.src_uri not in PAGES.values() else markdown


def with_site_links(markdown: str, folder: Path) -> str:
    """Return markdown whose relative links, as they stand in a file of `folder`, lead to pages of the site."""

    def place(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        path = (ROOT / folder / target).resolve()
        if not path.is_relative_to(ROOT):
            return match[0]
        known = PAGES.get(path.relative_to(ROOT).as_posix())
        if known is None and path.is_relative_to(ROOT / "docs"):
            known = path.relative_to(ROOT / "docs").as_posix()
        return match[0] if known is None else f"]({known}{anchor})"

    return re.sub(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)", place, markdown)
