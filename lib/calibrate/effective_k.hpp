// The effective-k ratio of thresholds with its confidence interval: kept elements over those that top-k would
// keep, per head, and the geometric mean over heads (docs/method.md, "Counting").
//
// Rows of one document resemble each other, so only whole documents count as independent observations.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "calibration/row_auditor.hpp"

namespace toptheta {

struct Interval {
  double low = 0;
  double high = 0;
};

// The interval covers 95% and needs at least two documents; with fewer than ten documents it is too narrow.
struct RatioEstimate {
  double value = 1;
  std::optional<Interval> interval{};
};

struct EffectiveK {
  RatioEstimate mean{};                // geometric mean over the heads that have rows
  std::vector<RatioEstimate> heads{};  // in the order given; a head without rows has ratio 1
  // Standard deviation between documents of the logarithm of the geometric mean. With n documents the 95%
  // interval of that logarithm is +-1.96 deviation / sqrt(n). None with fewer than two documents.
  std::optional<double> deviation{};
};

inline constexpr std::int64_t kBootstrapReplicates = 1000;

// `heads`: [heads][documents], the same number of documents for each head. The 95% intervals are percentiles
// of a bootstrap: each replicate draws as many documents as there are, with replacement, and uses the same
// draw for all heads. Replicate r draws from stream r of the seed, so that the result does not depend on the
// number of threads. Time: O(replicates * heads * documents); memory: 8 bytes * replicates * heads.
EffectiveK effective_k(const std::vector<const std::vector<DocumentCount>*>& heads, std::uint64_t seed,
                       std::int64_t replicates = kBootstrapReplicates);

// How many documents it takes for the 95% interval of the mean to be at most +-precision (0.03 = 3%); at
// least 2. Requires precision > 0.
std::int64_t documents_needed(double deviation, double precision);

}  // namespace toptheta
