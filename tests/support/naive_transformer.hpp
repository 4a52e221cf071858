// A LLaMA-shaped decoder by the book: double precision, dense attention, one position after the other, no
// cleverness. What the real one is tested against; nothing is shared with lib/.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace toptheta::testing {

using Doubles = std::vector<double>;

struct NaiveTransformer {
  std::size_t hidden = 0, ffn = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0;
  double eps = 1e-5;
  Doubles rope_frequencies{};  // [head_dim / 2] radians per position
  bool tied = false;
  std::map<std::string, Doubles> tensors{};  // by Hugging Face's names; biases where there are any

  // Logits of every position, [tokens][vocab].
  [[nodiscard]] std::vector<Doubles> forward(std::span<const std::int32_t> tokens) const {
    std::vector<Doubles> x;
    const Doubles& embedding = tensors.at("model.embed_tokens.weight");
    for (const std::int32_t token : tokens) {
      const auto row =
          embedding.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(token) * hidden);
      x.emplace_back(row, row + static_cast<std::ptrdiff_t>(hidden));
    }
    for (std::size_t l = 0; l < layers; ++l)
      layer(l, x);
    std::vector<Doubles> logits;
    for (const Doubles& row : x)
      logits.push_back(product(tied ? "model.embed_tokens" : "lm_head", norm("model.norm.weight", row)));
    return logits;
  }

 private:
  [[nodiscard]] Doubles norm(const std::string& weight, const Doubles& x) const {
    double squares = 0;
    for (const double v : x)
      squares += v * v;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + eps);
    Doubles out = tensors.at(weight);
    for (std::size_t i = 0; i < x.size(); ++i)
      out[i] *= x[i] * scale;
    return out;
  }

  [[nodiscard]] Doubles product(const std::string& name, const Doubles& x) const {
    const Doubles& weight = tensors.at(name + ".weight");
    Doubles out(weight.size() / x.size());
    for (std::size_t o = 0; o < out.size(); ++o)
      for (std::size_t i = 0; i < x.size(); ++i)
        out[o] += weight[o * x.size() + i] * x[i];
    if (const auto bias = tensors.find(name + ".bias"); bias != tensors.end()) add(out, bias->second);
    return out;
  }

  static void add(Doubles& sum, const Doubles& x) {
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += x[i];
  }

  void rotate(Doubles& x, std::size_t position) const {
    const std::size_t half = head_dim / 2;
    for (std::size_t head = 0; head < x.size() / head_dim; ++head)
      for (std::size_t i = 0; i < half; ++i) {
        double& a = x[head * head_dim + i];
        double& b = x[head * head_dim + half + i];
        const double angle = static_cast<double>(position) * rope_frequencies[i];
        const double rotated = a * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + a * std::sin(angle);
        a = rotated;
      }
  }

  // What query row q sees of keys and values 0 ... count - 1.
  [[nodiscard]] Doubles attention(const Doubles& q, const std::vector<Doubles>& k,
                                  const std::vector<Doubles>& v, std::size_t count) const {
    Doubles out(heads * head_dim);
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t from = h / (heads / kv_heads) * head_dim;
      Doubles weights(count);
      for (std::size_t j = 0; j < count; ++j) {
        double score = 0;
        for (std::size_t i = 0; i < head_dim; ++i)
          score += q[h * head_dim + i] * k[j][from + i];
        weights[j] = std::exp(score / std::sqrt(static_cast<double>(head_dim)));
      }
      double sum = 0;
      for (const double w : weights)
        sum += w;
      for (std::size_t j = 0; j < count; ++j)
        for (std::size_t i = 0; i < head_dim; ++i)
          out[h * head_dim + i] += weights[j] / sum * v[j][from + i];
    }
    return out;
  }

  void layer(std::size_t l, std::vector<Doubles>& x) const {
    const std::string prefix = "model.layers." + std::to_string(l) + ".";
    std::vector<Doubles> k;
    std::vector<Doubles> v;
    for (std::size_t p = 0; p < x.size(); ++p) {
      const Doubles normed = norm(prefix + "input_layernorm.weight", x[p]);
      Doubles q = product(prefix + "self_attn.q_proj", normed);
      k.push_back(product(prefix + "self_attn.k_proj", normed));
      v.push_back(product(prefix + "self_attn.v_proj", normed));
      rotate(q, p);
      rotate(k.back(), p);
      add(x[p], product(prefix + "self_attn.o_proj", attention(q, k, v, p + 1)));

      const Doubles ffn_in = norm(prefix + "post_attention_layernorm.weight", x[p]);
      Doubles gate = product(prefix + "mlp.gate_proj", ffn_in);
      const Doubles up = product(prefix + "mlp.up_proj", ffn_in);
      for (std::size_t i = 0; i < gate.size(); ++i)
        gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      add(x[p], product(prefix + "mlp.down_proj", gate));
    }
  }
};

}  // namespace toptheta::testing
