#!/usr/bin/env python3
"""Trains two small models with and without a save after every step, in turns, and prints a table of step times.

    Benchmarks/saving.py                     # 0.86 and 10.8 million parameters, some minutes
    Benchmarks/saving.py --rounds 5 --steps 20

A save copies the state, which holds the training up, and encodes and writes the copy while the next steps run. The
pause is the figure `save_pause_seconds` of the run's metrics: it also has what was left of the save before, where that
takes longer than a step. Step times are by the clock, the first step left out; needs the standard library alone.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SHAPES = {"0.86 M": (4, 4, 128, 32), "10.8 M": (6, 6, 384, 8)}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--workers", default="auto")
parser.add_argument("--folder", help="where the checkpoints go, on the disk that is meant; by default a temporary one")
parser.add_argument("--crux", default=str(Path(__file__).resolve().parent.parent / ".build/release/crux"))
arguments = parser.parse_args()


def train(folder, shape, saves):
    """The metrics of a run, step by step, and the size of its checkpoint."""
    layers, heads, size, examples = shape
    settings = {
        "steps": arguments.steps, "workers": arguments.workers, "model.layer_count": layers, "model.head_count": heads,
        "model.embedding_size": size, "model.context_length": 512, "data.examples_per_step": examples,
        "evaluation.examples": 0, "checkpoint.every_steps": 1 if saves else 0,
    }
    command = [arguments.crux, "pretrain", "--out", folder / "run.crux", "--force", "--no-progress"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    lines = (folder / "run.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines][1:], (folder / "run.crux").stat().st_size


print("| parameters | without saves, ms a step | with, ms a step | ratio | range | pause, ms | longest | checkpoint |")
print("|---|---|---|---|---|---|---|---|")
with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
    for name, shape in SHAPES.items():
        steps, ratios, pauses, size = {False: [], True: []}, [], [], 0
        for number in range(arguments.rounds):
            totals = {}
            for saves in (False, True):
                metrics, size = train(Path(temporary), shape, saves)
                times = [1e3 * step["tokens"] / step["tokens_per_second"] for step in metrics]
                totals[saves] = sum(times)
                steps[saves] += times
                pauses += [1e3 * step["save_pause_seconds"] for step in metrics if saves]
            ratios.append(totals[True] / totals[False])
            print(f"{name}, round {number + 1} of {arguments.rounds}: ratio {ratios[-1]:.3f}", file=sys.stderr, flush=True)
        print(f"| {name} | {statistics.median(steps[False]):.1f} | {statistics.median(steps[True]):.1f} | "
              f"{statistics.median(ratios):.3f} | {min(ratios):.3f} … {max(ratios):.3f} | "
              f"{statistics.median(pauses):.2f} | {max(pauses):.2f} | {size / 1e6:.1f} MB |", flush=True)
