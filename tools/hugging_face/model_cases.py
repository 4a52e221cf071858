"""Tiny models of every family that tt-eval computes, in the settings in which published checkpoints differ.

CASES: name -> (model_type, settings of its configuration class). Sizes that a case does not set are SIZES of its family. A name
that starts with "!" is of a model that tt-eval must refuse.
"""

USUAL = dict(vocab_size=199, hidden_size=48, intermediate_size=72, num_hidden_layers=3, num_attention_heads=6,
             num_key_value_heads=3, max_position_embeddings=256, bos_token_id=0, eos_token_id=0, pad_token_id=None)
NO_GROUPS = {key: value for key, value in USUAL.items() if key != "num_key_value_heads"}
SIZES = {
    "gpt2": dict(vocab_size=199, n_embd=48, n_layer=3, n_head=4, n_positions=256, bos_token_id=0, eos_token_id=0),
    "gpt_neox": dict(NO_GROUPS, num_attention_heads=4, rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.5}),
    "stablelm": dict(USUAL, hidden_size=96), "phi": dict(USUAL, hidden_size=96, num_key_value_heads=6),
    "gemma3_text": dict(USUAL, num_hidden_layers=7, head_dim=12, query_pre_attn_scalar=12, sliding_window=9),
    "gemma2": dict(USUAL, num_hidden_layers=4, head_dim=12, query_pre_attn_scalar=12, sliding_window=9),
    "gemma": dict(USUAL, head_dim=12), "qwen3": dict(USUAL, head_dim=12),
    "qwen3_moe": dict(USUAL, head_dim=12, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=20),
    "mixtral": dict(USUAL, num_local_experts=4, num_experts_per_tok=2),
    "gpt_oss": dict(USUAL, head_dim=12, num_local_experts=4, num_experts_per_tok=2, sliding_window=9),
    "mistral": dict(USUAL), "olmo3": dict(USUAL, num_hidden_layers=5, sliding_window=9), "smollm3": dict(USUAL, num_hidden_layers=5),
}


def rope(kind, **more):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=10000.0, **more))


def scalings(pairs):
    """Every scaling of rotary frequencies that transformers knows for all families, over an original context of 16 to 32 positions."""
    short = [1 + 0.05 * i for i in range(pairs)]
    long = [1 + 0.6 * i for i in range(pairs)]
    return {
        "linear": rope("linear", factor=3.0), "base-500000": dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
        "dynamic": dict(rope("dynamic", factor=4.0), max_position_embeddings=32), "dynamic-short": rope("dynamic", factor=4.0),
        "llama3": rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32),
        "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32),
        "yarn-attention-factor": rope("yarn", factor=4.0, original_max_position_embeddings=64, attention_factor=0.9),
        "yarn-mscale": rope("yarn", factor=40.0, original_max_position_embeddings=32, mscale=1.0, mscale_all_dim=0.7),
        "yarn-mscale-alone": rope("yarn", factor=40.0, original_max_position_embeddings=32, mscale=0.7),
        "yarn-betas": rope("yarn", factor=4.0, original_max_position_embeddings=128, beta_fast=8.0, beta_slow=2.0),
        "yarn-not-truncated": rope("yarn", factor=4.0, original_max_position_embeddings=128, truncate=False),
        "yarn-whole-context": rope("yarn", factor=4.0),
        "longrope-short": rope("longrope", factor=4.0, short_factor=short, long_factor=long, original_max_position_embeddings=128),
        "longrope-long": rope("longrope", factor=4.0, short_factor=short, long_factor=long, original_max_position_embeddings=32),
        "longrope-attention-factor": rope("longrope", short_factor=short, long_factor=long, original_max_position_embeddings=32,
            attention_factor=1.3),
        "longrope-ratio": rope("longrope", short_factor=short, long_factor=long, original_max_position_embeddings=32),
        "!proportional": rope("proportional"),
    }


LAYERS = {"full": "full_attention", "window": "sliding_attention"}


def layers(text):
    """"w.w": a layer with a window, one without, one with."""
    return [LAYERS["window" if letter == "w" else "full"] for letter in text]


BY_TYPE = dict(full_attention=dict(rope_type="linear", factor=4.0, rope_theta=50000.0), sliding_attention=dict(rope_type="default", rope_theta=500.0))
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_python", "gelu_python_tanh", "gelu_accurate", "relu", "relu2", "silu",
    "swish")
OTHER_ACTIVATIONS = ("quick_gelu", "gelu_10", "relu6", "mish", "tanh", "sigmoid", "leaky_relu", "linear", "hardswish", "laplace")

OF_FAMILY = {
    "llama": {
        "plain": {}, "heads-1-group": dict(num_key_value_heads=1), "heads-no-groups": dict(num_key_value_heads=6), "head-dim-20": dict(head_dim=20),
        "head-dim-2": dict(head_dim=2), "biases": dict(attention_bias=True, mlp_bias=True), "attention-bias": dict(attention_bias=True),
        "ffn-bias": dict(mlp_bias=True), "tied": dict(tie_word_embeddings=True), "epsilon": dict(rms_norm_eps=0.03), **scalings(4),
    },
    "mistral": {
        "window": dict(sliding_window=7), "window-1": dict(sliding_window=1), "window-null": dict(sliding_window=None),
        "window-long": dict(sliding_window=300),
        "head-dim": dict(sliding_window=None, head_dim=20),
        "yarn": dict(rope("yarn", factor=4.0, original_max_position_embeddings=32), sliding_window=9),
        "tied": dict(tie_word_embeddings=True), "layer-types": dict(sliding_window=7, layer_types=layers("w.w")),
    },
    "granite": {
        "factors": dict(embedding_multiplier=12.0, residual_multiplier=0.22, attention_multiplier=0.0625, logits_scaling=8.0), "plain": {},
        "biases": dict(attention_bias=True, mlp_bias=True, residual_multiplier=0.5, logits_scaling=16),
        "tied": dict(tie_word_embeddings=True, embedding_multiplier=6.0),
        "linear": dict(rope("linear", factor=2.0), attention_multiplier=0.2),
    },
    "smollm3": {
        "plain": {}, "interval": dict(no_rope_layer_interval=2), "list": dict(no_rope_layers=[0, 1, 1, 0, 1]),
        "untied": dict(tie_word_embeddings=False),
        "window": dict(use_sliding_window=True, sliding_window=7), "window-not-used": dict(use_sliding_window=False, sliding_window=7),
        "layer-types": dict(use_sliding_window=True, sliding_window=7, layer_types=layers("w.ww.")), "all-rotate": dict(no_rope_layers=[1] * 5),
        "biases": dict(attention_bias=True, mlp_bias=True), "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32),
        "list-longer": dict(no_rope_layers=[0, 1, 1, 0, 1, 1, 1]),
    },
    "qwen2": {
        "plain": {}, "tied": dict(tie_word_embeddings=True), "window-upper": dict(use_sliding_window=True, sliding_window=7, max_window_layers=1),
        "window-none": dict(use_sliding_window=True, sliding_window=7, max_window_layers=28),
        "window-all": dict(use_sliding_window=True, sliding_window=7, max_window_layers=0),
        "window-not-used": dict(sliding_window=7, max_window_layers=0),
        "layer-types": dict(use_sliding_window=True, sliding_window=7, layer_types=layers("w.w")),
        "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32), "head-dim": dict(head_dim=20),
    },
    "qwen3": {
        "plain": {}, "bias": dict(attention_bias=True), "tied": dict(tie_word_embeddings=True),
        "layer-types": dict(use_sliding_window=True, sliding_window=7, layer_types=layers(".ww")),
        "window-upper": dict(use_sliding_window=True, sliding_window=7, max_window_layers=2),
        "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32),
        "longrope": rope("longrope", factor=4.0, short_factor=[1.0] * 6, long_factor=[2.0] * 6, original_max_position_embeddings=32),
    },
    "qwen3_moe": {
        "plain": {}, "normalised": dict(norm_topk_prob=True), "step-2": dict(decoder_sparse_step=2), "only-ffn": dict(mlp_only_layers=[1]),
        "both": dict(mlp_only_layers=[0], decoder_sparse_step=2, norm_topk_prob=True), "first-dense": dict(mlp_only_layers=[0, 2]),
        "no-experts": dict(mlp_only_layers=[0, 1, 2]),
        "window": dict(use_sliding_window=True, sliding_window=7),
        "window-upper": dict(use_sliding_window=True, sliding_window=7, max_window_layers=1),
        "bias": dict(attention_bias=True), "one-expert": dict(num_experts_per_tok=1, norm_topk_prob=True), "all-experts": dict(num_experts_per_tok=5),
        "layer-types": dict(use_sliding_window=True, sliding_window=7, layer_types=layers(".ww")), "tied": dict(tie_word_embeddings=True),
    },
    "gemma": {
        "plain": {}, "untied": dict(tie_word_embeddings=False), "gelu": dict(hidden_act="gelu"),
        "one-group": dict(num_key_value_heads=1, head_dim=32),
        "bias": dict(attention_bias=True), "linear": rope("linear", factor=2.0), "gelu-python": dict(hidden_act="gelu_python"),
        "relu": dict(hidden_act="relu"),
        "!two-activations": dict(hidden_act="gelu_pytorch_tanh", hidden_activation="relu"), "!both-sides": dict(use_bidirectional_attention=True),
    },
    "gemma2": {
        "plain": {}, "no-caps": dict(attn_logit_softcapping=None, final_logit_softcapping=None),
        "low-caps": dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
        "scale": dict(query_pre_attn_scalar=144), "layer-types": dict(layer_types=layers(".ww.")), "gelu": dict(hidden_activation="gelu"),
        "untied": dict(tie_word_embeddings=False),
        "bias": dict(attention_bias=True), "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32),
        "no-window": dict(layer_types=layers("....")),
    },
    "gemma3_text": {
        "plain": {}, "layer-types": dict(layer_types=layers(".w.ww..")), "caps": dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
        "cap": dict(final_logit_softcapping=3.0), "scale": dict(query_pre_attn_scalar=100),
        "linear": dict(rope_parameters=BY_TYPE), "untied": dict(tie_word_embeddings=False), "bias": dict(attention_bias=True),
        "no-window": dict(layer_types=layers("." * 7)),
        "full-only": dict(rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=7000.0))),
        "local-yarn": dict(rope_parameters=dict(full_attention=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64,
            rope_theta=7000.0), sliding_attention=dict(rope_type="linear", factor=2.0, rope_theta=900.0))),
        "dynamic": dict(max_position_embeddings=32,
            rope_parameters=dict(full_attention=dict(rope_type="dynamic", factor=4.0, rope_theta=7000.0),
                sliding_attention=dict(rope_type="default", rope_theta=900.0))),
        "pattern": dict(sliding_window_pattern=3), "!both-sides": dict(use_bidirectional_attention=True),
    },
    "phi": {
        "plain": {}, "norms": dict(qk_layernorm=True), "groups": dict(num_key_value_heads=2),
        "part": dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.25)),
        "whole": dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=1.0)),
        "tied": dict(tie_word_embeddings=True), "epsilon": dict(layer_norm_eps=0.02),
        "linear": rope("linear", factor=2.0, partial_rotary_factor=0.5),
        "dynamic": dict(rope("dynamic", factor=4.0, partial_rotary_factor=0.5), max_position_embeddings=32),
        "norms-groups": dict(qk_layernorm=True, num_key_value_heads=3),
        "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32, partial_rotary_factor=0.5),
        **{f"act-{name}": dict(hidden_act=name) for name in ACTIVATIONS}, **{f"!act-{name}": dict(hidden_act=name) for name in OTHER_ACTIVATIONS},
    },
    "phi3": {
        "plain": {}, "window": dict(sliding_window=7),
        "part": dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.75)),
        "tied": dict(tie_word_embeddings=True),
        **{name: dict(original_max_position_embeddings=values["rope_parameters"]["original_max_position_embeddings"], **values) for name,
            values in scalings(4).items() if "longrope" in name},
        "su": dict(original_max_position_embeddings=32,
            rope_parameters=dict(rope_type="su", rope_theta=10000.0, original_max_position_embeddings=32, short_factor=[1.1] * 4,
                long_factor=[1.0, 2.0, 3.0, 4.0])),
        "yarn": dict(original_max_position_embeddings=32,
            rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=8.0, short_factor=[1.1] * 4, long_factor=[1.0, 2.0, 3.0, 4.0])),
        "longrope-part": dict(hidden_size=96, original_max_position_embeddings=32,
            rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, partial_rotary_factor=0.75, short_factor=[1.1] * 6,
                long_factor=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        "longrope-same": dict(original_max_position_embeddings=256,
            rope_parameters=dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.1] * 4, long_factor=[3.0] * 4)),
        "act": dict(hidden_act="gelu"), "one-group": dict(num_key_value_heads=1), "layer-types": dict(sliding_window=7, layer_types=layers("w.w")),
    },
    "gpt2": {
        "plain": {}, "untied": dict(tie_word_embeddings=False), "inner": dict(n_inner=40), "not-scaled": dict(scale_attn_weights=False),
        "by-layer": dict(scale_attn_by_inverse_layer_idx=True),
        "reordered": dict(reorder_and_upcast_attn=True, scale_attn_by_inverse_layer_idx=True),
        "not-scaled-by-layer": dict(scale_attn_by_inverse_layer_idx=True, scale_attn_weights=False),
        "relu": dict(activation_function="relu"), "gelu": dict(activation_function="gelu"), "epsilon": dict(layer_norm_epsilon=0.03),
        "!cross": dict(add_cross_attention=True),
    },
    "gpt_neox": {
        "plain": {}, "sequential": dict(use_parallel_residual=False), "no-bias": dict(attention_bias=False), "tied": dict(tie_word_embeddings=True),
        "gelu-new": dict(hidden_act="gelu_new"),
        "whole": dict(rope_parameters=dict(rope_type="default", partial_rotary_factor=1.0)),
        "base": dict(rope_parameters=dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=0.5)),
        "linear": rope("linear", factor=2.0, partial_rotary_factor=0.5),
        "dynamic": dict(rope("dynamic", factor=4.0, partial_rotary_factor=0.5), max_position_embeddings=32),
        "gelu-fast": dict(hidden_act="gelu_fast"),
        "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32, partial_rotary_factor=0.5), "epsilon": dict(layer_norm_eps=0.02),
    },
    "olmo2": {"plain": {}, "bias": dict(attention_bias=True), "tied": dict(tie_word_embeddings=True), "one-group": dict(num_key_value_heads=1),
        "yarn": rope("yarn", factor=4.0, original_max_position_embeddings=32), "head-dim": dict(head_dim=20), "epsilon": dict(rms_norm_eps=0.03)},
    "olmo3": {
        "plain": {}, "layer-types": dict(layer_types=layers("..ww.")), "bias": dict(attention_bias=True), "tied": dict(tie_word_embeddings=True),
        "linear": dict(rope_parameters=BY_TYPE),
        "yarn": dict(rope_parameters=dict(full_attention=dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=64, attention_factor=1.2,
            rope_theta=500000.0), sliding_attention=dict(rope_type="default", rope_theta=500000.0))),
        "full-only": dict(rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=7000.0))),
        "no-window": dict(layer_types=layers(".....")),
    },
    "stablelm": {
        "plain": {}, "bias": dict(use_qkv_bias=True), "parallel": dict(use_parallel_residual=True), "!norms": dict(qk_layernorm=True),
        "part": dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)),
        "tied": dict(tie_word_embeddings=True), "linear": rope("linear", factor=2.0, partial_rotary_factor=0.25),
        "parallel-bias": dict(use_parallel_residual=True, use_qkv_bias=True), "epsilon": dict(layer_norm_eps=0.02),
    },
    "nemotron": {
        "plain": {}, "biases": dict(attention_bias=True, mlp_bias=True), "head-dim": dict(head_dim=20),
        "part": dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.25), head_dim=16),
        "tied": dict(tie_word_embeddings=True), "act": dict(hidden_act="gelu"), "linear": dict(rope("linear", factor=2.0, partial_rotary_factor=0.5)),
        "epsilon": dict(norm_eps=0.03), "attention-bias": dict(attention_bias=True),
    },
    "mixtral": {
        "plain": {}, "window": dict(sliding_window=7), "one-expert": dict(num_experts_per_tok=1), "all-experts": dict(num_experts_per_tok=4),
        "head-dim": dict(head_dim=20), "tied": dict(tie_word_embeddings=True),
        "yarn": dict(rope("yarn", factor=4.0, original_max_position_embeddings=32), head_dim=8),
        "layer-types": dict(sliding_window=7, layer_types=layers("w.w")),
    },
    "gpt_oss": {
        "plain": {}, "default-rope": rope("default"), "layer-types": dict(layer_types=layers("..w")), "no-bias": dict(attention_bias=False),
        "limit": dict(swiglu_limit=0.5), "alpha": dict(swiglu_alpha=1.1),
        "yarn": rope("yarn", factor=8.0, original_max_position_embeddings=32, beta_fast=32.0, beta_slow=1.0, truncate=False),
        "yarn-truncated": rope("yarn", factor=8.0, original_max_position_embeddings=32), "one-expert": dict(num_experts_per_tok=1),
        "tied": dict(tie_word_embeddings=True),
    },
}


def cases():
    for family, variants in OF_FAMILY.items():
        for name, settings in variants.items():
            yield name.lstrip("!"), family, {**SIZES.get(family, USUAL), **settings}, name.startswith("!")
