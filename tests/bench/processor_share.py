"""A group of processes that together get a small share of one processor, as a function of 128 MB does on Lambda.

Lambda gives a function processor time in proportion to its memory, a whole one at 1,769 MB (Lambda developer guide, "Configure
Lambda function memory"): at 128 MB that is 7 %. Owns the one control group that it makes.
"""

import os
from pathlib import Path

SHARE, PERIOD_US = 0.07, 100_000
GROUPS = Path("/sys/fs/cgroup")


class NoShares(Exception):
    """This machine gives us no control group with a processor limit; says why."""


class ProcessorShare:
    """The group, for as long as the block lasts; processes leave it by ending."""

    def __enter__(self) -> "ProcessorShare":
        is_second = (GROUPS / "cgroup.controllers").exists()
        self._folder = (GROUPS if is_second else GROUPS / "cpu") / f"nightshift-bench-{os.getpid()}"
        quota = int(SHARE * PERIOD_US)
        try:
            self._folder.mkdir()
            if is_second:
                (self._folder / "cpu.max").write_text(f"{quota} {PERIOD_US}")
            else:
                (self._folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
                (self._folder / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            self.__exit__()
            raise NoShares(error.strerror or str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._folder.rmdir()
        except OSError:
            # It was never made, or a process that is about to end is still in it: it stays empty behind.
            pass

    def take_in(self, pid: int) -> None:
        """From now on this process, with all its threads, has that share and no more."""
        (self._folder / "cgroup.procs").write_text(str(pid))
