#include "calibrate/audit.hpp"

#include <algorithm>
#include <cmath>

namespace toptheta {

namespace {

std::int64_t longest_row(RowSource& source, std::int64_t samples) {
  std::int32_t longest = 0;
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    const std::vector<std::int32_t> lengths = source.lengths(sample);
    if (!lengths.empty()) longest = std::max(longest, lengths.back());
  }
  return longest;
}

void stream_all(RowSource& source, std::int64_t samples, const AuditOptions& options, RowAuditor& auditor) {
  const auto document = [&options](std::int64_t sample) {
    return options.document_of.empty() ? sample : options.document_of[static_cast<std::size_t>(sample)];
  };
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    if (sample == 0 || document(sample) != document(sample - 1)) auditor.start_document();
    source.stream(sample, {}, 0, auditor);
    if (options.progress) options.progress("auditing", sample + 1, samples, source.description().unit);
  }
}

AuditedHead audited_head(const HeadAudit& head, std::int64_t layer, std::int64_t index, std::int64_t k) {
  AuditedHead result{.layer = layer, .head = index, .k = k, .rows = head.rows, .dense_rows = head.dense_rows};
  if (head.rows == 0) return result;
  const auto rows = static_cast<double>(head.rows);
  result.mean_kept = static_cast<double>(head.kept) / rows;
  result.lost_mass = head.lost_mass / rows;
  for (std::size_t q = 0; q < kAuditQuantiles.size(); ++q)
    result.kept[q] = head.kept_of_rows.quantile(kAuditQuantiles[q]);
  result.lost_mass_95 = kLostUnit * static_cast<double>(head.lost_of_rows.quantile(0.95));
  return result;
}

AuditedTarget audited_target(const ThresholdTable& table, const Target& target, const RowAuditor& auditor,
                             std::size_t index, std::uint64_t seed) {
  AuditedTarget result{.k = target.k};
  std::vector<const std::vector<DocumentCount>*> counts;
  std::vector<std::size_t> counted;
  double kept = 0;
  double visible = 0;
  double rows = 0;
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    const HeadAudit& head = auditor.head(index, cell);
    const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
    result.heads.push_back(audited_head(head, static_cast<std::int64_t>(cell / heads),
                                        static_cast<std::int64_t>(cell % heads), target.k_of(cell)));
    kept += static_cast<double>(head.kept);
    visible += static_cast<double>(head.visible);
    rows += static_cast<double>(head.rows);
    result.lost_mass += head.lost_mass;
    if (head.rows == 0) continue;
    counts.push_back(&auditor.counts(index, cell));
    counted.push_back(cell);
  }
  if (counted.empty()) return result;
  result.kept_elements = kept / visible;
  result.lost_mass /= rows;
  const EffectiveK estimate = effective_k(counts, seed);
  result.ratio = estimate.mean;
  result.deviation = estimate.deviation;
  for (std::size_t i = 0; i < counted.size(); ++i)
    result.heads[counted[i]].ratio = estimate.heads[i];
  result.thin = thin_cells(target);
  return result;
}

}  // namespace

Audit audit_table(const ThresholdTable& table, const std::string& table_path, RowSource& source,
                  const AuditOptions& options) {
  const SourceDescription& description = source.description();
  require_shape(table, description.shape, table_path);
  std::vector<std::int64_t> k = options.k;
  if (k.empty())
    for (const Target& target : table.targets)
      k.push_back(target.k);
  const auto samples = static_cast<std::int64_t>(description.weights.size());
  RowAuditor auditor(table, k, description.row_content, longest_row(source, samples));
  stream_all(source, samples, options, auditor);
  Audit audit{.model = description.model, .documents = auditor.documents()};
  for (std::size_t t = 0; t < k.size(); ++t)
    audit.targets.push_back(audited_target(table, table.target(k[t]), auditor, t, options.seed));
  return audit;
}

std::vector<const AuditedHead*> worst_heads(const AuditedTarget& target, std::size_t most) {
  std::vector<const AuditedHead*> heads;
  for (const AuditedHead& head : target.heads)
    if (head.rows > 0) heads.push_back(&head);
  std::stable_sort(heads.begin(), heads.end(), [](const AuditedHead* a, const AuditedHead* b) {
    return std::abs(a->ratio.value - 1) > std::abs(b->ratio.value - 1);
  });
  if (heads.size() > most) heads.resize(most);
  return heads;
}

std::vector<AuditFailure> failures_of(const Audit& audit, const AuditCheck& check) {
  std::vector<AuditFailure> failures;
  const auto fails = [](const RatioEstimate& ratio, const std::optional<double>& tolerance) {
    return tolerance && !(std::abs(ratio.value - 1) <= *tolerance);
  };
  for (const AuditedTarget& target : audit.targets)
    if (fails(target.ratio, check.mean)) failures.push_back({target.k, nullptr, target.ratio});
  for (const AuditedTarget& target : audit.targets)
    for (const AuditedHead* head : worst_heads(target, target.heads.size()))
      if (fails(head->ratio, check.head)) failures.push_back({target.k, head, head->ratio});
  return failures;
}

}  // namespace toptheta
