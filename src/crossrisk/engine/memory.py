"""The most memory that this process, and its accelerator, held since a mark was set.

Linux lets a process forget its peak, so that each arm has its own, on top of what is held at that time: libraries that
an earlier arm loaded stay. Elsewhere the peak is that since the process began, which is no arm's, and nothing is told.
"""

import sys
from pathlib import Path

PROCESS = Path("/proc/self")


def mark() -> bool:
    """Forget the peaks so far. False where the system does not let us: `peak` would not be that of an arm."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        (PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak(marked: bool) -> dict[str, int | None]:
    """Bytes since the mark: `process`, resident, with the libraries and the model; `accelerator`, given out by torch.

    marked: what `mark` returned. None: not known, or no accelerator.
    """
    torch = sys.modules.get("torch")
    on_accelerator = torch is not None and torch.cuda.is_available()
    return {
        "process": _resident_peak() if marked else None,
        "accelerator": torch.cuda.max_memory_allocated() if torch is not None and on_accelerator else None,
    }


def _resident_peak() -> int | None:
    lines = (PROCESS / "status").read_text().splitlines()
    found = [line.split() for line in lines if line.startswith("VmHWM:")]
    return int(found[0][1]) * 1024 if found else None
