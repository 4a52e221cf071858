// Compares two results of one task: the difference of each metric, paired example by example if both results
// have the values of their examples.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/result.hpp"
#include "sweep/read_cells.hpp"

namespace toptheta {

struct MetricComparison {
  std::string metric;
  double a = 0;  // NaN if it is not a number; then all other figures are, too
  double b = 0;
  PairedDifference difference{};  // b - a; without an error if none is known
  std::int64_t pairs = 0;         // paired examples (documents, for texts); 0: not paired
};

// Every metric and figure that both results have, by name. Metrics of which there are samples (acc, nll, ...)
// are paired. Perplexity is paired through the nll, with an error to first order in the ratio. All others get
// the error of independent runs. `confidence` is that of the intervals; `seed` draws the resamples.
std::vector<MetricComparison> compare_cells(const CellResult& a, const CellResult& b,
                                            double confidence = 0.95, std::uint64_t seed = 0);

// Why two results cannot be paired: "A has no samples", "another number of examples", ...; empty if they can.
std::string why_unpaired(const CellResult& a, const CellResult& b);

// The paired difference b - a of one metric; nullopt if there is none. For perplexity, the difference of its
// logarithm, the nll.
std::optional<PairedDifference> paired_between(const CellResult& a, const CellResult& b,
                                               const std::string& metric, double confidence,
                                               std::uint64_t seed);

}  // namespace toptheta
