"""The application's files and folders: atomic writes, private folders, locks, digests, and paths kept inside a root.

Temporary files follow one policy. They lie beside their destination under a short name that is unique to the call,
`.NAME.TOKEN.partial`, readable by the owner alone, and are renamed when they are complete. While one is written, the
process holds the lock file `.TOKEN.lock` beside it. The operating system drops that lock when the process ends,
however it ends: the next writer to the folder recognises what a killed process left, and removes it. Files of a running
process, in this program or another, are never touched.

Functions here raise `OSError`; callers say what it means for their file, with the help of `describe_os_error`.
"""

from biometric.storage.atomic_writes import (
    atomic_files,
    atomic_folder,
    atomic_path,
    check_writable,
    staged_folder,
    write_atomically,
    write_scratch,
)
from biometric.storage.claims import claimed_token, file_lock, is_held, remove_leftovers
from biometric.storage.files_and_paths import (
    describe_os_error,
    file_digest,
    free_file,
    link_or_copy,
    remove_quietly,
    resolve_inside,
)
from biometric.storage.private_folders import PrivateFolder, make_private_folder
from biometric.storage.syncing import sync_folder, sync_folders, sync_tree

__all__ = [
    "PrivateFolder",
    "atomic_files",
    "atomic_folder",
    "atomic_path",
    "check_writable",
    "claimed_token",
    "describe_os_error",
    "file_digest",
    "file_lock",
    "free_file",
    "is_held",
    "link_or_copy",
    "make_private_folder",
    "remove_leftovers",
    "remove_quietly",
    "resolve_inside",
    "staged_folder",
    "sync_folder",
    "sync_folders",
    "sync_tree",
    "write_atomically",
    "write_scratch",
]
