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

double RowsOfBin::dense_share(double k) const {
  if (k < shortest) return 0;
  if (k >= longest) return 1;
  return (k - shortest + 1) / (longest - shortest + 1);
}

double RowsOfBin::mean_sparse(double k) const {
  return k < shortest ? mean : (k + 1 + longest) / 2;
}

double RowsOfBin::kept(double k) const {
  if (k < shortest) return k;
  if (k >= longest) return mean;
  // The part beyond shortest - 1 grows with k as it would for equally frequent lengths, scaled so that it
  // reaches the true mean at k = longest.
  const double dense = k - shortest + 1;
  const double sum = dense * (shortest + k) / 2 + (longest - k) * k;
  const double base = shortest - 1;
  const double grown = (sum / (longest - shortest + 1) - base) / ((shortest + longest) / 2 - base);
  return std::min(k, base + (mean - base) * grown);
}

double RowsOfHead::kept(double k) const {
  double sum = 0;
  for (const RowsOfBin& bin : bins)
    sum += bin.rows * bin.kept(k);
  return sum;
}

RowsOfHead head_rows(const std::vector<ScoreCurve>& curves) {
  RowsOfHead head;
  for (const ScoreCurve& curve : curves) {
    double elements = 0;
    for (const CurveBin& bin : curve.bins)
      elements += static_cast<double>(bin.count);
    const auto rows = static_cast<double>(curve.rows);
    head.rows += rows;
    head.elements += elements;
    head.bins.push_back(
        {rows, elements / rows, static_cast<double>(curve.shortest), static_cast<double>(curve.longest)});
  }
  return head;
}

std::vector<Choice> choices_of(const std::vector<ScoreCurve>& curves, Placement placement,
                               const std::vector<std::int64_t>& k) {
  std::vector<Choice> choices(k.size());
  const RowsOfHead head = head_rows(curves);
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const CurveReader reader(curves[c], placement);
    for (std::size_t i = 0; i < k.size(); ++i) {
      const RowsOfBin& bin = head.bins[c];
      const auto wanted = static_cast<double>(k[i]);
      choices[i].cost += bin.rows * bin.kept(wanted);
      const double sparse = bin.rows * (1 - bin.dense_share(wanted));
      // The curve describes a row of mean length. Rows longer than k keep the share k / n of theirs, so the
      // mass is read at the same share of the mean length.
      if (sparse > 0)
        choices[i].loss +=
            sparse * std::max(0.0, 1 - reader.mass_of_kept(wanted * bin.mean / bin.mean_sparse(wanted)));
    }
  }
  return choices;
}

}  // namespace toptheta
