// Matrix products with constant weights: y = x * W^T + b.
//
// The arithmetic of several rows is oneDNN's, that of single rows ours; the division of labour is ours: rows
// are cut into tiles and output features into panels, and every product is one single-threaded piece
// (shares.hpp has how many). 64 rows and more go tile by tile with groups of panels, where oneDNN has a
// product for that whose sums do not depend on the tile (AVX-512, in_features a multiple of 16 and
// out_features of 64); all others go panel by panel. A sum never depends on the cut, so the result has the
// same bytes at any number of threads.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "kernels/linear/coded_panel.hpp"
#include "kernels/linear/compute.hpp"

namespace toptheta {

class Linear {
 public:
  // weight: [out_features, in_features] row-major; bias: [out_features] or empty. Both are copied, the
  // weights into panels of 64 features [in_features][64]: 4 bytes a weight (bf16: 2, q8: 1.25). Requires
  // out_features > 0, in_features > 0.
  Linear(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
         std::span<const float> bias = {}, Compute compute = Compute::f32);
  // The same from a source that writes weights of output features first ... first + count - 1 to out
  // [count, in_features]; it is called from several threads at once. Memory besides: 64 rows a thread.
  using ReadRows = std::function<void(std::int64_t first, std::int64_t count, float* out)>;
  Linear(const ReadRows& read, std::int64_t out_features, std::int64_t in_features,
         std::span<const float> bias = {}, Compute compute = Compute::f32);
  // Compute::q8 of weights that are integers with scales already, which are kept as they are. `group` is 16
  // (1.5 bytes a weight) or 32; requires in_features to be a multiple of 32.
  using ReadCodes = std::function<void(std::int64_t first, std::int64_t count, const CodedRows& to)>;
  Linear(const ReadCodes& read, std::int64_t group, std::int64_t out_features, std::int64_t in_features,
         std::span<const float> bias = {});
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  [[nodiscard]] std::int64_t in_features() const;
  [[nodiscard]] std::int64_t out_features() const;
  // The weights of one output feature, as they are kept: [in_features].
  void row(std::int64_t out_feature, float* weights) const;
  [[nodiscard]] std::int64_t bias_size() const;  // out_features, or 0
  [[nodiscard]] std::int64_t bytes() const;      // in memory
  // Whether products of several rows take their input (and q8's weights) rounded to bfloat16, on this
  // processor.
  [[nodiscard]] bool rounds_input() const;
  // Whether 64 rows and more go with all panels, on this processor.
  [[nodiscard]] bool takes_whole_rows() const;

  // y [rows, out_features] = x [rows, in_features] * W^T + b. May run in several threads at once. A row's
  // result is the same to rounding whatever rows come with it, and to the bit where both times there are so
  // many that they are taken whole; under q8, a single row's to the rounding of its input to 8 bits. Time: 2
  // * rows * in * out operations; one row is bound by reading the weights, and allocates nothing.
  void apply(const float* x, std::int64_t rows, float* y) const;
  // y += x * W^T + b: with a residual connection.
  void apply_add(const float* x, std::int64_t rows, float* y) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace toptheta
