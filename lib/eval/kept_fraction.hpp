// Fits thresholds that keep a given fraction of every row to a model's own scores, for comparing speeds
// without a calibrated table.
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
  std::vector<std::int64_t> lengths{};  // row lengths to observe in addition to the grid
  std::function<void(std::int64_t done, std::int64_t total)> progress{};  // in tokens
};

// Empties `cache` and runs all `tokens` through the dense model, which leaves them in the cache. At some
// forty lengths, in geometric steps, it feeds four tokens one by one and observes their rows. The threshold
// of a row of n keys for the fraction f is its (round(f n) + 1)-th largest value; the mean over the four rows
// goes into the table of that fraction, which is meant for linear look-up. Returns one table per fraction.
// Requires fractions in (0, 1) and a cache with room for the tokens. Throws UsageError for placement
// running-softmax. Cost: a dense prefill and the single steps.
std::vector<ThresholdTable> thresholds_for_kept_fractions(Transformer& model, KvCache& cache,
                                                          std::span<const std::int32_t> tokens,
                                                          std::span<const double> fractions,
                                                          const KeptFractionOptions& options);

// The k with which top-k keeps the fraction f of all elements of a causal prefill of n tokens.
std::int64_t prefill_k(double fraction, std::int64_t n);

}  // namespace toptheta
