#include "calibration/retarget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace toptheta {

namespace {

std::vector<CurveReader> readers_of(const std::vector<ScoreCurve>& curves, Placement placement) {
  std::vector<CurveReader> readers;
  readers.reserve(curves.size());
  for (const ScoreCurve& curve : curves)
    readers.emplace_back(curve, placement);
  return readers;
}

// Theta for rows of length n: the value that the share k / n of elements exceeds in each of the two
// neighbouring curves, interpolated along log n.
double theta_at(const std::vector<CurveReader>& readers, double n, double k) {
  const auto theta = [&](const CurveReader& reader) { return reader.theta(k / n * reader.mean_length()); };
  const auto above = std::find_if(readers.begin(), readers.end(),
                                  [n](const CurveReader& reader) { return reader.mean_length() >= n; });
  if (above == readers.begin()) return theta(readers.front());
  if (above == readers.end()) return theta(readers.back());
  const CurveReader& below = *std::prev(above);
  const double share =
      std::log(n / below.mean_length()) / std::log(above->mean_length() / below.mean_length());
  return (1 - share) * theta(below) + share * theta(*above);
}

// The last curve whose shortest row is not longer than `length`, else the first.
std::size_t nearest_curve(const std::vector<ScoreCurve>& curves, std::int32_t length) {
  std::size_t at = 0;
  while (at + 1 < curves.size() && curves[at + 1].shortest <= length)
    ++at;
  return at;
}

std::vector<ThresholdEntry> entries_of(const std::vector<ScoreCurve>& curves, const TableMeta& meta,
                                       std::int64_t k) {
  std::vector<ThresholdEntry> entries;
  if (curves.empty() || curves.back().longest <= k) return entries;
  const std::vector<CurveReader> readers = readers_of(curves, meta.placement);
  const std::int32_t longest = curves.back().longest;
  const std::int32_t shortest = std::max(curves.front().shortest, static_cast<std::int32_t>(k) + 1);
  for (const std::int32_t length : entry_lengths(shortest, longest, LengthBins(meta.length_bins))) {
    const std::size_t nearest = nearest_curve(curves, length);
    const double theta = theta_at(readers, length, static_cast<double>(k));
    ThresholdEntry entry;
    entry.length = length;
    entry.theta = theta;
    entry.count = curves[nearest].rows;
    entry.kept_mass = std::min(1.0, readers[nearest].kept_mass(theta));
    entries.push_back(entry);
  }
  return entries;
}

// Elements kept and visible, softmax mass kept, and rows, over all heads under one k. A curve whose mean
// length is at most k is dense.
struct Totals {
  double kept = 0;
  double visible = 0;
  double mass = 0;
  double rows = 0;
};

Totals totals_of(const std::vector<CurveReader>& readers, double k) {
  Totals totals;
  for (const CurveReader& reader : readers) {
    const double kept = std::min(k, reader.mean_length());
    totals.rows += reader.rows();
    totals.visible += reader.rows() * reader.mean_length();
    totals.kept += reader.rows() * kept;
    totals.mass +=
        reader.rows() * (kept < reader.mean_length() ? std::min(1.0, reader.mass_of_kept(kept)) : 1);
  }
  return totals;
}

std::vector<CurveReader> all_readers(const ThresholdTable& table) {
  require_curves(table, "threshold table");
  std::vector<CurveReader> readers;
  for (const auto& cell : table.curves.cells)
    for (const ScoreCurve& curve : cell)
      readers.emplace_back(curve, table.meta.placement);
  if (readers.empty())
    throw UsageError(
        {.where = "threshold table", .what = "its curves hold no rows", .next = "calibrate again"});
  return readers;
}

// The smallest k for which `reached` holds, by bisection. It must hold for every k from some k on.
template <typename Reached>
std::int64_t smallest_k(Reached reached) {
  std::int64_t high = 1;
  while (!reached(high))
    high *= 2;
  std::int64_t low = high / 2;  // not reached, or 0
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (reached(middle) ? high : low) = middle;
  }
  return high;
}

void require_share(double value, const char* flag) {
  if (value > 0 && value < 1) return;
  throw UsageError({.where = flag,
                    .what = "not a share",
                    .expected = "a number above 0 and below 1",
                    .found = fmt::format("{}", value)});
}

// Fills in the entries of a target whose k, and k of layers or heads, are set.
Target filled(const ThresholdTable& table, Target target) {
  bool any = false;
  target.cells.resize(table.curves.cells.size());
  for (std::size_t cell = 0; cell < table.curves.cells.size(); ++cell) {
    const auto& curves = table.curves.cells[cell];
    target.cells[cell] = entries_of(curves, table.meta, target.k_of(cell));
    any = any || !target.cells[cell].empty();
  }
  if (!any)
    throw UsageError({.where = fmt::format("-k {}", format_k(target.k)),
                      .what = "no row has more than k keys, so that all would stay dense",
                      .expected = fmt::format("rows of more than {} keys", format_k(target.k)),
                      .found = fmt::format("at most {}", table.curves.longest_row()),
                      .next = "choose a smaller k, or calibrate with longer texts"});
  return target;
}

}  // namespace

void require_curves(const ThresholdTable& table, const std::string& where) {
  if (!table.curves.empty()) return;
  throw UsageError({.where = where,
                    .what = "the table holds no curves",
                    .expected = "a table that was calibrated with --curve or --estimator pooled",
                    .next = "calibrate again: tt-calibrate fit ... --curve"});
}

std::vector<std::int32_t> entry_lengths(std::int32_t shortest, std::int32_t longest, const LengthBins& bins) {
  std::vector<std::int32_t> lengths;
  if (bins.any()) {
    bins.for_each(shortest, longest, [&lengths](std::int32_t first, std::int32_t last) {
      lengths.push_back(std::midpoint(first, last));
    });
    return lengths;
  }
  for (std::int32_t n = shortest; n < longest; n += std::max(1, n / kEntriesPerOctave))
    lengths.push_back(n);
  lengths.push_back(longest);
  return lengths;
}

Target pooled_target(const ThresholdTable& table, std::int64_t k, const std::vector<LayerK>& layer_k) {
  require_curves(table, "threshold table");
  return filled(table, {k, resolve_layer_k(k, layer_k, table.meta.shape.num_layers), {}});
}

Target pooled_target_by_head(const ThresholdTable& table, const std::vector<std::int64_t>& head_k) {
  require_curves(table, "threshold table");
  const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
  Target target{mean_k(head_k), layer_k_of(head_k, table.meta.shape.num_heads), {}};
  for (std::size_t cell = 0; cell < head_k.size(); ++cell)
    if (head_k[cell] != target.layer_k[cell / heads]) target.head_k = head_k;
  return filled(table, std::move(target));
}

void refit_pooled(ThresholdTable& table, const std::vector<LayerK>& layer_k) {
  for (Target& target : table.targets)
    target = pooled_target(table, target.k, layer_k);
  table.meta.estimator = name_of(Estimator::pooled);
  table.meta.add_sigma = 0;
}

std::int64_t k_of_kept_fraction(const ThresholdTable& table, double fraction) {
  require_share(fraction, "--kept-fraction");
  const std::vector<CurveReader> readers = all_readers(table);
  const auto share = [&readers](std::int64_t k) {
    const Totals totals = totals_of(readers, static_cast<double>(k));
    return totals.kept / totals.visible;
  };
  const std::int64_t above = smallest_k([&](std::int64_t k) { return share(k) >= fraction; });
  return above > 1 && fraction - share(above - 1) < share(above) - fraction ? above - 1 : above;
}

std::int64_t k_of_kept_mass(const ThresholdTable& table, double mass) {
  require_share(mass, "--kept-mass");
  const std::vector<CurveReader> readers = all_readers(table);
  return smallest_k([&](std::int64_t k) {
    const Totals totals = totals_of(readers, static_cast<double>(k));
    return totals.mass >= mass * totals.rows || totals.kept >= totals.visible;
  });
}

}  // namespace toptheta
