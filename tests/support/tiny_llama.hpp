// A small random LLaMA, as a directory in Hugging Face's format and as its double-precision double.
#pragma once
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/half.hpp"
#include "core/random.hpp"
#include "io/safetensors.hpp"
#include "support/naive_transformer.hpp"

namespace toptheta::testing {

struct TinyTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// Change the fields before writing it.
struct TinyLlama {
  std::int64_t hidden = 24, ffn = 40, layers = 2, heads = 4, kv_heads = 2, head_dim = 6, vocab = 50;
  std::int64_t context = 128;
  bool tied = false;
  bool attention_bias = false;
  bool mlp_bias = false;
  TensorType type = TensorType::f32;
  nlohmann::json more_config = nlohmann::json::object();  // merged into config.json; null takes a field out
  std::map<std::string, TinyTensor> tensors{};            // fill_tensors() draws them

  [[nodiscard]] nlohmann::json config() const {
    nlohmann::json json = {{"architectures", {"LlamaForCausalLM"}},
                           {"model_type", "llama"},
                           {"hidden_size", hidden},
                           {"intermediate_size", ffn},
                           {"num_hidden_layers", layers},
                           {"num_attention_heads", heads},
                           {"num_key_value_heads", kv_heads},
                           {"head_dim", head_dim},
                           {"vocab_size", vocab},
                           {"max_position_embeddings", context},
                           {"rms_norm_eps", 1e-5},
                           {"hidden_act", "silu"},
                           {"tie_word_embeddings", tied},
                           {"attention_bias", attention_bias},
                           {"mlp_bias", mlp_bias},
                           {"bos_token_id", 1},
                           {"eos_token_id", 2}};
    json.merge_patch(more_config);
    return json;
  }

  void fill_tensors(std::uint64_t seed = 1) {
    Random random(seed);
    // Norm weights near 1, the rest of a size that keeps activations alive through the layers.
    const auto draw = [&](const std::string& name, std::vector<std::int64_t> shape) {
      const bool is_norm = name.find("norm") != std::string::npos;
      const double size = is_norm ? 0.2 : 1.5 / std::sqrt(static_cast<double>(shape.back()));
      TinyTensor tensor{shape, {}};
      std::int64_t count = 1;
      for (const std::int64_t n : shape)
        count *= n;
      for (std::int64_t i = 0; i < count; ++i)
        tensor.values.push_back(rounded((is_norm ? 1 : 0) + size * (2 * random.uniform() - 1)));
      tensors[name] = std::move(tensor);
    };
    const auto draw_matrix = [&](const std::string& name, std::int64_t out, std::int64_t in, bool bias) {
      draw(name + ".weight", {out, in});
      if (bias) draw(name + ".bias", {out});
    };
    draw("model.embed_tokens.weight", {vocab, hidden});
    draw("model.norm.weight", {hidden});
    if (!tied) draw_matrix("lm_head", vocab, hidden, false);
    for (std::int64_t l = 0; l < layers; ++l) {
      const std::string prefix = "model.layers." + std::to_string(l) + ".";
      draw(prefix + "input_layernorm.weight", {hidden});
      draw(prefix + "post_attention_layernorm.weight", {hidden});
      draw_matrix(prefix + "self_attn.q_proj", heads * head_dim, hidden, attention_bias);
      draw_matrix(prefix + "self_attn.k_proj", kv_heads * head_dim, hidden, attention_bias);
      draw_matrix(prefix + "self_attn.v_proj", kv_heads * head_dim, hidden, attention_bias);
      draw_matrix(prefix + "self_attn.o_proj", hidden, heads * head_dim, attention_bias);
      draw_matrix(prefix + "mlp.gate_proj", ffn, hidden, mlp_bias);
      draw_matrix(prefix + "mlp.up_proj", ffn, hidden, mlp_bias);
      draw_matrix(prefix + "mlp.down_proj", hidden, ffn, mlp_bias);
    }
  }

  void write(const std::filesystem::path& directory) const {
    std::filesystem::create_directories(directory);
    std::ofstream(directory / "config.json") << config().dump(1);
    std::map<std::string, std::vector<std::byte>> data;
    std::vector<TensorToWrite> list;
    for (const auto& [name, tensor] : tensors) {
      std::vector<std::byte>& bytes = data[name] = bytes_of(tensor.values);
      list.push_back({.name = name, .type = type, .shape = tensor.shape, .data = bytes});
    }
    write_safetensors(directory / "model.safetensors", list);
  }

  [[nodiscard]] NaiveTransformer naive() const {
    NaiveTransformer model{.hidden = static_cast<std::size_t>(hidden),
                           .ffn = static_cast<std::size_t>(ffn),
                           .layers = static_cast<std::size_t>(layers),
                           .heads = static_cast<std::size_t>(heads),
                           .kv_heads = static_cast<std::size_t>(kv_heads),
                           .head_dim = static_cast<std::size_t>(head_dim),
                           .vocab = static_cast<std::size_t>(vocab),
                           .tied = tied};
    for (std::int64_t i = 0; i < head_dim / 2; ++i)
      model.rope_frequencies.push_back(
          std::pow(10000.0, -static_cast<double>(2 * i) / static_cast<double>(head_dim)));
    for (const auto& [name, tensor] : tensors)
      model.tensors[name] = Doubles(tensor.values.begin(), tensor.values.end());
    return model;
  }

 private:
  // The nearest value that the file can hold.
  [[nodiscard]] float rounded(double value) const {
    const auto single = static_cast<float>(value);
    if (type == TensorType::bf16) return float_from_bf16(bf16_from_float(single));
    if (type == TensorType::f16) return float_from_f16(f16_from_float(single));
    return single;
  }

  [[nodiscard]] std::vector<std::byte> bytes_of(const std::vector<float>& values) const {
    const std::size_t width = type == TensorType::f32 ? sizeof(float) : sizeof(std::uint16_t);
    std::vector<std::byte> bytes(values.size() * width);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint16_t half =
          type == TensorType::bf16 ? bf16_from_float(values[i]) : f16_from_float(values[i]);
      if (type == TensorType::f32)
        std::memcpy(&bytes[i * width], &values[i], width);
      else
        std::memcpy(&bytes[i * width], &half, width);
    }
    return bytes;
  }
};

}  // namespace toptheta::testing
