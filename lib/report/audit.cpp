#include "report/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/normal.hpp"
#include "report/json.hpp"
#include "report/number.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const RatioEstimate& ratio) {
  return {{"value", json_number(ratio.value)},
          {"low", ratio.interval ? json_number(ratio.interval->low) : Json(nullptr)},
          {"high", ratio.interval ? json_number(ratio.interval->high) : Json(nullptr)}};
}

Json json_of(const ThinCells& thin) {
  return {
      {"shortest", thin.shortest}, {"longest", thin.longest}, {"heads", thin.heads}, {"rows", thin.fewest}};
}

Json json_of(const AuditedTarget& target, const AuditReport& report) {
  Json json = {
      {"k", target.k},
      {"effective_k_ratio", json_of(target.ratio)},
      {"kept_elements", json_number(target.kept_elements)},
      {"lost_mass", json_number(target.lost_mass)},
      {"deviation", target.deviation ? json_number(*target.deviation) : Json(nullptr)},
      {"documents_needed",
       target.deviation ? Json(documents_needed(*target.deviation, report.precision)) : Json(nullptr)},
      {"thin", Json::array()}};
  for (const ThinCells& thin : target.thin)
    json["thin"].push_back(json_of(thin));
  return json;
}

Json check_json(const AuditReport& report) {
  const auto tolerance = [](const std::optional<double>& value) {
    return value ? json_number(*value) : Json(nullptr);
  };
  Json failures = Json::array();
  for (const AuditFailure& failure : failures_of(report.audit, report.check))
    failures.push_back({{"k", failure.k},
                        {"layer", failure.head != nullptr ? Json(failure.head->layer) : Json(nullptr)},
                        {"head", failure.head != nullptr ? Json(failure.head->head) : Json(nullptr)},
                        {"effective_k_ratio", json_of(failure.ratio)}});
  return {{"tolerance", tolerance(report.check.mean)},
          {"head_tolerance", tolerance(report.check.head)},
          {"holds", failures.empty()},
          {"failures", failures}};
}

Json about(const AuditReport& report) {
  Json json = {{"table", report.table},
               {"model", report.audit.model},
               {"placement", name_of(report.meta.placement)},
               {"estimator", report.meta.estimator},
               {"documents", report.audit.documents},
               {"precision", json_number(report.precision)},
               {"check", check_json(report)},
               {"targets", Json::array()},
               {"provenance", json_of(report.provenance)}};
  for (const AuditedTarget& target : report.audit.targets)
    json["targets"].push_back(json_of(target, report));
  return json;
}

std::string heading(const AuditReport& report) {
  std::string text = fmt::format("audit of {} on {} document{}: {}, estimator {}", report.table,
                                 report.audit.documents, report.audit.documents == 1 ? "" : "s",
                                 name_of(report.meta.placement), report.meta.estimator);
  for (const AuditedTarget& target : report.audit.targets)
    text += fmt::format("\nk = {}: effective k / k {}, {}% of the elements kept, lost mass {}",
                        format_k(target.k), describe(target.ratio), format_percent(target.kept_elements),
                        format_number(target.lost_mass));
  return text;
}

std::vector<ListingColumn> columns() {
  return {{"k", "k"},
          {"layer", "layer"},
          {"head", "head"},
          {"head_k", "k of head", true, 12},
          {"rows", "rows n > k", true, 9},
          {"dense_rows", "rows n <= k", true, 15},
          {"kept_mean", "kept"},
          {"kept_p01", "1%", true, 14},
          {"kept_p05", "5%", true, 11},
          {"kept_p25", "25%", true, 18},
          {"kept_p50", "50%", true, 3},
          {"kept_p75", "75%", true, 17},
          {"kept_p95", "95%", true, 10},
          {"kept_p99", "99%", true, 13},
          {"effective_k_ratio", "eff. k / k"},
          {"effective_k_low", "low", true, 7},
          {"effective_k_high", "high", true, 8},
          {"lost_mass", "lost mass", true, 2},
          {"lost_mass_p95", "lost mass 95%", true, 16}};
}

std::vector<Json> row_of(std::int64_t k, const AuditedHead& head) {
  std::vector<Json> row = {k, head.layer, head.head, format_k(head.k), head.rows, head.dense_rows};
  const bool any = head.rows > 0;
  const auto add = [&row, any](Json value) { row.push_back(any ? std::move(value) : Json(nullptr)); };
  add(json_number(head.mean_kept));
  for (const std::int64_t kept : head.kept)
    add(kept);
  add(json_number(head.ratio.value));
  add(head.ratio.interval ? json_number(head.ratio.interval->low) : Json(nullptr));
  add(head.ratio.interval ? json_number(head.ratio.interval->high) : Json(nullptr));
  add(json_number(head.lost_mass));
  add(json_number(head.lost_mass_95));
  return row;
}

}  // namespace

std::string describe(const RatioEstimate& ratio) {
  std::string text = fmt::format("{:.3f}", ratio.value);
  if (ratio.interval)
    text += fmt::format(" (95%: {:.3f} to {:.3f})", ratio.interval->low, ratio.interval->high);
  return text;
}

std::string describe(const AuditedHead& head) {
  return fmt::format("layer {}, head {}: {}", head.layer, head.head, describe(head.ratio));
}

std::vector<std::string> advice_of(const AuditReport& report) {
  std::vector<std::string> advice;
  if (report.audit.documents < 2)
    advice.emplace_back(
        "a single document gives no interval, because its rows are alike; audit on several to see how much "
        "texts differ");
  else if (report.audit.documents < 10)
    advice.push_back(fmt::format("intervals from only {} documents are too narrow", report.audit.documents));
  for (const AuditedTarget& target : report.audit.targets) {
    if (target.deviation) {
      const auto documents = static_cast<double>(report.audit.documents);
      const std::int64_t needed = documents_needed(*target.deviation, report.precision);
      const std::int64_t more = needed - report.audit.documents;
      advice.push_back(fmt::format(
          "k = {}: effective k is known to ±{:.1f}%; ±{:.3g}% {}", format_k(target.k),
          100 * kNormal95 * *target.deviation / std::sqrt(documents), 100 * report.precision,
          more > 0 ? fmt::format("needs {} more documents ({} in all), here and in calibration", more, needed)
                   : fmt::format("takes {} documents, here and in calibration", needed)));
    }
    for (const std::string& thin : describe(target.thin))
      advice.push_back(thin + "; " + advice_on_thin_cells(report.meta));
  }
  return advice;
}

Listing audit_listing(const AuditReport& report, std::size_t most) {
  Listing listing;
  listing.schema = "toptheta.audit/1";
  listing.heading = heading(report);
  listing.about = about(report);
  listing.columns = columns();
  for (const AuditedTarget& target : report.audit.targets) {
    if (most > 0)
      for (const AuditedHead* head : worst_heads(target, most))
        listing.rows.push_back(row_of(target.k, *head));
    else
      for (const AuditedHead& head : target.heads)
        listing.rows.push_back(row_of(target.k, head));
  }
  if (most > 0)
    listing.notes.push_back(
        fmt::format("the {} heads of each k that are farthest from it; --heads 0 lists all", most));
  listing.notes.emplace_back(
      "kept, lost mass: over rows with n > k, mean and quantiles; lost mass is before compensation. eff. k / "
      "k: over all rows, as docs/method.md counts them. low, high: 95% interval by bootstrap over "
      "documents.");
  for (std::string& advice : advice_of(report))
    listing.notes.push_back(std::move(advice));
  return listing;
}

}  // namespace toptheta
