#include "kernels/key_codes.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "kernels/code_products_vnni.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/key_codes.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include "kernels/code_products-inl.hpp"

#ifndef TOPTHETA_KEY_CODES_ONCE
#define TOPTHETA_KEY_CODES_ONCE
namespace toptheta {
namespace {

constexpr std::int64_t kMaxKeyCode = 127;
constexpr std::int64_t kMaxQueryCode = 64;  // two products with a byte still fit 16 bits
constexpr std::int64_t kOffset = 128;

// The quads of dimensions whose products are added up in one 16-bit sum; a second sum takes the rest.
inline std::int64_t first_half(std::int64_t head_dim) {
  return head_dim <= 64 ? head_dim / 4 : (head_dim / 4 + 1) / 2;
}

// What |code| may be at most in each half: rounding adds at most sqrt(dimensions) / 2 to it, and the product
// of two such norms is to stay below 2^15.
inline double norm_limit(std::int64_t head_dim) {
  return 181 - std::sqrt(static_cast<double>(4 * first_half(head_dim))) / 2;
}

struct Norms {
  double largest = 0;  // |x_i|
  double half[2] = {0, 0};
  [[nodiscard]] double both() const { return std::sqrt(half[0] + half[1]); }
};
inline Norms norms_of(const float* x, std::int64_t head_dim) {
  Norms norms;
  const std::int64_t middle = 4 * first_half(head_dim);
  for (std::int64_t i = 0; i < head_dim; ++i) {
    const double value = static_cast<double>(x[i]);
    // Not std::max, which loses NaN.
    norms.largest = std::fabs(value) > norms.largest ? std::fabs(value) : norms.largest;
    norms.half[i < middle ? 0 : 1] += value * value;
  }
  return norms;
}

// The step that keeps codes within `largest_code` and their norm within the limit.
inline float step_for(const Norms& norms, std::int64_t largest_code, std::int64_t head_dim) {
  const double by_norm = std::sqrt(std::max(norms.half[0], norms.half[1])) / norm_limit(head_dim);
  // A little more than needed, for it is rounded to float; never so little that its inverse overflows.
  const double step = std::max(norms.largest / static_cast<double>(largest_code), by_norm) * (1 + 0x1p-20);
  return static_cast<float>(std::max(step, 1e-30));
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kRoundUp = 1 + 0x1p-20F;

}  // namespace
}  // namespace toptheta
#endif  // TOPTHETA_KEY_CODES_ONCE

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Bounds of a row on the integer products of some blocks. With key = s (C + e), query = t (Q + f) and theta'
// = theta / scale: a score above theta has Q . C > theta' / (s t) - |f| |C + e| - |Q| |e|. `fraction` of what
// is added up here covers the rounding of it.
HWY_INLINE void BoundsOf(const KeyBlockFacts* facts, std::int64_t blocks, float theta_in_steps, float norm,
                         float error, std::int16_t* bounds) {
  constexpr float kFraction = 0x1p-19F;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const float theta = theta_in_steps * facts[b].inverse_step;
    const float slack = error * facts[b].norm + norm * facts[b].error;
    const float bound = theta - slack - (0.25F + kFraction * (std::fabs(theta) + slack));
    // NaN, where something is not finite, becomes the lowest.
    const float clamped = std::min(bound > -32768.0F ? bound : -32768.0F, 32766.0F);
    bounds[b] = static_cast<std::int16_t>(std::floor(clamped));
  }
}

void MarkTileOf(const CodeTile& tile) {
  MarkTile(tile);
}

void RowBounds(const QueryCodes& queries, const KeyBlockFacts* facts, std::int64_t blocks, const float* theta,
               float scale, std::int16_t* bounds) {
  for (std::int64_t r = 0; r < queries.rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    BoundsOf(facts, blocks, theta[r] / scale * queries.inverse_steps[at], queries.norms[at],
             queries.errors[at], bounds + r * blocks);
  }
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(MarkTileOf);
HWY_EXPORT(RowBounds);

KeyBlockFacts code_keys(const float* keys, std::int64_t head_dim, std::uint8_t* codes) {
  Norms norms[kKeyBlock];
  float step = 0;
  KeyBlockFacts facts;
  for (std::int64_t g = 0; g < kKeyBlock; ++g) {
    norms[g] = norms_of(keys + g * head_dim, head_dim);
    if (!(norms[g].both() < 1e30)) {
      std::fill_n(codes, kKeyBlock * head_dim, static_cast<std::uint8_t>(kOffset));
      return {1, kInfinity, kInfinity};
    }
    step = std::max(step, step_for(norms[g], kMaxKeyCode, head_dim));
  }
  facts.inverse_step = 1 / step;
  double error = 0;
  double norm = 0;
  for (std::int64_t g = 0; g < kKeyBlock; ++g) {
    double lost = 0;
    for (std::int64_t i = 0; i < head_dim; ++i) {
      const float x = keys[g * head_dim + i];
      const auto code = static_cast<std::int32_t>(std::lrintf(x * facts.inverse_step));
      codes[i / 4 * (4 * kKeyBlock) + 4 * g + i % 4] = static_cast<std::uint8_t>(code + kOffset);
      const double rest = static_cast<double>(x) / static_cast<double>(step) - code;
      lost += rest * rest;
    }
    error = std::max(error, lost);
    norm = std::max(norm, norms[g].both());
  }
  facts.norm = static_cast<float>(norm / static_cast<double>(step)) * kRoundUp;
  facts.error = static_cast<float>(std::sqrt(error)) * kRoundUp;
  return facts;
}

void code_queries(const float* q, std::int64_t rows, std::int64_t q_stride, std::int64_t head_dim,
                  QueryCodes& queries) {
  const auto count = static_cast<std::size_t>(rows);
  queries.head_dim = head_dim;
  queries.rows = rows;
  if (queries.norms.size() < count) {
    queries.offsets.resize(2 * count);
    for (auto* values : {&queries.inverse_steps, &queries.norms, &queries.errors})
      values->resize(count);
  }
  const auto size = count * static_cast<std::size_t>(head_dim);
  if (queries.codes.size() < size) queries.codes.resize(size);
  const std::int64_t middle = 4 * first_half(head_dim);
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    const float* const row = q + r * q_stride;
    std::int8_t* const codes = queries.codes.data() + r * head_dim;
    const Norms norms = norms_of(row, head_dim);
    std::int32_t sums[2] = {0, 0};
    const bool finite = norms.both() < 1e30;
    const float step = finite ? step_for(norms, kMaxQueryCode, head_dim) : 1;
    const float inverse = 1 / step;
    double lost = 0;
    for (std::int64_t i = 0; i < head_dim; ++i) {
      const auto code = finite ? static_cast<std::int32_t>(std::lrintf(row[i] * inverse)) : 0;
      codes[i] = static_cast<std::int8_t>(code);
      sums[i < middle ? 0 : 1] += code;
      const double rest = static_cast<double>(row[i]) / static_cast<double>(step) - code;
      lost += rest * rest;
    }
    queries.offsets[2 * at] = static_cast<std::int32_t>(kOffset) * sums[0];
    queries.offsets[2 * at + 1] = static_cast<std::int32_t>(kOffset) * sums[1];
    queries.inverse_steps[at] = inverse;
    // A score is a chain of at most 2 head_dim roundings and the product with the scale.
    const double length = norms.both() / static_cast<double>(step);
    const double rounding = length * static_cast<double>(2 * head_dim + 8) * 0x1p-24;
    const double error = std::sqrt(lost);
    queries.norms[at] = finite ? static_cast<float>(length + error) * kRoundUp : kInfinity;
    queries.errors[at] = finite ? static_cast<float>(error + rounding) * kRoundUp : kInfinity;
  }
}

void mark_candidates(const QueryCodes& queries, const KeyCodes& keys, std::int64_t blocks, const float* theta,
                     float scale, std::uint16_t* marks, std::int64_t mark_stride) {
  assert(queries.rows <= kMaxCodeRows && blocks <= kMaxCodeBlocks);
  std::int16_t bounds[kMaxCodeRows * kMaxCodeBlocks];
  HWY_DYNAMIC_DISPATCH(RowBounds)(queries, keys.facts, blocks, theta, scale, bounds);
  const CodeTile tile{.queries = queries.codes.data(),
                      .offsets = queries.offsets.data(),
                      .rows = queries.rows,
                      .keys = keys.codes,
                      .blocks = blocks,
                      .head_dim = queries.head_dim,
                      .half = first_half(queries.head_dim),
                      .bounds = bounds,
                      .bound_stride = blocks,
                      .marks = marks,
                      .mark_stride = mark_stride};
  // Highway's choice counts for AVX-512 as a whole, so that tests see both kinds.
  if (vnni_serves() && (hwy::SupportedTargets() & HWY_AVX3) != 0) return mark_tile_vnni(tile);
  HWY_DYNAMIC_DISPATCH(MarkTileOf)(tile);
}

}  // namespace toptheta
#endif  // HWY_ONCE
