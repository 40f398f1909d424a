"""Small models of well-known architectures, each with its parameters labelled by hand.

An architecture returns a model and what its parameters are: pattern of names -> role. Every parameter must match
exactly one pattern, the first that fits, and every pattern a parameter.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

ARCHITECTURES = []


def architecture(fn):
    ARCHITECTURES.append(fn)
    return fn


class Holder(nn.Module):
    """A module that holds what it is given; the labels look at parameters only."""

    def __init__(self, **held):
        super().__init__()
        for name, value in held.items():
            setattr(self, name, value)


def raw(*shape):
    return nn.Parameter(torch.randn(shape))


@architecture
def mlp():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.PReLU(), nn.Linear(8, 1))
    return model, {"3.weight": "activation", "*.weight": "matrix", "*.bias": "bias"}


@architecture
def lenet():
    model = Holder(conv1=nn.Conv2d(1, 6, 5), conv2=nn.Conv2d(6, 16, 5), fc1=nn.Linear(256, 84), fc2=nn.Linear(84, 10))
    return model, {"*.weight": "matrix", "*.bias": "bias"}


def basic_block(i, o, stride):
    parts = dict(
        conv1=nn.Conv2d(i, o, 3, stride, 1, bias=False),
        bn1=nn.BatchNorm2d(o),
        conv2=nn.Conv2d(o, o, 3, 1, 1, bias=False),
        bn2=nn.BatchNorm2d(o),
    )
    if stride != 1 or i != o:
        parts["downsample"] = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
    return Holder(**parts)


@architecture
def resnet18():
    sizes = (64, 64, 128, 256, 512)
    stages = {
        f"layer{n}": nn.Sequential(basic_block(i, o, 1 if n == 1 else 2), basic_block(o, o, 1))
        for n, (i, o) in enumerate(zip(sizes, sizes[1:]), 1)
    }
    stem = dict(conv1=nn.Conv2d(3, 64, 7, 2, 3, bias=False), bn1=nn.BatchNorm2d(64))
    model = Holder(**stem, **stages, fc=nn.Linear(512, 1000))
    return model, {
        "fc.bias": "bias",
        "*bn?.*": "norm",
        "*downsample.1.*": "norm",
        "*.weight": "matrix",
    }


class LayerNorm2d(nn.Module):
    """A norm that torch does not know."""

    def __init__(self, n):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(n, 1, 1)), nn.Parameter(torch.zeros(n, 1, 1))


@architecture
def convnext():
    def block(n):
        return Holder(
            dwconv=nn.Conv2d(n, n, 7, padding=3, groups=n),
            norm=nn.LayerNorm(n),
            pwconv1=nn.Linear(n, 4 * n),
            pwconv2=nn.Linear(4 * n, n),
            gamma=raw(n),
        )

    stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), LayerNorm2d(8))
    model = Holder(
        stem=stem, blocks=nn.ModuleList([block(8), block(8)]), norm=nn.LayerNorm((8, 7, 7)), head=nn.Linear(8, 5)
    )
    return model, {
        "stem.1.*": "norm",
        "*norm.*": "norm",
        "*gamma": "scale",
        "*.bias": "bias",
        "*.weight": "matrix",
    }


@architecture
def vit():
    def block(n):
        return Holder(
            norm1=nn.LayerNorm(n),
            attn=Holder(qkv=nn.Linear(n, 3 * n), q_norm=nn.LayerNorm(n), proj=nn.Linear(n, n)),
            ls1=Holder(gamma=raw(n)),
            norm2=nn.LayerNorm(n),
            mlp=Holder(fc1=nn.Linear(n, 4 * n), fc2=nn.Linear(4 * n, n)),
            layer_scale_2=raw(1, 1, n),
        )

    model = Holder(
        cls_token=raw(1, 1, 16),
        reg_token=raw(1, 4, 16),
        pos_embed=raw(1, 197, 16),
        patch_embed=Holder(proj=nn.Conv2d(3, 16, 16, 16)),
        blocks=nn.Sequential(block(16), block(16)),
        norm=nn.LayerNorm(16),
        head=nn.Linear(16, 10),
    )
    return model, {
        "cls_token": "token",
        "reg_token": "token",
        "pos_embed": "position",
        "*gamma": "scale",
        "*layer_scale_2": "scale",
        "*norm*": "norm",
        "*.bias": "bias",
        "*.weight": "matrix",
    }


@architecture
def swin():
    attn = Holder(relative_position_bias_table=raw(169, 3), qkv=nn.Linear(12, 36), logit_scale=raw(3, 1, 1))
    model = Holder(
        absolute_pos_embed=raw(1, 49, 12), layers=nn.ModuleList([Holder(attn=attn, reduction=nn.Linear(48, 24))])
    )
    return model, {
        "absolute_pos_embed": "position",
        "*relative_position_bias_table": "position",
        "*logit_scale": "scale",
        "*.weight": "matrix",
        "*.bias": "bias",
    }


@architecture
def gpt_with_tied_head():
    def block(n):
        return Holder(
            ln_1=nn.LayerNorm(n, bias=False),
            attn=Holder(c_attn=nn.Linear(n, 3 * n), c_proj=nn.Linear(n, n)),
            ln_2=nn.LayerNorm(n, bias=False),
            mlp=Holder(c_fc=nn.Linear(n, 4 * n), c_proj=nn.Linear(4 * n, n)),
        )

    parts = dict(
        wte=nn.Embedding(50, 16), wpe=nn.Embedding(32, 16), h=nn.ModuleList([block(16)]), ln_f=nn.LayerNorm(16)
    )
    model = Holder(transformer=nn.ModuleDict(parts), lm_head=nn.Linear(16, 50, bias=False))
    model.lm_head.weight = model.transformer.wte.weight
    return model, {
        "transformer.wte.weight": "matrix",
        "transformer.wpe.weight": "position",
        "*ln_*": "norm",
        "*.weight": "matrix",
        "*.bias": "bias",
    }


@architecture
def bert():
    embeddings = Holder(
        word_embeddings=nn.Embedding(30, 16, padding_idx=0),
        position_embeddings=nn.Embedding(64, 16),
        token_type_embeddings=nn.Embedding(2, 16),
        LayerNorm=nn.LayerNorm(16),
    )
    attention = Holder(query=nn.Linear(16, 16), key=nn.Linear(16, 16), value=nn.Linear(16, 16))
    output = Holder(dense=nn.Linear(16, 16), LayerNorm=nn.LayerNorm(16))
    model = Holder(
        embeddings=embeddings, encoder=Holder(layer=nn.ModuleList([Holder(attention=attention, output=output)]))
    )
    return model, {
        "*position_embeddings.weight": "position",
        "*word_embeddings.weight": "embedding",
        "*token_type_embeddings.weight": "embedding",
        "*LayerNorm*": "norm",
        "*.weight": "matrix",
        "*.bias": "bias",
    }


class RMSNormOfLlama(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))


class T5LayerNorm(RMSNormOfLlama):
    pass


@architecture
def t5():
    attention = Holder(q=nn.Linear(16, 16, bias=False), relative_attention_bias=nn.Embedding(32, 4))
    layer = Holder(SelfAttention=attention, layer_norm=T5LayerNorm(16))
    model = Holder(shared=nn.Embedding(40, 16), block=nn.ModuleList([layer]), final_layer_norm=T5LayerNorm(16))
    return model, {
        "shared.weight": "embedding",
        "*relative_attention_bias.weight": "position",
        "*layer_norm.weight": "norm",
        "*.weight": "matrix",
    }


@architecture
def llama_with_lora():
    class LoRALinear(nn.Linear):
        def __init__(self, i, o, rank):
            super().__init__(i, o, bias=False)
            self.lora_A, self.lora_B = raw(rank, i), raw(o, rank)
            self.lora_scale = raw(1)

    layer = Holder(q_proj=LoRALinear(16, 16, 2), o_proj=nn.Linear(16, 16, bias=False), input_layernorm=nn.RMSNorm(16))
    model = Holder(
        embed_tokens=nn.Embedding(40, 16), layers=nn.ModuleList([layer]), lm_head=nn.Linear(16, 40, bias=False)
    )
    return model, {
        "embed_tokens.weight": "embedding",
        "*layernorm.weight": "norm",
        "*lora_scale": "scale",
        "*lora_[AB]": "matrix",
        "*.weight": "matrix",
    }


@architecture
def lstm_and_gru_tagger():
    model = Holder(
        words=nn.Embedding(30, 8),
        lstm=nn.LSTM(8, 8, num_layers=2, bidirectional=True, proj_size=4),
        gru=nn.GRU(8, 8),
        cell=nn.LSTMCell(8, 8),
        out=nn.Linear(8, 5),
        transitions=raw(5, 5),
    )
    return model, {
        "words.weight": "embedding",
        "*bias*": "bias",
        "*weight*": "matrix",
        "transitions": "matrix",
    }


@architecture
def unet():
    def double(i, o):
        return nn.Sequential(nn.Conv2d(i, o, 3), nn.GroupNorm(2, o), nn.SiLU(), nn.Conv2d(o, o, 3), nn.GroupNorm(2, o))

    model = Holder(down=double(3, 8), bottom=double(8, 16), up=nn.ConvTranspose2d(16, 8, 2, 2), merge=double(16, 8))
    return model, {"*.[14].*": "norm", "*.bias": "bias", "*.weight": "matrix"}


@architecture
def gan():
    generator = nn.Sequential(
        nn.ConvTranspose2d(16, 8, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4), nn.Tanh()
    )
    first = parametrizations.spectral_norm(nn.Conv2d(3, 8, 4))
    second = nn.utils.spectral_norm(nn.Conv2d(8, 1, 4))
    model = Holder(generator=generator, discriminator=nn.Sequential(first, nn.LeakyReLU(), second))
    return model, {
        "generator.1.*": "norm",
        "*.bias": "bias",
        "*.weight": "matrix",
        "*weight_orig": "matrix",
        "*weight.original": "matrix",
    }


@architecture
def stylegan_generator():
    styled = Holder(weight=raw(1, 8, 8, 3, 3), modulation=nn.Linear(4, 8), noise_strength=raw(1))
    model = Holder(input=raw(1, 8, 4, 4), conv=styled, to_rgb=Holder(weight=raw(1, 3, 8, 1, 1), bias=raw(1, 3, 1, 1)))
    return model, {
        "input": "position",  # a constant picture that every sample begins from
        "*noise_strength": "scale",
        "*bias": "bias",
        "*weight": "matrix",
    }


@architecture
def clip():
    visual = Holder(
        conv1=nn.Conv2d(3, 16, 8), class_embedding=raw(16), positional_embedding=raw(50, 16), proj=raw(16, 8)
    )
    model = Holder(
        visual=visual,
        token_embedding=nn.Embedding(60, 16),
        positional_embedding=raw(77, 16),
        ln_final=nn.LayerNorm(16),
        text_projection=raw(16, 8),
        logit_scale=raw(),
    )
    return model, {
        "*class_embedding": "token",
        "*positional_embedding": "position",
        "token_embedding.weight": "embedding",
        "ln_final.*": "norm",
        "logit_scale": "scale",
        "*proj*": "matrix",
        "*.bias": "bias",
        "*.weight": "matrix",
    }


@architecture
def mixture_of_experts():
    experts = Holder(w1=raw(4, 8, 32), w2=raw(4, 32, 8), b1=raw(4, 1), bias2=raw(4, 8))
    model = Holder(gate=nn.Linear(8, 4, bias=False), experts=experts, norm=nn.RMSNorm(8))
    return model, {
        "gate.weight": "matrix",
        "experts.w?": "matrix",
        "experts.b1": "scale",
        "experts.bias2": "bias",
        "norm.weight": "norm",
    }


@architecture
def mamba():
    mixer = Holder(
        in_proj=nn.Linear(8, 32, bias=False),
        conv1d=nn.Conv1d(16, 16, 4, groups=16),
        x_proj=nn.Linear(16, 9, bias=False),
        dt_proj=nn.Linear(1, 16),
        A_log=raw(16, 4),
        D=raw(16),
        dt_bias=raw(16),
        out_proj=nn.Linear(16, 8, bias=False),
    )
    model = Holder(embedding=nn.Embedding(20, 8), layers=nn.ModuleList([Holder(mixer=mixer, norm=nn.RMSNorm(8))]))
    return model, {
        "embedding.weight": "embedding",
        "*A_log": "scale",
        "*mixer.D": "scale",
        "*dt_bias": "bias",
        "*norm.weight": "norm",
        "*.bias": "bias",
        "*.weight": "matrix",
    }


@architecture
def attention_with_everything():
    plain = nn.MultiheadAttention(16, 4)
    other = nn.MultiheadAttention(16, 4, kdim=8, vdim=8, add_bias_kv=True)
    return Holder(plain=plain, other=other), {"*bias*": "bias", "*weight": "matrix"}


@architecture
def two_towers():
    model = Holder(items=nn.EmbeddingBag(40, 8, mode="sum"), user_id=nn.Embedding(30, 8), match=nn.Bilinear(8, 8, 1))
    return model, {
        "items.weight": "embedding",
        "user_id.weight": "embedding",
        "match.weight": "matrix",
        "match.bias": "bias",
    }


@architecture
def normalised_weights():
    class Symmetric(nn.Module):
        def forward(self, w):
            return w.triu() + w.triu(1).transpose(-1, -2)

    class LowRank(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = raw(8, 2), raw(2, 8)

        def forward(self, w):
            return w + self.left @ self.right

    symmetric = nn.Linear(8, 8)
    parametrize.register_parametrization(symmetric, "weight", Symmetric())
    adapted = nn.Linear(8, 8)
    parametrize.register_parametrization(adapted, "weight", LowRank())
    shifted = nn.Linear(8, 8)
    parametrize.register_parametrization(shifted, "bias", nn.Tanh())
    model = Holder(
        new=parametrizations.weight_norm(nn.Conv1d(4, 8, 3)),
        orthogonal=parametrizations.orthogonal(nn.Linear(8, 8)),
        recurrent=parametrizations.weight_norm(nn.GRU(4, 4), "weight_hh_l0"),
        symmetric=symmetric,
        adapted=adapted,
        shifted=shifted,
    )
    return model, {
        "new.parametrizations.weight.original0": "scale",
        "new.parametrizations.weight.original1": "matrix",
        "recurrent.parametrizations.weight_hh_l0.original0": "scale",
        "recurrent.parametrizations.weight_hh_l0.original1": "matrix",
        "adapted.parametrizations.weight.0.*": "matrix",
        "*parametrizations.weight.original": "matrix",
        "shifted.parametrizations.bias.original": "bias",
        "*bias*": "bias",
        "*weight*": "matrix",
    }


@architecture
def parametrised_itself():
    return parametrizations.spectral_norm(nn.Linear(4, 4)), {
        "bias": "bias",
        "parametrizations.weight.original": "matrix",
    }


@architecture
def lists_of_parameters():
    model = Holder(
        prompts=nn.ParameterList([raw(5, 8), raw(5, 8)]),
        bias=nn.ParameterDict({"a": raw(8), "b": raw(2, 8)}),
        mixing=nn.ParameterList([raw(8, 8)]),
        temperatures=raw(4, 1, 1),
        out=nn.Linear(8, 2),
    )
    return model, {
        "prompts.*": "token",
        "bias.*": "bias",
        "mixing.*": "matrix",
        "temperatures": "scale",
        "out.weight": "matrix",
        "out.bias": "bias",
    }


@architecture
def detr():
    attention = nn.TransformerDecoderLayer(16, 2, 32)
    model = Holder(
        query_embed=nn.Embedding(10, 16), row_embed=raw(50, 8), decoder=nn.ModuleList([attention]), box=nn.Linear(16, 4)
    )
    return model, {
        "query_embed.weight": "embedding",
        "row_embed": "embedding",
        "*norm*": "norm",
        "*bias": "bias",
        "*weight": "matrix",
    }


@architecture
def perceiver():
    model = Holder(
        latents=raw(32, 16), attend=nn.MultiheadAttention(16, 2), norm=nn.LayerNorm(16), codebook=raw(64, 16)
    )
    return model, {
        "latents": "token",
        "norm.*": "norm",
        "codebook": "embedding",
        "*bias": "bias",
        "*weight": "matrix",
    }


class MambaRMSNormGated(RMSNormOfLlama):
    pass


@architecture
def video_and_speech():
    """Shapes and names as in Hugging Face's TimeSformer, VITS, XLNet, SAM and Wav2Vec2."""
    conv = parametrizations.weight_norm(nn.Conv1d(16, 16, 8, groups=4), dim=2)
    model = Holder(
        time_embeddings=raw(1, 8, 16),
        emb_rel_k=raw(1, 9, 8),
        rel_pos_h=raw(27, 8),
        q=raw(16, 4, 8),
        r_w_bias=raw(4, 8),
        masked_spec_embed=raw(16),
        gated=MambaRMSNormGated(16),
        pos_conv=conv,
        translate=raw(2, 1),
    )
    return model, {
        "time_embeddings": "position",
        "emb_rel_k": "position",
        "rel_pos_h": "position",
        "r_w_bias": "bias",
        "masked_spec_embed": "scale",
        "gated.weight": "norm",
        "pos_conv.parametrizations.weight.original0": "scale",
        "pos_conv.parametrizations.weight.original1": "matrix",
        "pos_conv.bias": "bias",
        "translate": "scale",
        "q": "matrix",
    }
