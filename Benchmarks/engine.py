#!/usr/bin/env python3
"""Measures Crux's engine beside PyTorch on this machine, in turns, and prints a table.

Each row is one task on one of the shapes that `crux bench --help` describes. A round runs every program once;
the figures are the medians of the rounds, the ratio that of Crux and PyTorch in the same round, with its range.
PyTorch runs eagerly, with scaled_dot_product_attention and fused AdamW; a compiled column appears where a C++
compiler is there for torch.compile. The share of the peak is that of the multiply-adds which as many threads
reach in registers, measured by `crux bench` in the same process.

    make bench                                    # everything, about half an hour on two quiet cores
    Benchmarks/engine.py --shapes A --rounds 3    # less

The peers are installed from PyPI into Benchmarks/.venv unless --python names an interpreter that has them.
With --processor-time, speeds are tokens per second of processor time (user and system, of all threads): on a
machine that others use at the same time this says more than the clock, with one thread above all.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shapes", default="A,B,C", help="separated by commas")
parser.add_argument("--tasks", default="train,generate", help="separated by commas")
parser.add_argument("--batches", default="1,64", help="sequences generated at a time, separated by commas")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
parser.add_argument("--processor-time", action="store_true", help="tokens per second of processor time")
parser.add_argument("--python", help="an interpreter with the packages of peers/requirements.txt")
parser.add_argument("--crux", default=str(ROOT / ".build/release/crux"))
parser.add_argument("--json", action="store_true", help="every measurement as one JSON object on standard output")
arguments = parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(text):
    say(f"engine.py: {text}")
    sys.exit(2)


def interpreter():
    """Python with the peers; made where it is not there yet."""
    if arguments.python:
        return arguments.python
    folder = HERE / ".venv"
    requirements = HERE / "peers/requirements.txt"
    stamp = folder / "installed-requirements.txt"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        say("installing the peers into Benchmarks/.venv ...")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--requirement", requirements], check=True)
        stamp.write_text(requirements.read_text())
    return str(folder / "bin/python")


def measure(command):
    """The JSON that a program prints; None where it fails."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        say(f"  {' '.join(str(part) for part in command[:4])} ...: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def crux(task, shape, batch, steps):
    report = measure([arguments.crux, "bench", task, "--shape", shape, "--steps", steps, "--workers",
                      arguments.threads, "--json"] + (["--batch", batch] if batch else []))
    if report is None:
        fail("crux bench failed")
    return {**report, **report["results"][0]}


def torch(python, task, shape, batch, steps, compiles=False):
    name = "train_torch.py" if task == "train" else "generate_torch.py"
    return measure([python, HERE / "peers" / name, "--shape", shape, "--steps", steps, "--threads",
                    arguments.threads, "--json"] + (["--batch", batch] if batch else [])
                   + (["--compile"] if compiles else []))


def speed(result):
    if arguments.processor_time:
        return result["tokensPerSecond"] * result["millisecondsPerStep"] / result["processorMillisecondsPerStep"]
    return result["tokensPerSecond"]


def steps(task, shape, batch):
    """A few seconds of each program."""
    if task == "train":
        return {"A": 8, "B": 4, "C": 3}[shape]
    return {"A": 5, "B": 3, "C": 1}[shape]


if not Path(arguments.crux).exists():
    fail(f"{arguments.crux}: no such program; build it with `make build`")
python = interpreter()
compiles = not arguments.no_compile and shutil.which("c++") is not None
cases = []
for task in arguments.tasks.split(","):
    for shape in arguments.shapes.split(","):
        for batch in ([None] if task == "train" else [int(batch) for batch in arguments.batches.split(",")]):
            cases.append((task, shape, batch))

rows = []
version = None
for task, shape, batch in cases:
    count = steps(task, shape, batch)
    rounds = []
    for number in range(arguments.rounds):
        say(f"{task} {shape}{f', batch {batch}' if batch else ''}: round {number + 1} of {arguments.rounds} "
            f"(load {os.getloadavg()[0]:.1f})")
        one = {"crux": crux(task, shape, batch, count), "eager": torch(python, task, shape, batch, count)}
        if one["eager"] is None:
            fail("the peer failed")
        version = one["eager"]["torch"]
        if compiles and task == "train":
            one["compiled"] = torch(python, task, shape, batch, count, compiles=True)
        rounds.append(one)
        say(f"  crux {speed(one['crux']):,.0f}, PyTorch {speed(one['eager']):,.0f} tokens a second, "
            f"ratio {speed(one['crux']) / speed(one['eager']):.2f}")
    ratios = sorted(speed(one["crux"]) / speed(one["eager"]) for one in rounds)
    compiled = [speed(one["compiled"]) for one in rounds if one.get("compiled")]
    rows.append({
        "task": task, "shape": shape, "batch": rounds[0]["crux"]["batch"],
        "crux": statistics.median(speed(one["crux"]) for one in rounds),
        "eager": statistics.median(speed(one["eager"]) for one in rounds),
        "ratio": statistics.median(ratios), "lowestRatio": ratios[0], "highestRatio": ratios[-1],
        "compiled": statistics.median(compiled) if compiled else None,
        "compiledRatio": statistics.median(
            speed(one["crux"]) / speed(one["compiled"]) for one in rounds if one.get("compiled")) if compiled else None,
        "shareOfPeak": statistics.median(one["crux"]["shareOfPeak"] for one in rounds),
        "peakOperationsPerSecond": statistics.median(one["crux"]["peakOperationsPerSecond"] for one in rounds),
    })

if arguments.json:
    print(json.dumps({"schemaVersion": 1, "torch": version, "threads": arguments.threads, "rounds": arguments.rounds,
                      "processorTime": arguments.processor_time, "rows": rows}))
    sys.exit(0)

unit = "tokens per second of processor time" if arguments.processor_time else "tokens per second"
print(f"{unit}, {arguments.threads} threads, torch {version}, medians of {arguments.rounds} rounds\n")
print("| | crux | PyTorch eager | ratio | range | torch.compile | ratio | share of peak | peak GF/s |")
print("|---|---|---|---|---|---|---|---|---|")
for row in rows:
    cells = [
        f"{row['task']} {row['shape']}, batch {row['batch']}", f"{row['crux']:,.0f}", f"{row['eager']:,.0f}",
        f"{row['ratio']:.2f}", f"{row['lowestRatio']:.2f} … {row['highestRatio']:.2f}",
        f"{row['compiled']:,.0f}" if row["compiled"] else "–",
        f"{row['compiledRatio']:.2f}" if row["compiled"] else "–",
        f"{100 * row['shareOfPeak']:.0f} %", f"{row['peakOperationsPerSecond'] / 1e9:.0f}",
    ]
    print("| " + " | ".join(cells) + " |")
