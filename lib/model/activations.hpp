// The activations of a forward pass, in memory that is reused from call to call.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/parallel.hpp"
#include "model/config.hpp"

namespace toptheta {

// A matrix of activations, [rows, width].
class ActivationRows {
 public:
  explicit ActivationRows(std::int64_t width) : width_(width) {}
  // Makes room for `rows` rows. Memory only grows, so that decoding allocates nothing after its first step.
  void reserve(std::int64_t rows) {
    const auto size = static_cast<std::size_t>(rows * width_);
    if (values_.size() < size) values_.resize(size);
  }
  [[nodiscard]] float* data() { return values_.data(); }
  [[nodiscard]] std::span<float> row(std::int64_t r) {
    return {values_.data() + r * width_, static_cast<std::size_t>(width_)};
  }

 private:
  std::int64_t width_;
  std::vector<float> values_;
};

// H query heads, G KV heads, D = head_dim.
struct Activations {
  ActivationRows x;       // [rows, hidden] the residual stream
  ActivationRows normed;  // [rows, hidden] the normed input of attention, then of the feed-forward part
  ActivationRows aside;   // [rows, hidden] a parallel block's feed-forward input, if it has its own norm
  ActivationRows branch;  // [rows, hidden] what attention or feed-forward part adds, if that is normed first
  ActivationRows qkv;     // [rows, (H + 2 G) D] queries, keys and values before rotary embedding
  ActivationRows q;       // [rows, H, D] after rotary embedding
  ActivationRows k;       // [rows, G, D] after rotary embedding
  ActivationRows v;       // [rows, G, D]
  ActivationRows attended;  // [rows, H, D]
  ActivationRows up;        // [rows, 2 ffn] gates, then ups; [rows, ffn] if not gated
  ActivationRows gated;     // [rows, ffn] after the activation

  Activations(const ModelConfig& c, std::int64_t ffn)
      : x(c.hidden_size),
        normed(c.hidden_size),
        aside(c.hidden_size),
        branch(c.hidden_size),
        qkv((c.shape.num_heads + 2 * c.shape.num_kv_heads) * c.shape.head_dim),
        q(c.shape.num_heads * c.shape.head_dim),
        k(c.shape.num_kv_heads * c.shape.head_dim),
        v(c.shape.num_kv_heads * c.shape.head_dim),
        attended(c.shape.num_heads * c.shape.head_dim),
        up(c.gated() ? 2 * ffn : ffn),
        gated(ffn) {}
  void reserve(std::int64_t rows) {
    for (ActivationRows* matrix : {&x, &normed, &aside, &branch, &qkv, &q, &k, &v, &attended, &up, &gated})
      matrix->reserve(rows);
  }
};

// Calls body(r) for every row r, in parallel, in tiles of 16 rows.
template <typename Body>
void for_each_row(std::int64_t rows, const Body& body) {
  constexpr std::int64_t kTile = 16;
  const auto tile_rows = [&](std::int64_t tile) {
    for (std::int64_t r = tile * kTile; r < std::min(rows, (tile + 1) * kTile); ++r)
      body(r);
  };
  // By reference: a copy into std::function would allocate.
  parallel_for((rows + kTile - 1) / kTile, std::cref(tile_rows));
}

}  // namespace toptheta
