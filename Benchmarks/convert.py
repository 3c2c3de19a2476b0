#!/usr/bin/env python3
"""Converts a large checkpoint with Crux and loads and saves it with the safetensors package, in turns; prints a table.

    Benchmarks/convert.py FOLDER                          # 2 GB of F32, made in FOLDER by peers/make_diff_pair.py
    Benchmarks/convert.py FOLDER --file model.safetensors --rounds 5

Needs numpy, safetensors and torch in this interpreter, and six times the checkpoint's size on the disk of FOLDER;
what it writes there it removes. Every program makes what it has written durable (fsync). Seconds by the clock and of
the processors (user and system, of all threads), and the peak of resident memory, are those that the system counts
for the process, as /usr/bin/time prints them. The ratio is the peer's seconds by Crux's in the same round, with
--processor-time of the processors: on a machine that others use at the same time that says more than the clock.
Where a conversion leads to safetensors the file must be the one that the package writes, byte by byte.
"""
import argparse
import filecmp
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEER = """
import os, sys
from safetensors.torch import load_file, save_file
save_file(load_file(sys.argv[1]), sys.argv[2])
descriptor = os.open(sys.argv[2], os.O_RDONLY)
os.fsync(descriptor)
"""

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", type=Path)
parser.add_argument("--file", type=Path, help="the safetensors file to convert")
parser.add_argument("--gigabytes", type=float, default=2, help="the size of the file that is made otherwise")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
parser.add_argument("--processor-time", action="store_true", help="ratios of processor time")
parser.add_argument("--crux", default=str(HERE.parent / ".build/release/crux"))
parser.add_argument("--json", action="store_true", help="every measurement as one JSON object on standard output")
arguments = parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure(command):
    """Seconds by the clock, seconds of the processors, and the peak of memory in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        say(f"convert.py: {' '.join(str(part) for part in command)}: exit code {process.returncode}")
        sys.exit(2)
    return {"seconds": seconds, "processorSeconds": usage.ru_utime + usage.ru_stime, "peakBytes": usage.ru_maxrss * 1024}


work = arguments.folder / "convert-benchmark"
work.mkdir(parents=True)
made = [work / "base.safetensors", work / "policy.safetensors"]
source = arguments.file or made[0]
saved, copied, compressed, back, gguf, again = outputs = [
    work / name for name in ("saved.safetensors", "copied.safetensors", "compressed.crux", "back.safetensors", "model.gguf",
                             "again.safetensors")]
# What each case reads and writes; what a later one reads is there by then.
cases = {"safetensors package: load and save": (source, saved, None)}
for name, start, end in [("safetensors → safetensors", source, copied), ("safetensors → crux", source, compressed),
                         ("crux → safetensors", compressed, back), ("safetensors → GGUF", source, gguf),
                         ("GGUF → safetensors", gguf, again)]:
    cases[name] = (start, end, [])
    cases[f"{name}, --no-verify"] = (start, end, ["--no-verify"])
peer = next(iter(cases))
rounds = []
try:
    if arguments.file is None:
        say("making the checkpoint ...")
        subprocess.run([sys.executable, HERE / "peers/make_diff_pair.py", work, "--gigabytes",
                        str(arguments.gigabytes)], check=True)
        made[1].unlink()
    byte_count = source.stat().st_size
    for number in range(arguments.rounds):
        results = {}
        for name, (start, end, options) in cases.items():
            program = [sys.executable, "-c", PEER] if options is None else [arguments.crux, "convert"]
            flags = [] if options is None else ["--no-progress", "--workers", arguments.workers, *options]
            results[name] = measure([*program, start, end, *flags])
            say(f"round {number + 1} of {arguments.rounds} (load {os.getloadavg()[0]:.1f}): {name}: "
                f"{results[name]['seconds']:.2f} s, {results[name]['processorSeconds']:.2f} s of processors, "
                f"{results[name]['peakBytes'] / 1e6:.0f} MB")
            if end.suffix == ".safetensors" and end != saved:
                if not filecmp.cmp(saved, end, shallow=False):
                    say(f"convert.py: {name}: not the file that the package writes")
                    sys.exit(1)
                end.unlink()
        rounds.append(results)
        for path in outputs:
            path.unlink(missing_ok=True)
finally:
    for path in outputs + made:
        path.unlink(missing_ok=True)
    work.rmdir()

if arguments.json:
    print(json.dumps({"schemaVersion": 1, "byteCount": byte_count, "workers": arguments.workers, "rounds": rounds}))
    sys.exit(0)

by = "processorSeconds" if arguments.processor_time else "seconds"
print(f"{byte_count / 1e9:.2f} GB, {arguments.workers} workers, medians of {arguments.rounds} rounds; "
      f"ratio by {'processor time' if arguments.processor_time else 'the clock'}\n")
print("| | seconds | of processors | MB a second | peak memory | ratio | range |")
print("|---|---|---|---|---|---|---|")
for name in cases:
    median = {key: statistics.median(one[name][key] for one in rounds) for key in rounds[0][name]}
    ratios = sorted(one[peer][by] / one[name][by] for one in rounds)
    print(f"| {name} | {median['seconds']:.2f} | {median['processorSeconds']:.2f} | "
          f"{byte_count / median['seconds'] / 1e6:,.0f} | {max(one[name]['peakBytes'] for one in rounds) / 1e6:,.0f} MB | "
          f"{statistics.median(ratios):.2f} | {ratios[0]:.2f} … {ratios[-1]:.2f} |")
