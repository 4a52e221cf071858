// Scores of a tile of queries against packed keys, with the marks of those above a threshold.
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
  BlockMarks marks{};            // of the scores > theta
  // If given, the keys as they lie in memory, `stored_stride` bytes for every dimension of every block: those
  // to come are fetched meanwhile.
  const void* stored = nullptr;
  std::int64_t stored_stride = 0;
};

// All scores of the tile. Each is one chain of multiply-adds over head_dim, whatever the other rows and keys,
// times the scale.
void score_tile(const ScoreTile& tile);

// The marks alone, of scores that are there: q and keys are not used.
void mark_scores(const ScoreTile& tile);

}  // namespace toptheta
