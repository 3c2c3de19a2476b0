#!/usr/bin/env python3
"""PyTorch's training speed on this CPU: eager or compiled, SDPA, fused AdamW. The peer of `crux`'s training."""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

from gpt_torch import GPT, SHAPES, VOCABULARY

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--shape", choices=SHAPES, default="A")
arguments.add_argument("--steps", type=int, default=10, help="measured steps, after the warm-up")
arguments.add_argument("--warmup", type=int, default=2)
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--compile", action="store_true", help="torch.compile the model")
arguments.add_argument("--json", action="store_true", help="one JSON object on stdout")
arguments = arguments.parse_args()

torch.set_num_threads(arguments.threads)
torch.manual_seed(1)
layers, width, heads, count, batch = SHAPES[arguments.shape]
model = GPT(layers, width, heads, count)
run = torch.compile(model) if arguments.compile else model
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)

seconds = []
processor_seconds = []
for step in range(arguments.warmup + arguments.steps):
    tokens = torch.randint(0, VOCABULARY, (batch, count + 1))
    start, processor_start = time.perf_counter(), time.process_time()
    logits = run(tokens[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step >= arguments.warmup:
        seconds.append(time.perf_counter() - start)
        processor_seconds.append(time.process_time() - processor_start)

median = statistics.median(seconds)
result = {
    "peer": "pytorch", "task": "train", "shape": arguments.shape, "torch": torch.__version__,
    "threads": torch.get_num_threads(), "steps": arguments.steps,
    "parameters": sum(parameter.numel() for parameter in model.parameters()),
    "compiled": arguments.compile, "millisecondsPerStep": 1e3 * median,
    "processorMillisecondsPerStep": 1e3 * statistics.median(processor_seconds), "tokensPerSecond": batch * count / median,
}
if arguments.json:
    print(json.dumps(result))
else:
    print(f"{arguments.shape}: {result['tokensPerSecond']:,.0f} tokens/s "
          f"(median of {arguments.steps} steps, {result['threads']} threads, torch {result['torch']})")
