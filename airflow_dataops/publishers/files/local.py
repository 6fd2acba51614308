"""Files on this machine or on a mount."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from typing import Any

from airflow_dataops.core.errors import ConfigurationError, MeasureError
from airflow_dataops.publishers.files.drives import below, taken, told

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)  # as some mounts say of folders
_KILLED_SECONDS = 3600
"""After which a file that is not yet under its name is taken for a killed writer's."""
_EFFECTIVE = os.access in os.supports_effective_ids
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


class LocalDrive:
    """A folder on this machine or a mount.

    :param base: the folder below which all lies; it is never made, as it may be a mount that is away.
    """

    filesystem: Any = None

    def __init__(self, base: str) -> None:
        self._base = base

    def parts(self, path: str) -> list[str]:
        """Return the parts of a path below the base."""
        return [part for part in os.path.relpath(path, self._base).split("/") if part != "."]

    def read(self, path: str) -> bytes | None:
        """Return a file's content; ``None`` if there is no such file, but an error if the base is away."""
        with told(f"{path} cannot be read"):
            try:
                with open(path, "rb") as file:
                    return file.read()
            except (FileNotFoundError, NotADirectoryError):
                self._there()
                return None

    def read_all(self, paths: list[str]) -> list[bytes]:
        """Return the content of files that are there."""
        return [self.read(path) or b"" for path in paths]

    def create(self, path: str, content: bytes) -> bool:
        """Link a finished file to its name, which the file system does for one alone."""
        with told(f"{path} cannot be written"):
            temporary = self._written(path, content)
            try:
                os.link(temporary, path)
            except FileExistsError:
                # Over NFS an answer may get lost, and the repeated request finds what the first has made.
                return os.stat(temporary).st_nlink == 2
            except OSError as error:
                if error.errno in _NO_LINKS:
                    raise ConfigurationError(
                        f"{self._base} lies in a file system without hard links, by which one of two that switch at "
                        f"once is told that it has lost: {error.strerror}. Keep datasets in another file system."
                    ) from error
                raise
            finally:
                os.unlink(temporary)
            _sync(os.path.dirname(path))
            return True

    def replace(self, path: str, content: bytes) -> None:
        """Rename a finished file to its name."""
        with told(f"{path} cannot be written"):
            temporary = self._written(path, content)
            try:
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
            _sync(os.path.dirname(path))

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none if there is no such folder."""
        with told(f"{folder} cannot be listed"):
            try:
                return sorted(os.listdir(folder))
            except (FileNotFoundError, NotADirectoryError):
                self._there()
                return []

    def is_folder(self, path: str) -> bool:
        """Return whether there is a folder: it is renamed to its name when it is whole."""
        with told(f"{path} cannot be looked at"):
            if os.path.isdir(path):
                return True
            self._there()
            return False

    def is_file(self, path: str) -> bool:
        """Return whether a file is there."""
        return os.path.isfile(path)

    @contextlib.contextmanager
    def filled(self, path: str) -> Iterator[str]:
        """Yield a hidden folder beside ``path``, which is renamed when all is on the disk."""
        attempt = _hidden(path)
        with told(f"{path} cannot be built"):
            if os.path.lexists(path):
                raise taken(path)
            self._make(attempt)
        try:
            yield attempt
            with told(f"{path} cannot be built"):
                _flush(attempt)
                self._rename(attempt, path)
                self.freeze(path)
        except BaseException:
            _erase(attempt)
            raise

    def take(self, source: str, path: str) -> None:
        """Rename a folder that is in the same file system."""
        with told(f"{source} cannot become {path}"):
            self._make(os.path.dirname(path))
            if os.path.islink(source):
                raise ConfigurationError(f"{source} is a link: give the folder itself that your task has written.")
            if os.stat(source).st_dev != os.stat(os.path.dirname(path)).st_dev:
                raise ConfigurationError(
                    f"{source} lies in another file system than {self._base}, so that it cannot be renamed to {path}. "
                    "Let your task write into a folder beside the dataset's."
                )
            _flush(source)
            self._rename(source, path)
            self.freeze(path)

    def freeze(self, path: str) -> None:
        """Take the right to write from files and folders, where they are ours."""
        with told(f"{path} cannot be frozen"):
            for each in below(path):
                mode = os.stat(each).st_mode
                if mode & 0o222:
                    with contextlib.suppress(PermissionError):  # the fingerprint tells of changes all the same
                        os.chmod(each, stat.S_IMODE(mode) & ~0o222)

    def remove(self, path: str) -> bool:
        """Rename the folder to a hidden name, then remove it and whatever else is hidden under its name."""
        folder, name = os.path.split(path)
        with told(f"{path} cannot be removed"):
            if os.path.lexists(path):
                _refuse_of_others(path)
                os.rename(path, _hidden(path))
            left = [each for each in self.names(folder) if each.startswith(f".{name}-")]
            for each in left:
                _erase(os.path.join(folder, each), loudly=True)
            return bool(left)

    def room(self, folder: str) -> int | None:
        """Return the bytes that are free."""
        with contextlib.suppress(OSError):
            return shutil.disk_usage(folder).free
        return None

    def _there(self) -> None:
        """Raise if the base is away: what is below it is then not known to be missing."""
        if not os.path.isdir(self._base):
            raise MeasureError(
                f"The folder {self._base} is not there, below which the datasets are expected. Mount it, or make it if "
                "it is new.",
                retryable=True,
            )

    def _make(self, folder: str) -> None:
        """Make a folder, and those above it, below the base."""
        self._there()
        above = os.path.dirname(folder)
        if os.path.isdir(folder):
            return
        if above != folder and not os.path.isdir(above):
            self._make(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            _sync(above)

    def _written(self, path: str, content: bytes) -> str:
        """Write a file under a name of its own beside ``path``, through to the disk, and return that name."""
        self._make(os.path.dirname(path))
        temporary = _hidden(path)
        with open(temporary, "xb") as file:
            file.write(content)
        _sync(temporary)
        self._sweep(os.path.dirname(path), os.stat(temporary).st_mtime - _KILLED_SECONDS)
        return temporary

    def _sweep(self, folder: str, before: float) -> None:
        """Remove files that killed writers have left in a folder, and that are older than ``before``."""
        for name in self.names(folder):
            left = os.path.join(folder, name)
            with contextlib.suppress(OSError):  # another one sweeps, too
                if name.startswith(".") and os.path.isfile(left) and os.stat(left).st_mtime < before:
                    os.unlink(left)

    def _rename(self, source: str, path: str) -> None:
        try:
            os.rename(source, path)
        except OSError as error:
            if error.errno in _NOT_EMPTY:
                raise taken(path) from error
            raise
        _sync(os.path.dirname(path))


def _hidden(path: str) -> str:
    """Return a new hidden name beside ``path``, from which that can be told."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}-{uuid.uuid4().hex[:12]}")


def _flush(path: str) -> None:
    """Wait until a folder's files are on the disk: what is live must outlive a power cut."""
    for each in below(path):
        _sync(each)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def _refuse_of_others(path: str) -> None:
    """Raise if a folder holds files that somebody else alone can remove.

    :raises PermissionError: names the folder.
    """
    for folder, folders, names in os.walk(path):
        ours = os.stat(folder).st_uid == os.geteuid()  # what is frozen can be made writable again
        if (folders or names) and not ours and not os.access(folder, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
            raise PermissionError(errno.EACCES, "its files are another user's, who alone can remove them", folder)


def _erase(path: str, *, loudly: bool = False) -> None:
    """Remove a folder, or a file, though it is frozen."""
    if os.path.isfile(path) or os.path.islink(path):
        os.unlink(path)
        return
    for folder, _, _ in os.walk(path):
        with contextlib.suppress(PermissionError):
            os.chmod(folder, 0o700)
    shutil.rmtree(path, ignore_errors=not loudly)
