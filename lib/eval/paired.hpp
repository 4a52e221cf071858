// Statistics against dense on the same examples (docs/method.md, "Metrics").
#pragma once
#include <cstdint>
#include <span>

#include "eval/result.hpp"

namespace toptheta {

// Two-sided exact test that `better` and `worse` of better + worse discordant pairs come from a fair coin; 1
// where there are none.
double mcnemar_p(std::int64_t better, std::int64_t worse);

// 95% interval of a proportion by Wilson's score, which holds at 0 and at all, where the standard error is 0.
// Requires n >= 1.
ConfidenceInterval wilson_interval(double successes, double n);

// The values that a normal distribution of this mean and spread takes with `confidence` (above 0, below 1).
ConfidenceInterval interval_around(double value, double standard_error, double confidence);

// Mean of 0s and 1s with its interval.
Measure proportion_of(std::span<const double> values);

// Mean of value - reference over the same examples, its standard error, and the interval of as many of these
// as hold `confidence` of a normal distribution; for 0s and 1s also McNemar's test. Both of equal length, at
// least one.
PairedDifference paired_difference(std::span<const double> values, std::span<const double> reference,
                                   bool proportions, double confidence = 0.95);

// Sums over the tokens of each document.
struct DocumentSums {
  double difference = 0;  // of nll to dense
  double tokens = 0;
};
// Difference of the mean nll per token. With several documents, the standard error and the interval (95%,
// unless `confidence` is another) are those of 2,000 resamples of documents, drawn from `seed`; with one,
// there is neither.
PairedDifference bootstrap_difference(std::span<const DocumentSums> documents, std::uint64_t seed,
                                      double confidence = 0.95);

}  // namespace toptheta
