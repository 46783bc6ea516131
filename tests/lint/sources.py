"""What the lint scripts know about the tree: which files are ours, and which of them an #include names."""

import os
import re
import subprocess

INCLUDE_ROOTS = ("", "common", "client", "node")  # as kvmesh_part() in CMakeLists.txt gives them to the compiler
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def project_files(root):
    """Paths below `root` that git tracks or would track; all but build/ where `root` is not a git checkout."""
    if os.path.exists(os.path.join(root, ".git")):
        command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    else:
        listed = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
            listed += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in set(listed) if path and os.path.isfile(os.path.join(root, path)))


def read_text(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def code_lines(text):
    """The lines of C++ `text` without their comments, so that a comment may mention what code may not do."""

    def blank(match):
        found = match.group(0)
        return found if found[0] in "\"'" else "\n" * found.count("\n")

    strings_and_comments = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*.*?\*/'
    return re.sub(strings_and_comments, blank, text, flags=re.DOTALL).split("\n")


def includes(lines):
    """(line number, is quoted, name) of every #include."""
    for number, line in enumerate(lines, 1):
        match = _INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def resolve(root, path, quoted, name):
    """The project file that an #include in `path` names, or None when it is somebody else's header.

    A name that begins with a folder of ours is ours, even when the file is missing.
    """
    candidates = [os.path.join(os.path.dirname(path), name)] if quoted else []
    candidates += [os.path.join(folder, name) for folder in INCLUDE_ROOTS]
    for candidate in map(os.path.normpath, candidates):
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    ours = name.split("/")[0] in ("common", "client", "node", "tests", "examples") and "/" in name
    return os.path.normpath(name) if ours else None
