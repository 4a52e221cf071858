// The effective-k ratio of thresholds, with what is known of its error: kept elements over those that top-k
// would keep, per head, and its geometric mean over heads (docs/method.md, "Counting").
//
// Documents are what varies: rows of one document are alike, so that only documents count as independent.
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

// An interval needs two documents; with fewer than ten it is too narrow.
struct RatioEstimate {
  double value = 1;
  std::optional<Interval> interval{};
};

struct EffectiveK {
  RatioEstimate mean{};                // geometric, over heads that have any
  std::vector<RatioEstimate> heads{};  // in the order given; a head without rows has 1
  // Standard deviation between documents of the mean's logarithm: over n documents it is known to
  // +-1.96 deviation / sqrt(n). None with one document.
  std::optional<double> deviation{};
};

inline constexpr std::int64_t kBootstrapReplicates = 1000;

// `heads`: [heads][documents], the same number of documents each. Intervals hold 95%: percentiles over
// replicates that draw as many documents as there are, with replacement, the same for all heads; replicate r
// draws from stream r of the seed, whatever the number of threads. Time: replicates * heads * documents;
// memory: 8 bytes * replicates * heads.
EffectiveK effective_k(const std::vector<const std::vector<DocumentCount>*>& heads, std::uint64_t seed,
                       std::int64_t replicates = kBootstrapReplicates);

// Documents under which the 95% interval of the mean is at most +-precision (0.03 = 3%) wide. Requires
// precision > 0.
std::int64_t documents_needed(double deviation, double precision);

}  // namespace toptheta
