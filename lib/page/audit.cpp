#include "page/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/number_list.hpp"
#include "io/json_reader.hpp"
#include "page/markup.hpp"

namespace toptheta::page {

namespace {

constexpr const char* kAuditSchema = "toptheta.audit/1";
constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr std::array<const char*, 7> kKeptColumns = {"kept_p01", "kept_p05", "kept_p25", "kept_p50",
                                                     "kept_p75", "kept_p95", "kept_p99"};

double number_or_absent(const JsonValue& json, const char* key) {
  return json.number_or(key, kAbsent);
}

AuditTarget read_target(const JsonValue& json) {
  AuditTarget target;
  target.k = format_k(json.integer("k", 1, kAny));
  const JsonValue ratio = json.object("effective_k_ratio");
  target.ratio = number_or_absent(ratio, "value");
  target.low = number_or_absent(ratio, "low");
  target.high = number_or_absent(ratio, "high");
  target.kept = number_or_absent(json, "kept_elements");
  target.lost_mass = number_or_absent(json, "lost_mass");
  return target;
}

AuditHead read_head(const JsonValue& json) {
  AuditHead head;
  head.k = format_k(json.integer("k", 1, kAny));
  head.head_k = json.text("head_k");
  head.layer = json.integer("layer", 0, 1 << 16);
  head.head = json.integer("head", 0, 1 << 16);
  head.rows = json.integer("rows", 0, kAny);
  head.dense_rows = json.integer("dense_rows", 0, kAny);
  head.mean_kept = number_or_absent(json, "kept_mean");
  for (const char* key : kKeptColumns)
    head.quantiles.push_back(number_or_absent(json, key));
  head.ratio = number_or_absent(json, "effective_k_ratio");
  head.lost_mass = number_or_absent(json, "lost_mass");
  return head;
}

// The largest known quantile at which rows keep less than k; 0 if rows keep k even at the lowest.
double short_of_k(const AuditHead& head) {
  constexpr std::array<double, 7> kShares = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
  double share = 0;
  const double k = std::strtod(head.head_k.c_str(), nullptr);
  for (std::size_t i = 0; i < kShares.size(); ++i)
    if (head.quantiles[i] < k) share = kShares[i];
  return share;
}

std::string finding_of(const AuditTarget& target, const AuditFile& audit) {
  std::vector<const AuditHead*> heads;
  for (const AuditHead& head : audit.heads)
    if (head.k == target.k && head.rows > 0) heads.push_back(&head);
  std::string text = fmt::format("-k {}: on average, heads keep {} times the k asked for", target.k,
                                 short_number(target.ratio));
  if (!std::isnan(target.low))
    text += fmt::format(" ({} to {}, 95%)", short_number(target.low), short_number(target.high));
  text += fmt::format(", which is {} of the elements, and lose {} of the softmax mass.", percent(target.kept),
                      percent(target.lost_mass));
  if (heads.empty()) return text;
  const auto most_short = static_cast<double>(std::count_if(
      heads.begin(), heads.end(), [](const AuditHead* head) { return short_of_k(*head) >= 0.5; }));
  const auto farthest = *std::max_element(heads.begin(), heads.end(), [](const auto* a, const auto* b) {
    return std::abs(std::log(std::max(a->ratio, 1e-9))) < std::abs(std::log(std::max(b->ratio, 1e-9)));
  });
  return text + fmt::format(
                    " In {} of the heads, at least half of the rows keep fewer than k. The head farthest "
                    "from its k is layer {}, head {}, at {} times.",
                    percent(most_short / static_cast<double>(heads.size())), farthest->layer, farthest->head,
                    short_number(farthest->ratio));
}

}  // namespace

AuditFile read_audit(const std::filesystem::path& path) {
  const JsonValue json = read_json_file(path);
  if (!json.is_object() || json.text_or("schema", "") != kAuditSchema)
    json.fail("not a file written by tt-calibrate audit", fmt::format("\"schema\": \"{}\"", kAuditSchema),
              "tt-calibrate audit TABLE --format json -o audit.json");
  AuditFile audit;
  audit.table = json.text_or("table", "");
  audit.model = json.text_or("model", "");
  audit.documents = json.integer("documents", 0, kAny);
  audit.holds = json.object("check").flag_or("holds", true);
  for (const JsonValue& target : json.elements("targets"))
    audit.targets.push_back(read_target(target));
  for (const JsonValue& row : json.elements("rows"))
    audit.heads.push_back(read_head(row));
  audit.command = json.object("provenance").text_or("command", "");
  return audit;
}

std::vector<std::string> findings_of(const AuditFile& audit) {
  std::vector<std::string> findings;
  findings.reserve(audit.targets.size() + 1);
  for (const AuditTarget& target : audit.targets)
    findings.push_back(finding_of(target, audit));
  if (!audit.holds) findings.emplace_back("The tolerance that this audit checked is exceeded.");
  return findings;
}

Figure audit_figure(const AuditFile& audit) {
  Figure figure;
  figure.title = "Audit: effective k / k on rows that were not used for calibration";
  figure.note = fmt::format("{} on {} document{}, by: {}", audit.table, audit.documents,
                            audit.documents == 1 ? "" : "s", audit.command);
  figure.data = {"audit",
                 {"k", "layer", "head", "k of head", "rows n > k", "rows n <= k", "kept", "1%", "5%", "25%",
                  "50%", "75%", "95%", "99%", "effective k / k", "rows short of k, at least", "lost mass"},
                 {}};
  for (const AuditTarget& target : audit.targets) {
    std::vector<double> ratios;
    for (const AuditHead& head : audit.heads)
      if (head.k == target.k) ratios.push_back(head.ratio);
    figure.charts.push_back(histogram("k=" + target.k, "effective k / k", ratios, 1));
    figure.charts.back().name = file_name("audit k " + target.k);
  }
  for (const AuditHead& head : audit.heads) {
    std::vector<Value> row = {text_value(head.k),
                              count_value(head.layer),
                              count_value(head.head),
                              text_value(head.head_k),
                              count_value(head.rows),
                              count_value(head.dense_rows),
                              number_value(head.mean_kept, true)};
    for (const double kept : head.quantiles)
      row.push_back(number_value(kept, true));
    row.push_back(number_value(head.ratio, true));
    row.push_back(percent_value(head.rows > 0 ? short_of_k(head) : kAbsent));
    row.push_back(number_value(head.lost_mass, true));
    figure.data.rows.push_back(std::move(row));
  }
  return figure;
}

}  // namespace toptheta::page
