#!/usr/bin/env python3
"""Saves, reads and compresses real weights with safetensors, ZipNN and zstd, in turns with `crux bench format`.

Give the built crux and the safetensors file; everything runs in memory or in --folder. Needs numpy, safetensors, zipnn,
zstandard and torch (CPU).
"""
import argparse
import json
import os
import statistics
import subprocess
import time

import torch
import zipnn
import zstandard
from safetensors import safe_open
from safetensors.torch import load_file, save_file

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("crux")
arguments.add_argument("tensors")
arguments.add_argument("--folder", default=".")
arguments.add_argument("--rounds", type=int, default=5)
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--turns", type=int, default=2)
arguments.add_argument("--copies", type=int, default=1, help="how often each tensor is used, under different names")
arguments = arguments.parse_args()


def median(body):
    """Seconds of the clock and of processor time (of all threads), the medians of the rounds."""
    clock, processor = [], []
    for _ in range(arguments.rounds + 1):
        start = time.perf_counter(), time.process_time()
        body()
        clock.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    return statistics.median(clock[1:]), statistics.median(processor[1:])


def peers(weights, bf16):
    tensors = list(weights.values())
    raw = [bytearray(t.contiguous().view(torch.uint8).numpy().tobytes()) for t in tensors]
    count = sum(map(len, raw))
    rate = lambda seconds: {
        name: round(count / max(1e-6, value) / 1e6, 1) for name, value in zip(("clock", "processor"), seconds)
    }
    results = {"contentByteCount": count, "threads": arguments.threads}

    dtype = "bfloat16" if bf16 else "float32"
    coder = zipnn.ZipNN(bytearray_dtype=dtype, threads=arguments.threads)
    # ZipNN changes its input in place, so each call gets a copy; the time of the copy alone is taken off.
    copy = median(lambda: [bytearray(b) for b in raw])
    packed = [coder.compress(bytearray(b)) for b in raw]
    encode = median(lambda: [coder.compress(bytearray(b)) for b in raw])
    results["zipnn"] = {
        "ratio": count / sum(map(len, packed)),
        "encode": rate([seconds - spent for seconds, spent in zip(encode, copy)]),
        "decode": rate(median(lambda: [coder.decompress(p) for p in packed])),
    }
    assert all(bytes(coder.decompress(p)) == bytes(b) for p, b in zip(packed, raw))
    for level in (1, 3):
        packer, unpacker = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()
        packed = [packer.compress(bytes(b)) for b in raw]
        results[f"zstd{level}"] = {
            "ratio": count / sum(map(len, packed)),
            "encode": rate(median(lambda: [packer.compress(b) for b in raw])),
            "decode": rate(median(lambda: [unpacker.decompress(p) for p in packed])),
        }

    path = os.path.join(arguments.folder, "bench-peer.safetensors")

    def save():
        save_file(weights, path)
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)

    def lazy():
        with safe_open(path, "pt") as file:
            for name in file.keys():
                file.get_slice(name)

    save()
    results["safetensors"] = {
        "save": rate(median(save)),
        "decode": rate(median(lambda: [t.sum() for t in load_file(path).values()])),
        "openMilliseconds": 1e3 * median(lazy)[0],
    }
    os.remove(path)
    return results


own = {name: tensor.contiguous() for name, tensor in load_file(arguments.tensors).items()}
weights = {f"{copy}.{name}" if copy else name: t for copy in range(arguments.copies) for name, t in own.items()}
for bf16 in (False, True):
    chosen = {n: t.bfloat16() if bf16 and t.dtype == torch.float32 else t for n, t in weights.items()}
    for turn in range(arguments.turns):
        command = [arguments.crux, "bench", "format", arguments.tensors, "--folder", arguments.folder, "--json"]
        command += ["--rounds", str(arguments.rounds), "--workers", str(arguments.threads)]
        command += ["--copies", str(arguments.copies)] + ["--bf16"] * bf16
        crux = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        print(json.dumps({"bf16": bf16, "turn": turn, "crux": crux, **peers(chosen, bf16)}), flush=True)
