"""The peer's model: a plain PyTorch GPT-2 as a user would write it (eager mode, SDPA, no biases)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCABULARY = 96
SHAPES = {  # layers, width, heads, sequence length, batch
    "A": (4, 128, 4, 128, 32),
    "B": (6, 256, 8, 128, 32),
    "C": (12, 768, 12, 256, 4),
}


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1 = nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.ln_2 = nn.LayerNorm(width, bias=False)
        self.mlp_fc = nn.Linear(width, 4 * width, bias=False)
        self.mlp_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x, cache=None, position=0):
        batch, count, width = x.shape
        q, k, v = (t.view(batch, count, self.heads, width // self.heads).transpose(1, 2)
                   for t in self.c_attn(self.ln_1(x)).split(width, dim=2))
        if cache is not None:
            keys, values = cache
            keys[:, :, position:position + count] = k
            values[:, :, position:position + count] = v
            k, v = keys[:, :, :position + count], values[:, :, :position + count]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=count > 1)
        x = x + self.c_proj(y.transpose(1, 2).reshape(batch, count, width))
        return x + self.mlp_proj(F.gelu(self.mlp_fc(self.ln_2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, layers, width, heads, context):
        super().__init__()
        self.wte = nn.Embedding(VOCABULARY, width)
        self.wpe = nn.Embedding(context, width)
        self.h = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width, bias=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers))

    def forward(self, tokens, caches=None, position=0):
        x = self.wte(tokens) + self.wpe.weight[position:position + tokens.shape[1]]
        for index, block in enumerate(self.h):
            x = block(x, caches[index] if caches else None, position)
        return self.ln_f(x) @ self.wte.weight.T
