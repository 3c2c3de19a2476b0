#!/usr/bin/env python3
"""PyTorch's generation speed on this CPU: KV cache, sampling at temperature 1. The peer of `crux generate`.

Fills the shape's whole context from a prompt of 16 tokens; tokens per second counts generated tokens only,
over all sequences of the batch, without the prompt's prefill. A step is one such generation.
"""
import argparse
import json
import statistics
import time

import torch

from gpt_torch import GPT, SHAPES, VOCABULARY

PROMPT = 16

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--shape", choices=SHAPES, default="A")
arguments.add_argument("--batch", type=int, default=1)
arguments.add_argument("--steps", type=int, default=5, help="measured generations, after the warm-up")
arguments.add_argument("--warmup", type=int, default=1)
arguments.add_argument("--threads", type=int, default=2)
arguments.add_argument("--json", action="store_true", help="one JSON object on stdout")
arguments = arguments.parse_args()

torch.set_num_threads(arguments.threads)
torch.manual_seed(1)
layers, width, heads, count, _ = SHAPES[arguments.shape]
model = GPT(layers, width, heads, count).eval()


@torch.inference_mode()
def generate():
    shape = (arguments.batch, heads, count, width // heads)
    caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(layers)]
    logits = model(torch.randint(0, VOCABULARY, (arguments.batch, PROMPT)), caches)[:, -1]
    start, processor_start = time.perf_counter(), time.process_time()
    for position in range(PROMPT, count):
        tokens = torch.multinomial(logits.softmax(dim=-1), 1)
        logits = model(tokens, caches, position)[:, -1]
    return time.perf_counter() - start, time.process_time() - processor_start


measured = [generate() for _ in range(arguments.warmup + arguments.steps)][arguments.warmup:]
median = statistics.median(wall for wall, _ in measured)
result = {
    "peer": "pytorch", "task": "generate", "shape": arguments.shape, "torch": torch.__version__,
    "threads": torch.get_num_threads(), "steps": arguments.steps, "batch": arguments.batch,
    "millisecondsPerStep": 1e3 * median,
    "processorMillisecondsPerStep": 1e3 * statistics.median(processor for _, processor in measured),
    "tokensPerSecond": arguments.batch * (count - PROMPT) / median,
}
if arguments.json:
    print(json.dumps(result))
else:
    print(f"{arguments.shape}, batch {arguments.batch}: {result['tokensPerSecond']:,.0f} tokens/s "
          f"(median of {arguments.steps} generations, {result['threads']} threads, torch {result['torch']})")
