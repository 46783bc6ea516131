"""The disk that durable servers keep their folders on, and what it can do by itself."""

import os
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IN_MEMORY = ("tmpfs", "ramfs")
RAW_SECONDS = 0.3


def file_system(path):
    """What kind of file system `path` is on; empty when the system does not say."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == wanted:
                return fields[fields.index("-") + 1]
    return ""


def state_parent(chosen=None):
    """`chosen`, or a folder of this machine, that is not in memory. ValueError: there is none."""
    for path in [chosen] if chosen else [tempfile.gettempdir(), "/var/tmp", ROOT]:
        if os.path.isdir(path) and file_system(path) not in IN_MEMORY:
            return path
    if chosen and not os.path.isdir(chosen):
        raise ValueError(f"{chosen}: there is no such folder")
    raise ValueError(f"{chosen or 'every usual folder'} is in memory; --disk FOLDER names one on a disk")


def raw_syncs(folder, seconds=RAW_SECONDS):
    """How often a second the disk takes 4 KiB more of a file, each time synced. It changes from minute to minute."""
    path = os.path.join(folder, "raw")
    block = b"x" * 4096
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        count, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            os.write(file, block)
            os.fdatasync(file)
            count += 1
        return count / (time.monotonic() - began)
    finally:
        os.close(file)
        os.remove(path)


def files_below(folder):
    return [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]


def forget_cached(folder):
    """The system forgets what it has of these files, so that they are read from the disk next."""
    for path in files_below(folder):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def read_seconds(folder):
    """How long the disk takes to read all files there once, one after the other."""
    forget_cached(folder)
    buffer = bytearray(1 << 20)
    began = time.monotonic()
    for path in files_below(folder):
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.monotonic() - began
