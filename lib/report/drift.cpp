#include "report/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/json.hpp"
#include "report/number.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

// How far a head has moved, by the criterion it is judged by. Heads without a figure come last.
double movement(const HeadDrift& drift) {
  double most = -1;
  for (const double ratio : {drift.a_on_b, drift.b_on_a})
    if (!std::isnan(ratio)) most = std::max(most, std::abs(ratio - 1));
  return most >= 0 || std::isnan(drift.weight_change) ? most : drift.weight_change;
}

std::vector<const HeadDrift*> by_movement(const DriftReport& report) {
  std::vector<const HeadDrift*> order;
  order.reserve(report.heads.size());
  for (const HeadDrift& drift : report.heads)
    order.push_back(&drift);
  std::stable_sort(order.begin(), order.end(), [](const HeadDrift* x, const HeadDrift* y) {
    return x->recalibrate != y->recalibrate ? x->recalibrate : movement(*x) > movement(*y);
  });
  return order;
}

std::vector<Json> row_of(const HeadDrift& drift) {
  return {drift.k,
          drift.layer,
          drift.head,
          drift.lengths,
          json_number(drift.difference),
          json_number(drift.standard_errors),
          json_number(drift.weight_change),
          json_number(drift.a_on_b),
          json_number(drift.b_on_a),
          json_number(drift.distance),
          drift.recalibrate};
}

bool has_curves(const DriftReport& report) {
  return std::any_of(report.heads.begin(), report.heads.end(), [](const HeadDrift& drift) {
    return !std::isnan(drift.a_on_b) || !std::isnan(drift.b_on_a);
  });
}

}  // namespace

std::int64_t heads_to_recalibrate(const DriftReport& report) {
  return std::count_if(report.heads.begin(), report.heads.end(),
                       [](const HeadDrift& drift) { return drift.recalibrate; });
}

std::string worst_drifts(const DriftReport& report, std::size_t most) {
  std::string text;
  for (const HeadDrift* drift : by_movement(report)) {
    if (!drift->recalibrate || most-- == 0) break;
    text += fmt::format("{}k = {} layer {} head {} ({:.3g}%)", text.empty() ? "" : ", ", format_k(drift->k),
                        drift->layer, drift->head, 100 * movement(*drift));
  }
  return text;
}

Listing drift_listing(const DriftReport& report, std::size_t most) {
  const std::int64_t moved = heads_to_recalibrate(report);
  Listing listing;
  listing.schema = "toptheta.drift/1";
  const std::string criterion =
      has_curves(report)
          ? fmt::format("kept elements change by more than {:.3g}%", 100 * report.tolerance)
          : fmt::format(
                "the softmax weight at the threshold changes by more than {:.3g}%, and by more than 3 "
                "standard errors",
                100 * report.tolerance);
  listing.heading = fmt::format("drift from {} to {}, {}\n{} of {} heads need recalibration: {}", report.a,
                                report.b, name_of(report.placement), moved, report.heads.size(), criterion);
  listing.about = {{"a", report.a},
                   {"b", report.b},
                   {"placement", name_of(report.placement)},
                   {"tolerance", json_number(report.tolerance)},
                   {"criterion", criterion},
                   {"recalibrate", moved},
                   {"provenance", json_of(report.provenance)}};
  listing.columns = {{"k", "k"},
                     {"layer", "layer"},
                     {"head", "head"},
                     {"lengths", "lengths", true, 5},
                     {"difference", "theta b - a", true, 4},
                     {"standard_errors", "in std. errors", true, 3},
                     {"weight_change", "weight change"},
                     {"a_on_b", "a keeps on b"},
                     {"b_on_a", "b keeps on a", true, 1},
                     {"distance", "KS", true, 2},
                     {"recalibrate", "recalibrate", false}};
  if (most > 0) {
    std::vector<const HeadDrift*> order = by_movement(report);
    if (order.size() > most) order.resize(most);
    for (const HeadDrift* drift : order)
      listing.rows.push_back(row_of(*drift));
    listing.notes.push_back(fmt::format("the {} heads that moved most; --heads 0 lists all", order.size()));
  } else {
    for (const HeadDrift& drift : report.heads)
      listing.rows.push_back(row_of(drift));
  }
  listing.notes.emplace_back(
      "a keeps on b: elements that a's thresholds keep of b's calibration rows, relative to what b's own "
      "thresholds keep.");
  if (!has_curves(report))
    listing.notes.emplace_back(
        "there are no curves; calibrate with --curve to see what a shift means in kept elements");
  return listing;
}

}  // namespace toptheta
