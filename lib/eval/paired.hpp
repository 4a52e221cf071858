// Statistics of differences from dense on the same examples.
#pragma once
#include <cstdint>
#include <span>

#include "eval/result.hpp"

namespace toptheta {

// McNemar's exact test: the two-sided p-value of the hypothesis that discordant pairs fall on either side
// like a fair coin, given that `better` fell on one side and `worse` on the other. 1 if there are no such
// pairs.
double mcnemar_p(std::int64_t better, std::int64_t worse);

// The 95% interval of a proportion by Wilson's score, which also holds for 0 or n successes, where the
// standard error is 0. Requires n >= 1.
ConfidenceInterval wilson_interval(double successes, double n);

// The central interval of a normal distribution with this mean and standard deviation that contains the
// probability `confidence` (above 0, below 1).
ConfidenceInterval interval_around(double value, double standard_error, double confidence);

// The mean of 0s and 1s, with its standard error and Wilson's interval.
Measure proportion_of(std::span<const double> values);

// The mean of value - reference over the same examples, its standard error, and its interval under a normal
// distribution; if `proportions` (the values are 0s and 1s), also McNemar's test. Both spans must have the
// same length, which is at least one.
PairedDifference paired_difference(std::span<const double> values, std::span<const double> reference,
                                   bool proportions, double confidence = 0.95);

// Sums over the scored tokens of one document.
struct DocumentSums {
  double difference = 0;  // nll minus that under dense, in nats
  double tokens = 0;      // how many tokens
};
// The difference of the mean nll per token. The standard error and the interval come from a bootstrap with
// 2,000 resamples of documents, drawn from `seed`; with a single document there is neither.
PairedDifference bootstrap_difference(std::span<const DocumentSums> documents, std::uint64_t seed,
                                      double confidence = 0.95);

}  // namespace toptheta
