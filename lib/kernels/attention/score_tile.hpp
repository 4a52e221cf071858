// Scores of a tile of queries and packed keys, with marks for those above a threshold.
#pragma once
#include <cstdint>

#include "kernels/attention/block_marks.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

struct ScoreTile {
  const float* q = nullptr;  // [rows], q_stride apart
  std::int64_t q_stride = 0;
  std::int64_t rows = 0;
  const float* keys = nullptr;  // [blocks][head_dim][kKeyBlock]
  std::int64_t head_dim = 0;
  std::int64_t blocks = 0;
  float scale = 1;
  float* scores = nullptr;  // [rows], score_stride apart
  std::int64_t score_stride = 0;
  const float* theta = nullptr;  // [rows]; null: no marks
  BlockMarks marks{};            // output: set for the scores > theta
  // If given, the keys as stored in memory, with `stored_stride` bytes per dimension of a block: later ones
  // are prefetched.
  const void* stored = nullptr;
  std::int64_t stored_stride = 0;
};

// Computes all scores of the tile. Each is one chain of multiply-adds over head_dim, independent of the other
// rows and keys, times the scale.
void score_tile(const ScoreTile& tile);

// Computes only the marks, from scores that were computed before; q and keys are not used.
void mark_scores(const ScoreTile& tile);

}  // namespace toptheta
