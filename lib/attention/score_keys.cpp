#include "attention/job.hpp"
#include "kernels/attention/bf16_scores.hpp"
#include "kernels/rows/convert.hpp"
#include "kernels/rows/soft_cap.hpp"

namespace toptheta {

namespace {

void score_rounded(const Job& job, const KeyScores& work) {
  thread_local std::vector<std::uint16_t> q;
  const auto dim = static_cast<std::size_t>(job.head_dim());
  q.resize(static_cast<std::size_t>(work.rows) * dim);
  for (std::int64_t r = 0; r < work.rows; ++r)
    bf16_from_floats({work.q + r * work.q_stride, dim}, {q.data() + static_cast<std::size_t>(r) * dim, dim});
  score_tile_bf16({.q_stride = job.head_dim(),
                   .rows = work.rows,
                   .head_dim = job.head_dim(),
                   .blocks = (work.count + kKeyBlock - 1) / kKeyBlock,
                   .scale = work.scale,
                   .scores = work.scores,
                   .score_stride = work.score_stride},
                  q.data(), job.cache.narrow_keys(job.call.layer, work.kv_head, work.first).halves());
}

}  // namespace

void round_queries(std::span<float> q, std::vector<std::uint16_t>& halves) {
  if (halves.size() < q.size()) halves.resize(q.size());
  const std::span<std::uint16_t> rounded = std::span(halves).first(q.size());
  bf16_from_floats(q, rounded);
  floats_from_bf16(rounded, q);
}

namespace {

void score_plain(const Job& job, const KeyScores& work) {
  if (job.cache.rounds_queries()) return score_rounded(job, work);
  thread_local std::vector<float> wide;
  score_rows(work.q, work.rows, work.q_stride,
             job.cache.wide_keys(job.call.layer, work.kv_head, work.first, work.count, wide), job.head_dim(),
             work.count, work.scale, work.scores, work.score_stride);
}

}  // namespace

void score_keys(const Job& job, const KeyScores& work) {
  score_plain(job, work);
  const float cap = job.call.arithmetic.soft_cap;
  for (std::int64_t r = 0; r < work.rows && cap > 0; ++r)
    soft_cap({work.scores + r * work.score_stride, static_cast<std::size_t>(work.count)}, cap);
}

}  // namespace toptheta
