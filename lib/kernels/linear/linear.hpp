// Matrix products with constant weights: y = x * W^T + b.
//
// oneDNN multiplies several rows, our own code single rows. The division of labour is ours: rows are cut into
// tiles and output features into panels, and each product runs on a single thread (shares.hpp decides how
// many there are). From 64 rows on, tiles are multiplied with groups of panels, where oneDNN has such a
// product whose sums do not depend on the tile (AVX-512, in_features a multiple of 16 and out_features of
// 64). Otherwise they are multiplied panel by panel. A sum never depends on the cut, so the result has the
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
  // weight: [out_features, in_features] row-major; bias: [out_features] or empty. Both are copied; weights
  // are packed into panels of 64 output features, [in_features][64]. They take 4 bytes each (bf16: 2, q8:
  // 1.25). Requires out_features > 0 and in_features > 0.
  Linear(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
         std::span<const float> bias = {}, Compute compute = Compute::f32);
  // The same from a source that writes the weights of output features first ... first + count - 1 to out
  // [count, in_features]. It is called from several threads at once. Additional memory: 64 rows per thread.
  using ReadRows = std::function<void(std::int64_t first, std::int64_t count, float* out)>;
  Linear(const ReadRows& read, std::int64_t out_features, std::int64_t in_features,
         std::span<const float> bias = {}, Compute compute = Compute::f32);
  // Compute::q8 for weights that already are integers with scales, which are kept as they are. `group` is 16
  // (1.5 bytes per weight) or 32. Requires in_features to be a multiple of 32.
  using ReadCodes = std::function<void(std::int64_t first, std::int64_t count, const CodedRows& to)>;
  Linear(const ReadCodes& read, std::int64_t group, std::int64_t out_features, std::int64_t in_features,
         std::span<const float> bias = {});
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  [[nodiscard]] std::int64_t in_features() const;
  [[nodiscard]] std::int64_t out_features() const;
  // The weights of one output feature, [in_features], as they are stored (bf16 and q8: rounded).
  void row(std::int64_t out_feature, float* weights) const;
  [[nodiscard]] std::int64_t bias_size() const;  // out_features, or 0
  [[nodiscard]] std::int64_t bytes() const;      // in memory
  // Whether products of several rows round their input (and q8's weights) to bfloat16 on this processor.
  [[nodiscard]] bool rounds_input() const;
  // Whether products of 64 rows or more take groups of panels at once on this processor.
  [[nodiscard]] bool takes_whole_rows() const;

  // y [rows, out_features] = x [rows, in_features] * W^T + b. May run in several threads at once. The result
  // of a row does not depend, up to rounding, on which other rows are in the call; it is the same to the bit
  // between calls that have enough rows for groups of panels. Under q8 the result of a single row also has
  // the error of rounding its input to 8 bits. Time: 2 * rows * in * out operations; a single row is bound by
  // reading the weights, and allocates nothing.
  void apply(const float* x, std::int64_t rows, float* y) const;
  // y += x * W^T + b, for residual connections.
  void apply_add(const float* x, std::int64_t rows, float* y) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace toptheta
