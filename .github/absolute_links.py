"""Prepare README.md and pyproject.toml for the package index, which shows the README but has none of the other files.

The arguments are the address of the repository and the name of the tag.  Each relative link in the README becomes an
address at that tag, and the project's URLs get the source, the documentation, the changelog and the issues.

python .github/absolute_links.py https://example.org/owner/name v1.2.3
"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"(!?)(\[[^\]]*\])\((?!https?://)([^)]*)\)")


def main() -> None:
    repository, tag = sys.argv[1:]
    readme, project = Path("README.md"), Path("pyproject.toml")

    def absolute(link: re.Match[str]) -> str:
        image, text, path = link.groups()
        if not Path(path).exists():
            sys.exit(f"README.md links to {path}, which does not exist")
        return f"{image}{text}({repository}/{'raw' if image else 'blob'}/{tag}/{path})"

    text = LINK.sub(absolute, readme.read_text(encoding="utf-8"))
    left = re.findall(
        r"""\]\((?!https?://)[^)]*\)|(?:src|href)=["'](?!https?://)[^"']*|^\[[^\]]+\]: +(?!https?://).*""", text, re.M
    )
    if left:
        sys.exit(f"README.md still has relative links: {', '.join(left)}")
    urls = {
        "Source": repository,
        "Documentation": f"{repository}/tree/{tag}/docs",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }
    head = "[project.urls]\n"
    settings = project.read_text(encoding="utf-8")
    if head not in settings:
        sys.exit("pyproject.toml has no [project.urls]")
    lines = "".join(f'{name} = "{address}"\n' for name, address in urls.items())
    readme.write_text(text, encoding="utf-8")
    project.write_text(settings.replace(head, head + lines), encoding="utf-8")


if __name__ == "__main__":
    main()
