#include "calibration/head_costs.hpp"

#include <algorithm>

namespace toptheta {

namespace {
constexpr std::int64_t kEveryUpTo = 64;
constexpr std::int64_t kCandidatesPerOctave = 32;
}  // namespace

std::vector<std::int64_t> candidate_k(std::int32_t longest, std::int64_t smallest, std::int64_t largest) {
  std::vector<std::int64_t> candidates;
  const std::int64_t last = std::min<std::int64_t>(largest, std::int64_t{longest} - 1);
  for (std::int64_t k = smallest; k < last;
       k += k < kEveryUpTo ? 1 : std::max<std::int64_t>(1, k / kCandidatesPerOctave))
    candidates.push_back(k);
  if (smallest <= last) candidates.push_back(last);
  if (largest == kDenseK || candidates.empty()) candidates.push_back(largest == kDenseK ? kDenseK : largest);
  return candidates;
}

HeadCosts head_costs(const std::vector<ScoreCurve>& curves) {
  HeadCosts costs;
  for (const ScoreCurve& curve : curves) {
    double elements = 0;
    for (const CurveBin& bin : curve.bins)
      elements += static_cast<double>(bin.count);
    const auto rows = static_cast<double>(curve.rows);
    costs.rows += rows;
    costs.elements += elements;
    costs.lengths.push_back(elements / rows);
    costs.weights.push_back(rows);
  }
  return costs;
}

std::vector<Choice> choices_of(const std::vector<ScoreCurve>& curves, Placement placement,
                               const std::vector<std::int64_t>& k) {
  std::vector<Choice> choices(k.size());
  for (const ScoreCurve& curve : curves) {
    const CurveReader reader(curve, placement);
    for (std::size_t i = 0; i < k.size(); ++i) {
      // Rows with n <= k are dense and lose nothing.
      const double kept = std::min(static_cast<double>(k[i]), reader.mean_length());
      choices[i].cost += reader.rows() * kept;
      if (kept < reader.mean_length())
        choices[i].loss += reader.rows() * std::max(0.0, 1 - reader.mass_of_kept(kept));
    }
  }
  return choices;
}

}  // namespace toptheta
