#include "calibrate/effective_k.hpp"

#include <algorithm>
#include <cmath>

#include "core/normal.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "eval/metrics.hpp"

namespace toptheta {

namespace {

using Heads = std::vector<const std::vector<DocumentCount>*>;

// Kept over asked for each head, where document d counts times[d] times. NaN where nothing was asked.
std::vector<double> ratios_of(const Heads& heads, const std::vector<std::int64_t>& times) {
  std::vector<double> ratios;
  ratios.reserve(heads.size());
  for (const auto* head : heads) {
    std::int64_t kept = 0;
    std::int64_t asked = 0;
    for (std::size_t d = 0; d < head->size(); ++d) {
      kept += times[d] * (*head)[d].kept;
      asked += times[d] * (*head)[d].asked;
    }
    ratios.push_back(asked > 0 ? static_cast<double>(kept) / static_cast<double>(asked) : std::nan(""));
  }
  return ratios;
}

double geometric_mean(const std::vector<double>& ratios) {
  double logs = 0;
  double counted = 0;
  for (const double ratio : ratios) {
    if (std::isnan(ratio)) continue;
    logs += std::log(ratio);
    ++counted;
  }
  return counted > 0 ? std::exp(logs / counted) : 1;
}

std::optional<Interval> interval_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  return Interval{quantile_of_sorted(values, 0.025), quantile_of_sorted(values, 0.975)};
}

// One bootstrap replicate: how often each document was drawn.
std::vector<std::int64_t> drawn(std::uint64_t seed, std::int64_t replicate, std::size_t documents) {
  Random random(seed, static_cast<std::uint64_t>(replicate));
  std::vector<std::int64_t> times(documents, 0);
  for (std::size_t i = 0; i < documents; ++i)
    ++times[random.below(documents)];
  return times;
}

// The standard deviation between documents of the logarithm of the geometric mean, by linearization: `shares`
// holds the first-order effect of each document on that logarithm, times the number of heads.
double deviation_of(const Heads& heads, const std::vector<double>& ratios, std::size_t documents) {
  std::vector<double> shares(documents, 0.0);
  double counted = 0;
  for (std::size_t h = 0; h < heads.size(); ++h) {
    if (std::isnan(ratios[h]) || ratios[h] == 0) continue;
    double asked = 0;
    for (const DocumentCount& document : *heads[h])
      asked += static_cast<double>(document.asked);
    const double scale = static_cast<double>(documents) / (ratios[h] * asked);
    for (std::size_t d = 0; d < documents; ++d) {
      const DocumentCount& document = (*heads[h])[d];
      shares[d] +=
          scale * (static_cast<double>(document.kept) - ratios[h] * static_cast<double>(document.asked));
    }
    ++counted;
  }
  double squares = 0;
  for (const double share : shares)
    squares += share * share;
  return counted > 0 ? std::sqrt(squares / static_cast<double>(documents - 1)) / counted : 0;
}

}  // namespace

EffectiveK effective_k(const Heads& heads, std::uint64_t seed, std::int64_t replicates) {
  EffectiveK result;
  const std::size_t documents = heads.empty() ? 0 : heads.front()->size();
  const std::vector<double> ratios = ratios_of(heads, std::vector<std::int64_t>(documents, 1));
  result.mean.value = geometric_mean(ratios);
  for (const double ratio : ratios)
    result.heads.push_back({std::isnan(ratio) ? 1 : ratio, std::nullopt});
  if (documents < 2) return result;

  std::vector<std::vector<double>> replicate_ratios(static_cast<std::size_t>(replicates));
  parallel_for(replicates, [&](std::int64_t r) {
    replicate_ratios[static_cast<std::size_t>(r)] = ratios_of(heads, drawn(seed, r, documents));
  });
  std::vector<double> values;
  values.reserve(replicate_ratios.size());
  for (const auto& replicate : replicate_ratios)
    values.push_back(geometric_mean(replicate));
  result.mean.interval = interval_of(values);
  for (std::size_t h = 0; h < heads.size(); ++h) {
    for (std::size_t r = 0; r < values.size(); ++r)
      values[r] = replicate_ratios[r][h];
    result.heads[h].interval = interval_of(values);
  }
  result.deviation = deviation_of(heads, ratios, documents);
  return result;
}

std::int64_t documents_needed(double deviation, double precision) {
  const double root = kNormal95 * deviation / precision;
  return std::max<std::int64_t>(2, static_cast<std::int64_t>(std::ceil(root * root)));
}

}  // namespace toptheta
