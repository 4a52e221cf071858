// Keys and queries as small integers, and which keys they show to be at or below a threshold
// (docs/method.md, "Skipping before reading"). Nothing above a threshold is ever ruled out.
//
// A key is step * (C + e) with integers C, |C_i| <= 127, one step for kKeyBlock keys, and a small e; a query
// step * (Q + f). Then q . k <= steps * (Q . C + |f| |C + e| + |Q| |e|): a key is a candidate where Q . C is
// above a bound that its block and the row set.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/attention/block_marks.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

// What sums of products of codes are computed in.
enum class SumWidth {
  // |Q_i| <= 64, and steps are chosen so that |Q| |C| < 2^15 (Cauchy-Schwarz), for the longer heads by
  // halves: 16 bits hold the sum, and wrapping on the way does no harm.
  bits16,
  // |Q_i| <= 127: finer codes, where the processor adds up products of bytes in 32 bits (AVX-512 VNNI).
  bits32
};

// The better one that this processor has.
SumWidth best_sum_width();

// What holds for all keys of a block.
struct KeyBlockFacts {
  float inverse_step = 1;
  float norm = 0;   // no |key| / step is larger
  float error = 0;  // no |e| is larger
};

// kKeyBlock keys, [kKeyBlock][head_dim] row by row, as codes [head_dim / 4][kKeyBlock][4], 128 + C each.
// head_dim is a multiple of 4. A block with a key that is not finite is never ruled out.
KeyBlockFacts code_keys(const float* keys, std::int64_t head_dim, SumWidth sums, std::uint8_t* codes);

// Rows of queries, kept from call to call without new memory.
struct QueryCodes {
  std::int64_t head_dim = 0;
  std::int64_t rows = 0;
  SumWidth sums = SumWidth::bits16;
  std::vector<std::int8_t> codes;  // [rows][head_dim]
  // 128 times the sum of a row's codes, of each half: by so much the bytes of keys are too large.
  std::vector<std::int32_t> offsets;  // [rows][2]
  std::vector<float> inverse_steps;   // [rows]
  std::vector<float> norms;           // [rows] |Q|
  std::vector<float> errors;          // [rows] |f|, and the rounding of scores
};
// q: [rows] of head_dim floats, q_stride apart.
void code_queries(const float* q, std::int64_t rows, std::int64_t q_stride, std::int64_t head_dim,
                  SumWidth sums, QueryCodes& queries);

// Keys of some blocks, [blocks][head_dim / 4][kKeyBlock][4].
struct KeyCodes {
  const std::uint8_t* codes = nullptr;
  const KeyBlockFacts* facts = nullptr;  // [blocks]
};

inline constexpr std::int64_t kMaxCodeRows = 64;  // of one call
inline constexpr std::int64_t kMaxCodeBlocks = 32;

// Queries and keys coded for the same sums. Marks the keys that may have a score above theta[r], the score as
// score_rows computes it. scale > 0. Time: rows * keys * head_dim, a quarter of that of the scores (with VNNI
// an eighth).
void mark_candidates(const QueryCodes& queries, const KeyCodes& keys, std::int64_t blocks, const float* theta,
                     float scale, const BlockMarks& marks);

}  // namespace toptheta
