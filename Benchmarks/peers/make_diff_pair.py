"""Write two large safetensors checkpoints of GPT-2's names for `crux diff`: a base, and a policy that moved a little.

    python make_diff_pair.py FOLDER [--gigabytes 2]

Needs numpy. Memory stays at a tensor or two. One tensor, the embedding, is as large as all blocks of a small model, so
that a diff that gives each tensor to one thread is seen to wait for it.
"""
import argparse
import json
import pathlib
import struct

import numpy

EMBEDDING, VOCABULARY, CONTEXT = 1280, 131072, 1024


def tensors(layers):
    width = EMBEDDING
    yield "wte.weight", (VOCABULARY, width)
    yield "wpe.weight", (CONTEXT, width)
    for layer in range(layers):
        yield f"h.{layer}.ln_1.weight", (width,)
        yield f"h.{layer}.attn.c_attn.weight", (3 * width, width)
        yield f"h.{layer}.attn.c_proj.weight", (width, width)
        yield f"h.{layer}.ln_2.weight", (width,)
        yield f"h.{layer}.mlp.c_fc.weight", (4 * width, width)
        yield f"h.{layer}.mlp.c_proj.weight", (width, 4 * width)
    yield "ln_f.weight", (width,)


def write(path, shapes, values):
    header, offset = {}, 0
    for name, shape in shapes:
        size = 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for index, (_, shape) in enumerate(shapes):
            file.write(values(index, shape).astype("<f4").tobytes())


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--gigabytes", type=float, default=2)
    options = arguments.parse_args()
    fixed = 4 * EMBEDDING * (VOCABULARY + CONTEXT)
    layers = max(1, round((options.gigabytes * 1e9 - fixed) / (4 * 12 * EMBEDDING**2)))
    shapes = list(tensors(layers))

    def base(index, shape):
        noise = numpy.random.Generator(numpy.random.PCG64(index)).standard_normal(shape, dtype=numpy.float32)
        return 1 + 0.1 * noise if len(shape) == 1 else 0.02 * noise

    def policy(index, shape):
        # Fine-tuning leaves part of the weights as they were and moves the others by about a thousandth.
        generator = numpy.random.Generator(numpy.random.PCG64(1000 + index))
        step = generator.standard_normal(shape, dtype=numpy.float32)
        step *= 1e-5 * (generator.random(shape, dtype=numpy.float32) < 0.7)
        return base(index, shape) + step

    options.folder.mkdir(parents=True, exist_ok=True)
    write(options.folder / "base.safetensors", shapes, base)
    write(options.folder / "policy.safetensors", shapes, policy)


if __name__ == "__main__":
    main()
