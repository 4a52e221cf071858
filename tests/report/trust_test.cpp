// Reports of audit, drift and budget.
#include <cmath>

#include "report/audit.hpp"
#include "report/budget.hpp"
#include "report/drift.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

AuditReport audit_report() {
  AuditReport report{.table = "t.h5"};
  report.audit.documents = 20;
  AuditedTarget target{.k = 8, .ratio = {1.1, Interval{1.05, 1.15}}, .deviation = 0.1};
  for (std::int64_t head = 0; head < 3; ++head) {
    AuditedHead one{.layer = 1, .head = head, .k = 8, .rows = 100, .mean_kept = 9};
    one.ratio.value = 1 + 0.1 * static_cast<double>(head);
    target.heads.push_back(one);
  }
  target.heads[0].rows = 0;  // dense
  target.thin = {{8, 100, 120, 3, 2}};
  report.audit.targets.push_back(target);
  return report;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an audit's advice: documents for a precision, and thin cells") {
  AuditReport report = audit_report();
  std::vector<std::string> advice = advice_of(report);
  REQUIRE(advice.size() == 2);
  // 1.96 * 0.1 / sqrt(20) = 4.4%; 3% takes (1.96 * 0.1 / 0.03)^2 = 43 documents.
  CHECK(advice[0] ==
        "k = 8: effective k is known to ±4.4%; ±3% needs 23 more documents (43 in all), here and in "
        "calibration");
  CHECK(has(advice[1], "rows of 100 to 120 keys rest on as few as 2 calibration rows each, in 3 heads"));
  report.precision = 0.1;
  CHECK(has(advice_of(report)[0], "±10% takes 4 documents"));
  report.audit.documents = 1;
  report.audit.targets[0].deviation.reset();
  CHECK(has(advice_of(report)[0], "a single document gives no interval"));
}

TEST_CASE("an audit fails by its mean or by its heads, the farthest first") {
  AuditReport report = audit_report();
  CHECK(failures_of(report.audit, {}).empty());
  CHECK(failures_of(report.audit, {.mean = 0.11}).empty());
  REQUIRE(failures_of(report.audit, {.mean = 0.09}).size() == 1);
  CHECK(failures_of(report.audit, {.mean = 0.09})[0].head == nullptr);
  const std::vector<AuditFailure> heads = failures_of(report.audit, {.head = 0.05});
  REQUIRE(heads.size() == 2);
  CHECK(heads[0].head->head == 2);
  CHECK(heads[1].head->head == 1);
  report.audit.targets[0].ratio.value = std::nan("");
  CHECK(failures_of(report.audit, {.mean = 100}).size() == 1);  // no number is no pass
}

TEST_CASE("an audit lists all heads for machines, the worst for people") {
  AuditReport report = audit_report();
  report.check.mean = 0.05;
  const Listing all = audit_listing(report);
  REQUIRE(all.rows.size() == 3);
  REQUIRE(all.rows[0].size() == all.columns.size());
  CHECK(all.rows[0][6].is_null());  // a dense head keeps no k
  CHECK(all.about.at("check").at("holds") == false);
  CHECK(all.about.at("targets").at(0).at("documents_needed") == 43);
  const Listing worst = audit_listing(report, 1);
  REQUIRE(worst.rows.size() == 1);
  CHECK(worst.rows[0][2] == 2);
  CHECK(has(worst.heading, "effective k / k 1.100 (95%: 1.050 to 1.150)"));
}

TEST_CASE("a drift lists what moved most first, for people") {
  DriftReport report{.a = "a.h5", .b = "b.h5"};
  for (const double kept : {1.02, 1.3, 0.5}) {
    HeadDrift drift{.k = 4, .head = static_cast<std::int64_t>(report.heads.size())};
    drift.a_on_b = kept;
    drift.recalibrate = kept != 1.02;
    report.heads.push_back(drift);
  }
  CHECK(heads_to_recalibrate(report) == 2);
  const Listing listing = drift_listing(report, 2);
  REQUIRE(listing.rows.size() == 2);
  CHECK(listing.rows[0][2] == 2);
  CHECK(listing.rows[0].size() == listing.columns.size());
  CHECK(has(listing.heading, "2 of 3 heads need recalibration: kept elements change by more than 10%"));
  CHECK(drift_listing(report).rows.size() == 3);
  CHECK(worst_drifts(report, 5) == "k = 4 layer 0 head 2 (50%), k = 4 layer 0 head 1 (30%)");
  CHECK(worst_drifts(report, 1) == "k = 4 layer 0 head 2 (50%)");
  for (HeadDrift& drift : report.heads)
    drift.a_on_b = kNotCalibrated;
  CHECK(has(drift_listing(report).heading, "softmax weight at the threshold"));
}

TEST_CASE("a budget as --layer-k, by layer and by head") {
  CHECK(layer_k_flag({4, 4, kDenseK, kDenseK, 3, 8}, 2) == "0:4,1:dense,2:6");
  BudgetPlan plan{.head_k = {4, 4, 2, 2}, .heads = {{4, 0.1}, {4, 0.3}, {2, 0.2}, {2, 0.2}}, .uniform_k = 3};
  TableMeta meta;
  meta.shape = {2, 2, 1, 8};
  const Listing layers =
      budget_listing(plan, {.kind = BudgetKind::uniform_k, .amount = 3, .unit = BudgetUnit::layer}, meta);
  REQUIRE(layers.rows.size() == 2);
  CHECK(layers.rows[0].size() == layers.columns.size());
  CHECK(layers.rows[0][1] == "4");
  CHECK(layers.rows[0][3] == Approx(0.2));
  CHECK(layers.about.at("layer_k") == "0:4,1:2");
  CHECK(has(layers.notes.front(), "--layer-k 0:4,1:2"));
  const Listing heads = budget_listing(plan, {.amount = 0.1}, meta);
  REQUIRE(heads.rows.size() == 4);
  CHECK(heads.rows[3][1] == 1);
}
