// A tiny LLaMA as a GGUF file, for tests that change something in it.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "model/transformer.hpp"
#include "support/catch.hpp"
#include "support/gguf_bytes.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

namespace toptheta::testing {

inline constexpr std::uint32_t kPlainFloats = 0;

inline std::vector<float> all_logits(Transformer& model, std::span<const std::int32_t> tokens) {
  KvCache cache = model.new_cache(std::ssize(tokens));
  const auto logits =
      model.forward(tokens, cache, dense_policy(model.config().shape), {.first_logit_row = 0});
  return {logits.begin(), logits.end()};
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

inline std::string gguf_name(const std::string& name) {
  static const std::pair<const char*, const char*> names[] = {{"model.embed_tokens", "token_embd"},
                                                              {"model.norm", "output_norm"},
                                                              {"lm_head", "output"},
                                                              {"model.layers.", "blk."},
                                                              {"input_layernorm", "attn_norm"},
                                                              {"post_attention_layernorm", "ffn_norm"},
                                                              {"self_attn.q_proj", "attn_q"},
                                                              {"self_attn.k_proj", "attn_k"},
                                                              {"self_attn.v_proj", "attn_v"},
                                                              {"self_attn.o_proj", "attn_output"},
                                                              {"mlp.gate_proj", "ffn_gate"},
                                                              {"mlp.up_proj", "ffn_up"},
                                                              {"mlp.down_proj", "ffn_down"}};
  std::string result = name;
  for (const auto& [from, to] : names)
    result = replaced(result, from, to);
  return result;
}

// llama.cpp's files hold rows of queries and keys in the order 0, d/2, 1, d/2 + 1 ... of each head.
inline std::vector<float> in_pairs(const TinyTensor& tensor, std::int64_t head_dim) {
  const std::int64_t rows = tensor.shape.front();
  const std::int64_t width = std::ssize(tensor.values) / rows;
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t within = r % head_dim;
    const std::int64_t from = r - within + within / 2 + within % 2 * (head_dim / 2);
    values.insert(values.end(), tensor.values.begin() + from * width,
                  tensor.values.begin() + (from + 1) * width);
  }
  return values;
}

inline std::string bytes_of_floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// Blocks of that type near these values. The scale of Q8_0 and Q4_1 is 2^-10 of a half float's one; of Q6_K a
// byte times it.
inline std::string quantised(const std::vector<float>& values, int type) {
  const auto code = [](float value, float scale, int zero, int most) {
    return std::clamp(static_cast<int>(std::lround(value / scale)) + zero, 0, most);
  };
  const std::string unit("\x00\x14", 2);  // 2^-10 as a half float
  std::string bytes;
  for (std::size_t first = 0; first < values.size(); first += type == 14 ? 256 : 32) {
    const float* const x = values.data() + first;
    if (type == 8) {
      bytes += unit;
      for (int i = 0; i < 32; ++i)
        bytes += static_cast<char>(code(x[i], 0x1p-10F, 128, 255) - 128);
    } else if (type == 3) {
      bytes += std::string("\x00\x24", 2) + std::string("\x00\xA8", 2);  // 2^-6, -2^-5
      for (int i = 0; i < 16; ++i)
        bytes += static_cast<char>(code(x[i] + 0x1p-5F, 0x1p-6F, 0, 15) |
                                   code(x[i + 16] + 0x1p-5F, 0x1p-6F, 0, 15) << 4);
    } else {
      std::string low(128, '\0');
      std::string high(64, '\0');
      for (std::size_t i = 0; i < 256; ++i) {
        const int c = code(x[i], static_cast<float>(i / 16 + 1) * 0x1p-10F, 32, 63);
        low[i / 128 * 64 + i % 64] |= static_cast<char>((c & 15) << (i % 128 / 64 * 4));
        high[i / 128 * 32 + i % 32] |= static_cast<char>((c >> 4) << (i % 128 / 32 * 2));
      }
      bytes += low + high;
      for (int group = 0; group < 16; ++group)
        bytes += static_cast<char>(group + 1);
      bytes += unit;
    }
  }
  return bytes;
}

using TypeOf = std::function<int(const std::string&)>;
inline const TypeOf kAllFloats = [](const std::string&) { return 0; };

// `coded`: weights that are not floats, but for the embedding's.
inline GgufBytes gguf_of(const TinyLlama& tiny, const TypeOf& type_of, std::int64_t& coded) {
  GgufBytes gguf;
  gguf.text("general.architecture", "llama");
  const auto whole = [&](const char* name, std::int64_t value) {
    gguf.whole("llama." + std::string(name), static_cast<std::uint32_t>(value));
  };
  whole("block_count", tiny.layers);
  whole("context_length", tiny.context);
  whole("embedding_length", tiny.hidden);
  whole("feed_forward_length", tiny.ffn);
  whole("attention.head_count", tiny.heads);
  whole("attention.head_count_kv", tiny.kv_heads);
  whole("attention.key_length", tiny.head_dim);
  whole("attention.value_length", tiny.head_dim);
  gguf.number("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  for (const auto& [name, tensor] : tiny.tensors) {
    const bool rotated = name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos;
    const std::vector<float> values = rotated ? in_pairs(tensor, tiny.head_dim) : tensor.values;
    const std::vector<std::uint64_t> dims(tensor.shape.rbegin(), tensor.shape.rend());
    const int type = dims.size() == 2 ? type_of(gguf_name(name)) : 0;
    if (type != 0 && gguf_name(name).find("token_embd") == std::string::npos) coded += std::ssize(values);
    gguf.tensor(gguf_name(name), dims, type == 0 ? kPlainFloats : static_cast<std::uint32_t>(type),
                type == 0 ? bytes_of_floats(values) : quantised(values, type));
  }
  return gguf;
}

inline GgufBytes gguf_of(const TinyLlama& tiny) {
  std::int64_t none = 0;
  return gguf_of(tiny, kAllFloats, none);
}

inline Problem refused_model(const TempDir& dir, const std::function<void(GgufBytes&)>& change,
                             const TinyLlama& tiny) {
  GgufBytes gguf = gguf_of(tiny);
  change(gguf);
  write_file_atomically(dir.path("x.gguf"), gguf.bytes());
  try {
    (void)Transformer::load(dir.path("x.gguf"));
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError");
  return {};
}

}  // namespace toptheta::testing
