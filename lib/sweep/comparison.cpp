#include "sweep/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/paired.hpp"

namespace toptheta {

namespace {

constexpr const char* kTokens = "tokens";

// Whether the cell is of a text, whose samples are documents.
PairedDifference difference_of_texts(const CellResult& a, const CellResult& b, double confidence,
                                     std::uint64_t seed) {
  const std::vector<double>& before = a.samples.at("nll");
  const std::vector<double>& after = b.samples.at("nll");
  const std::vector<double>& tokens = a.samples.at(kTokens);
  std::vector<DocumentSums> documents;
  documents.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    documents.push_back({after[i] - before[i], tokens[i]});
  return bootstrap_difference(documents, seed, confidence);
}

bool are_proportions(const std::vector<double>& values) {
  return std::ranges::all_of(values, [](double value) { return value == 0 || value == 1; });
}

// The difference of perplexity, from that of the nll, whose exponential is the ratio.
PairedDifference of_perplexity(const PairedDifference& nll, double before, double after) {
  PairedDifference result{.value = after - before};
  if (nll.standard_error) result.standard_error = after * *nll.standard_error;
  if (nll.interval)
    result.interval =
        ConfidenceInterval{before * std::expm1(nll.interval->low), before * std::expm1(nll.interval->high)};
  return result;
}

PairedDifference unpaired(const Measure& a, const Measure& b, double confidence) {
  PairedDifference result{.value = b.value - a.value};
  if (!a.standard_error || !b.standard_error) return result;
  result.standard_error = std::hypot(*a.standard_error, *b.standard_error);
  result.interval = interval_around(result.value, *result.standard_error, confidence);
  return result;
}

}  // namespace

std::string why_unpaired(const CellResult& a, const CellResult& b) {
  if (a.samples.empty() || b.samples.empty())
    return a.samples.empty() ? "A has no samples" : "B has no samples";
  if (a.task_sha256 != b.task_sha256) return "another file";
  for (const auto& [name, values] : a.samples) {
    const auto other = b.samples.find(name);
    if (other == b.samples.end()) return "other metrics";
    if (other->second.size() != values.size()) return "another number of examples";
    if (name == kTokens && other->second != values) return "other tokens";
  }
  return "";
}

std::optional<PairedDifference> paired_between(const CellResult& a, const CellResult& b,
                                               const std::string& metric, double confidence,
                                               std::uint64_t seed) {
  const std::string name = metric == "perplexity" ? "nll" : metric;
  if (name == kTokens || !a.samples.contains(name) || !why_unpaired(a, b).empty()) return std::nullopt;
  if (a.samples.contains(kTokens)) return difference_of_texts(a, b, confidence, seed);
  const std::vector<double>& before = a.samples.at(name);
  const std::vector<double>& after = b.samples.at(name);
  return paired_difference(after, before, are_proportions(before) && are_proportions(after), confidence);
}

std::vector<MetricComparison> compare_cells(const CellResult& a, const CellResult& b, double confidence,
                                            std::uint64_t seed) {
  std::vector<MetricComparison> compared;
  for (const auto& [metric, after] : b.values) {
    const auto before = a.values.find(metric);
    if (before == a.values.end()) continue;
    MetricComparison one{metric, before->second.value, after.value, {}, 0};
    if (const auto paired = paired_between(a, b, metric, confidence, seed)) {
      one.difference = metric == "perplexity" ? of_perplexity(*paired, one.a, one.b) : *paired;
      one.pairs = std::ssize(a.samples.begin()->second);
    } else {
      one.difference = unpaired(before->second, after, confidence);
    }
    compared.push_back(std::move(one));
  }
  return compared;
}

}  // namespace toptheta
