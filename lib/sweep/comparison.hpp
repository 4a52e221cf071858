// Two results of one task side by side: each metric's difference, paired example by example where both have
// their examples' values.
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
  double a = 0;  // NaN where it is not a number, as all else then
  double b = 0;
  PairedDifference difference{};  // b - a; without error where none is known
  std::int64_t pairs = 0;         // examples (of texts: documents) paired; 0: not paired
};

// Every metric and figure that both have, by name. Paired are acc, nll and all else that samples are of;
// perplexity by the paired nll, its error to first order in the ratio. Otherwise the error is that of
// independent runs. `confidence` is that of the intervals, `seed` draws resamples.
std::vector<MetricComparison> compare_cells(const CellResult& a, const CellResult& b,
                                            double confidence = 0.95, std::uint64_t seed = 0);

// What keeps two results from being paired: "A has no samples", "another number of examples", ...; empty
// where they can be.
std::string why_unpaired(const CellResult& a, const CellResult& b);

// The paired difference b - a of one metric; nullopt where there is none. Of perplexity: of its logarithm,
// the nll.
std::optional<PairedDifference> paired_between(const CellResult& a, const CellResult& b,
                                               const std::string& metric, double confidence,
                                               std::uint64_t seed);

}  // namespace toptheta
