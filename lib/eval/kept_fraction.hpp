// Thresholds that keep an asked fraction of every row, from the model's own scores: what a speed comparison
// needs where there is no calibrated table.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/transformer.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct KeptFractionOptions {
  Placement placement = Placement::pre_softmax;
  std::vector<std::int64_t> lengths{};  // row lengths to observe beside the grid
  std::function<void(std::int64_t done, std::int64_t total)> progress{};  // in tokens
};

// Runs `tokens` densely from an empty `cache` on, which afterwards holds them all. At some forty lengths, in
// geometric steps, four rows go through one by one, and their threshold for each fraction f, the
// (round(f n) + 1)-th largest of n, goes into a table: one table per fraction, to be looked up linearly.
// Requires fractions in (0, 1) and room for the tokens. Cost: a dense prefill and the steps.
std::vector<ThresholdTable> thresholds_for_kept_fractions(Transformer& model, KvCache& cache,
                                                          std::span<const std::int32_t> tokens,
                                                          std::span<const double> fractions,
                                                          const KeptFractionOptions& options);

// The k with which top-k keeps the fraction f of all elements of a causal prefill of n tokens.
std::int64_t prefill_k(double fraction, std::int64_t n);

}  // namespace toptheta
