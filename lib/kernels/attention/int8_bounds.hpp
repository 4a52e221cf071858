// Keys and queries as small integers, which show that some keys are at or below a threshold (docs/method.md,
// "Skipping before reading"). A key with a score above the threshold is never ruled out.
//
// A key is step * (C + e), where C are integers with |C_i| <= 127, the step is the same for kKeyBlock keys,
// and e is small. A query is step * (Q + f). Then q . k <= (product of the steps) * (Q . C + |f| |C + e| +
// |Q| |e|). So a key is a candidate where Q . C is above a bound that depends on its block and the row.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/attention/block_marks.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

// The integers in which products of codes are added up.
enum class SumWidth {
  // |Q_i| <= 64, and steps are chosen so that |Q| |C| < 2^15 (Cauchy-Schwarz); for longer heads this holds
  // for each half. The sum then fits 16 bits, and overflow on the way to it does no harm.
  bits16,
  // |Q_i| <= 127: finer codes, for processors that add products of bytes in 32 bits (AVX-512 VNNI).
  bits32
};

// The better of these on this processor.
SumWidth best_sum_width();

// Bounds for all keys of a block.
struct KeyBlockFacts {
  float inverse_step = 1;
  float norm = 0;   // the largest |key| / step, or more
  float error = 0;  // the largest |e|, or more
};

// Codes kKeyBlock keys, [kKeyBlock][head_dim] row by row, as 128 + C in [head_dim / 4][kKeyBlock][4].
// head_dim must be a multiple of 4. No key of a block that holds a number that is not finite is ever ruled
// out.
KeyBlockFacts code_keys(const float* keys, std::int64_t head_dim, SumWidth sums, std::uint8_t* codes);

// Coded rows of queries. The memory is reused from call to call.
struct QueryCodes {
  std::int64_t head_dim = 0;
  std::int64_t rows = 0;
  SumWidth sums = SumWidth::bits16;
  std::vector<std::int8_t> codes;  // [rows][head_dim]
  // 128 times the sum of a row's codes, for each half: what the offset of 128 in the bytes of keys adds to a
  // product.
  std::vector<std::int32_t> offsets;  // [rows][2]
  std::vector<float> inverse_steps;   // [rows]
  std::vector<float> norms;           // [rows] |Q|, or more
  std::vector<float> errors;          // [rows] |f| and the rounding of scores, or more
};
// Codes rows of queries. q: [rows] of head_dim floats, q_stride apart.
void code_queries(const float* q, std::int64_t rows, std::int64_t q_stride, std::int64_t head_dim,
                  SumWidth sums, QueryCodes& queries);

// The codes of some blocks of keys, [blocks][head_dim / 4][kKeyBlock][4].
struct KeyCodes {
  const std::uint8_t* codes = nullptr;
  const KeyBlockFacts* facts = nullptr;  // [blocks]
};

inline constexpr std::int64_t kMaxCodeRows = 64;  // per call
inline constexpr std::int64_t kMaxCodeBlocks = 32;

// Marks, for each row r, the keys whose score, as score_rows() computes it, may be above theta[r]. Queries
// and keys must be coded for the same SumWidth; scale > 0. Time: rows * keys * head_dim at a quarter of the
// cost of scores (with VNNI an eighth).
void mark_candidates(const QueryCodes& queries, const KeyCodes& keys, std::int64_t blocks, const float* theta,
                     float scale, const BlockMarks& marks);

}  // namespace toptheta
