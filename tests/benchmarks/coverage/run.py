"""All comparisons of coverage with its peers, each in a process of its own, on a machine that does nothing else."""

import subprocess
import sys

PARTS = ("nearest", "measures", "network", "siting", "zones", "live", "commit", "growth")


def main() -> None:
    """Run every part and print what it prints; `run.py nearest siting` runs those two."""
    for part in sys.argv[1:] or PARTS:
        print(f"\n== {part}", flush=True)
        subprocess.run([sys.executable, "-W", "ignore", "-m", f"tests.benchmarks.coverage.{part}"], check=True)


if __name__ == "__main__":
    main()
