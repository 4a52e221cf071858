#include "kernels/attention/int8_bounds.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/attention/int8_products_vnni.hpp"
#include "kernels/vector/vnni.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/int8_bounds.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include "kernels/attention/int8_products-inl.hpp"
#include "kernels/vector/floats-inl.hpp"

#ifndef TOPTHETA_KEY_CODES_ONCE
#define TOPTHETA_KEY_CODES_ONCE
namespace toptheta {
namespace {

constexpr std::int64_t kMaxKeyCode = 127;
constexpr std::int64_t kOffset = 128;

inline std::int64_t max_query_code(SumWidth sums) {
  return sums == SumWidth::bits32 ? 127 : 64;  // the sum of two products of 64 and a byte fits 16 bits
}

// The range of bounds on sums. Every sum is above `lowest` or is counted as if it were; none is above
// `highest`.
struct BoundLimits {
  float lowest;
  float highest;
};
inline BoundLimits bound_limits(SumWidth sums) {
  return sums == SumWidth::bits32 ? BoundLimits{-0x1p30F, 0x1p30F} : BoundLimits{-32768, 32766};
}

// How many quads of dimensions have their products added in the first 16-bit sum; a second sum takes the
// others.
inline std::int64_t first_half(std::int64_t head_dim) {
  return head_dim <= 64 ? head_dim / 4 : (head_dim / 4 + 1) / 2;
}

// The largest norm of a code vector in each half. Rounding adds at most sqrt(dimensions) / 2 to it, and the
// product of two such norms must stay below 2^15.
inline float norm_limit(SumWidth sums, std::int64_t head_dim) {
  if (sums == SumWidth::bits32) return std::numeric_limits<float>::infinity();
  return 181 - std::sqrt(static_cast<float>(4 * first_half(head_dim))) / 2;
}

struct Norms {
  float largest = 0;       // the largest |x_i|
  float half[2] = {0, 0};  // sums of squares of each half
  [[nodiscard]] float both() const { return std::sqrt(half[0] + half[1]); }
  [[nodiscard]] bool finite() const { return both() < 1e15F; }
};

// The step that keeps codes within `largest_code` and their norm within norm_limit().
inline float step_for(const Norms& norms, std::int64_t largest_code, SumWidth sums, std::int64_t head_dim) {
  const float by_norm = std::sqrt(std::max(norms.half[0], norms.half[1])) / norm_limit(sums, head_dim);
  // Slightly larger than needed, because all of this is rounded; never so small that its inverse overflows.
  const float step = std::max(norms.largest / static_cast<float>(largest_code), by_norm) * (1 + 0x1p-12F);
  return std::max(step, 1e-30F);
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kRoundUp = 1 + 0x1p-12F;  // covers the rounding of sums of squares

}  // namespace
}  // namespace toptheta
#endif  // TOPTHETA_KEY_CODES_ONCE

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// Adds the elements [first, last) to the largest |x_i| and to the sum of squares.
template <class D>
HWY_INLINE void AddNorms(D d, const float* x, std::int64_t first, std::int64_t last, float& largest,
                         float& squares) {
  auto most = hn::Zero(d);
  auto sum = hn::Zero(d);
  for (std::int64_t i = first; i < last; i += static_cast<std::int64_t>(hn::Lanes(d))) {
    const auto v = hn::LoadU(d, x + i);
    most = hn::Max(most, hn::Abs(v));
    sum = hn::MulAdd(v, v, sum);
  }
  largest = std::max(largest, hn::GetLane(hn::MaxOfLanes(d, most)));
  squares += hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE Norms NormsOf(const float* x, std::int64_t head_dim) {
  Norms norms;
  const std::int64_t ends[3] = {0, 4 * first_half(head_dim), head_dim};
  for (int h = 0; h < 2; ++h) {
    const std::int64_t whole = ends[h] + (ends[h + 1] - ends[h]) / kLanes * kLanes;
    AddNorms(Floats(), x, ends[h], whole, norms.largest, norms.half[h]);
    if (whole < ends[h + 1])
      AddNorms(hn::CappedTag<float, 4>(), x, whole, ends[h + 1], norms.largest, norms.half[h]);
  }
  return norms;
}

// Writes the codes of [first, last); returns the sum of squares of the rounding errors.
template <class D>
HWY_INLINE float Code(D d, const float* x, std::int64_t first, std::int64_t last, float inverse,
                      std::int8_t* codes) {
  const hn::Rebind<std::int8_t, D> bytes;
  const auto factor = hn::Set(d, inverse);
  auto lost = hn::Zero(d);
  for (std::int64_t i = first; i < last; i += static_cast<std::int64_t>(hn::Lanes(d))) {
    const auto scaled = hn::Mul(hn::LoadU(d, x + i), factor);
    const auto code = hn::NearestInt(scaled);
    const auto rest = hn::Sub(scaled, hn::ConvertTo(d, code));
    lost = hn::MulAdd(rest, rest, lost);
    hn::StoreU(hn::DemoteTo(bytes, code), bytes, codes + i);
  }
  return hn::GetLane(hn::SumOfLanes(d, lost));
}

// codes = x / step, rounded. Returns a bound on the norm of the rounding error, in steps.
HWY_INLINE float CodeRow(const float* x, std::int64_t head_dim, float inverse, std::int8_t* codes) {
  const std::int64_t whole = head_dim / kLanes * kLanes;
  float lost = Code(Floats(), x, 0, whole, inverse, codes);
  if (whole < head_dim) lost += Code(hn::CappedTag<float, 4>(), x, whole, head_dim, inverse, codes);
  // x / step, which is at most 127, is itself computed with 2 roundings.
  return std::sqrt(lost) * kRoundUp + std::sqrt(static_cast<float>(head_dim)) * 0x1p-15F;
}

KeyBlockFacts CodeKeys(const float* keys, std::int64_t head_dim, SumWidth sums, std::uint8_t* codes) {
  float step = 0;
  float norm = 0;
  for (std::int64_t g = 0; g < kKeyBlock; ++g) {
    const Norms norms = NormsOf(keys + g * head_dim, head_dim);
    if (!norms.finite()) {
      std::fill_n(codes, kKeyBlock * head_dim, static_cast<std::uint8_t>(kOffset));
      return {1, kInfinity, kInfinity};
    }
    step = std::max(step, step_for(norms, kMaxKeyCode, sums, head_dim));
    norm = std::max(norm, norms.both());
  }
  KeyBlockFacts facts{1 / step, norm / step * kRoundUp, 0};
  constexpr std::int64_t kPiece = 256;  // dimensions at a time
  for (std::int64_t g = 0; g < kKeyBlock; ++g) {
    float lost = 0;
    for (std::int64_t first = 0; first < head_dim; first += kPiece) {
      std::int8_t row[kPiece];
      const std::int64_t dims = std::min(kPiece, head_dim - first);
      const float piece = CodeRow(keys + g * head_dim + first, dims, facts.inverse_step, row);
      lost += piece * piece;
      for (std::int64_t i = 0; i < dims; i += 4) {
        std::uint8_t* const quad = codes + (first + i) * kKeyBlock + 4 * g;
        for (int u = 0; u < 4; ++u)
          quad[u] = static_cast<std::uint8_t>(row[i + u] + kOffset);
      }
    }
    facts.error = std::max(facts.error, std::sqrt(lost) * kRoundUp);
  }
  return facts;
}

void CodeQueries(const float* q, std::int64_t q_stride, QueryCodes& queries) {
  const std::int64_t head_dim = queries.head_dim;
  const std::int64_t middle = 4 * first_half(head_dim);
  for (std::int64_t r = 0; r < queries.rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    std::int8_t* const codes = queries.codes.data() + r * head_dim;
    const Norms norms = NormsOf(q + r * q_stride, head_dim);
    if (!norms.finite()) {
      std::fill_n(codes, head_dim, std::int8_t{0});
      queries.offsets[2 * at] = queries.offsets[2 * at + 1] = 0;
      queries.inverse_steps[at] = 1;
      queries.norms[at] = queries.errors[at] = kInfinity;
      continue;
    }
    const float inverse = 1 / step_for(norms, max_query_code(queries.sums), queries.sums, head_dim);
    const float error = CodeRow(q + r * q_stride, head_dim, inverse, codes);
    const std::int32_t sums[2] = {std::accumulate(codes, codes + middle, std::int32_t{0}),
                                  std::accumulate(codes + middle, codes + head_dim, std::int32_t{0})};
    for (std::size_t h = 0; h < 2; ++h)
      queries.offsets[2 * at + h] = static_cast<std::int32_t>(kOffset) * sums[h];
    // The rounding of scores: a chain of at most 2 head_dim roundings, and the product with the scale.
    const float length = norms.both() * inverse * kRoundUp;
    queries.inverse_steps[at] = inverse;
    queries.norms[at] = length + error;
    queries.errors[at] = error + length * static_cast<float>(2 * head_dim + 8) * 0x1p-24F;
  }
}

// Bounds on the integer products of all rows with some blocks. With key = s (C + e), query = t (Q + f) and
// theta' = theta / scale, a score above theta means that Q . C > theta' / (s t) - |f| |C + e| - |Q| |e|.
// kFraction of the magnitudes of what is added here covers the rounding of this computation.
void RowBounds(const QueryCodes& queries, const KeyBlockFacts* facts, std::int64_t blocks, const float* theta,
               float scale, std::int32_t* bounds) {
  constexpr float kFraction = 0x1p-18F;
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const Vec lowest = hn::Set(d, bound_limits(queries.sums).lowest);
  const Vec highest = hn::Set(d, bound_limits(queries.sums).highest);
  float steps[kMaxCodeBlocks] = {};
  float key_norms[kMaxCodeBlocks] = {};
  float key_errors[kMaxCodeBlocks] = {};
  for (std::int64_t b = 0; b < blocks; ++b) {
    steps[b] = facts[b].inverse_step;
    key_norms[b] = facts[b].norm;
    key_errors[b] = facts[b].error;
  }
  for (std::int64_t r = 0; r < queries.rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    const Vec theta_in_steps = hn::Set(d, theta[r] / scale * queries.inverse_steps[at]);
    const Vec norm = hn::Set(d, queries.norms[at]);
    const Vec error = hn::Set(d, queries.errors[at]);
    for (std::int64_t b = 0; b < blocks; b += kLanes) {
      const Vec least = hn::Mul(theta_in_steps, hn::LoadU(d, steps + b));
      const Vec slack =
          hn::MulAdd(error, hn::LoadU(d, key_norms + b), hn::Mul(norm, hn::LoadU(d, key_errors + b)));
      const Vec margin = hn::MulAdd(hn::Set(d, kFraction), hn::Add(hn::Abs(least), slack), hn::Set(d, 0.25F));
      const Vec bound = hn::Sub(hn::Sub(least, slack), margin);
      // NaN, which arises where something is not finite, becomes the lowest bound.
      const Vec clamped = hn::Min(hn::IfThenElse(hn::Gt(bound, lowest), bound, lowest), highest);
      hn::StoreU(hn::ConvertTo(di, hn::Floor(clamped)), di, bounds + r * kMaxCodeBlocks + b);
    }
  }
}

void MarkTileOf(const CodeTile& tile) {
  MarkTile(tile);
}

SumWidth BestSumWidth() {
  return HWY_TARGET <= HWY_AVX3 && has_vnni() ? SumWidth::bits32 : SumWidth::bits16;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(BestSumWidth);
HWY_EXPORT(CodeKeys);
HWY_EXPORT(CodeQueries);
HWY_EXPORT(MarkTileOf);
HWY_EXPORT(RowBounds);

SumWidth best_sum_width() {
  return HWY_DYNAMIC_DISPATCH(BestSumWidth)();
}

KeyBlockFacts code_keys(const float* keys, std::int64_t head_dim, SumWidth sums, std::uint8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(CodeKeys)(keys, head_dim, sums, codes);
}

void code_queries(const float* q, std::int64_t rows, std::int64_t q_stride, std::int64_t head_dim,
                  SumWidth sums, QueryCodes& queries) {
  const auto count = static_cast<std::size_t>(rows);
  queries.head_dim = head_dim;
  queries.rows = rows;
  queries.sums = sums;
  if (queries.norms.size() < count) {
    queries.offsets.resize(2 * count);
    for (auto* values : {&queries.inverse_steps, &queries.norms, &queries.errors})
      values->resize(count);
  }
  const auto size = count * static_cast<std::size_t>(head_dim);
  if (queries.codes.size() < size) queries.codes.resize(size);
  HWY_DYNAMIC_DISPATCH(CodeQueries)(q, q_stride, queries);
}

void mark_candidates(const QueryCodes& queries, const KeyCodes& keys, std::int64_t blocks, const float* theta,
                     float scale, const BlockMarks& marks) {
  assert(queries.rows <= kMaxCodeRows && blocks <= kMaxCodeBlocks);
  std::int32_t bounds[kMaxCodeRows * kMaxCodeBlocks];
  HWY_DYNAMIC_DISPATCH(RowBounds)(queries, keys.facts, blocks, theta, scale, bounds);
  const CodeTile tile{.queries = queries.codes.data(),
                      .offsets = queries.offsets.data(),
                      .rows = queries.rows,
                      .keys = keys.codes,
                      .blocks = blocks,
                      .head_dim = queries.head_dim,
                      .half = first_half(queries.head_dim),
                      .bounds = bounds,
                      .bound_stride = kMaxCodeBlocks,
                      .marks = marks};
  if (queries.sums == SumWidth::bits32) return mark_tile_vnni(tile);
  HWY_DYNAMIC_DISPATCH(MarkTileOf)(tile);
}

}  // namespace toptheta
#endif  // HWY_ONCE
