#include "eval/divergence.hpp"

#include <algorithm>
#include <cmath>

#include "core/parallel.hpp"
#include "eval/metrics.hpp"
#include "eval/paired.hpp"

namespace toptheta::eval_detail {

std::optional<std::size_t> reference_of(const std::vector<PolicyPlan>& policies) {
  for (std::size_t p = 0; p < policies.size(); ++p)
    if (is_dense(policies[p].policy.policy())) return p;
  return std::nullopt;
}

std::vector<std::size_t> running_order(std::size_t policies, std::optional<std::size_t> reference) {
  std::vector<std::size_t> order;
  if (reference) order.push_back(*reference);
  for (std::size_t p = 0; p < policies; ++p)
    if (p != reference) order.push_back(p);
  return order;
}

DivergenceMeter::DivergenceMeter(const std::vector<PolicyPlan>& policies, std::size_t vocab)
    : vocab_(vocab),
      reference_(reference_of(policies)),
      order_(running_order(policies.size(), reference_)),
      records_(policies.size()) {}

void DivergenceMeter::start() {
  reference_logits_.clear();
  reference_rows_.clear();
  reference_nll_.clear();
}

void DivergenceMeter::begin(std::size_t policy) {
  policy_ = policy;
  row_ = 0;
}

std::span<const LogSoftmax> DivergenceMeter::add(std::span<const float> logits,
                                                 std::span<const std::int32_t> targets) {
  TokenRecord& record = records_[policy_];
  const bool is_reference = policy_ == reference_;
  const bool compare = reference_.has_value();
  rows_.resize(targets.size());
  const std::size_t old = record.nll.size();
  const std::size_t all = old + targets.size();
  record.nll.resize(all);
  if (compare) {
    record.kl.resize(all);
    record.same_top.resize(all);
    record.delta_p.resize(all);
  }
  if (is_reference) {
    reference_logits_.insert(reference_logits_.end(), logits.begin(), logits.end());
    reference_rows_.resize(row_ + targets.size());
    reference_nll_.resize(row_ + targets.size());
  }
  parallel_for(static_cast<std::int64_t>(targets.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const auto row = logits.subspan(at * vocab_, vocab_);
    rows_[at] = log_softmax(row);
    const double nll = rows_[at].log_sum - static_cast<double>(row[static_cast<std::size_t>(targets[at])]);
    record.nll[old + at] = nll;
    if (!compare) return;
    const std::size_t dense = row_ + at;
    if (is_reference) {
      reference_rows_[dense] = rows_[at];
      reference_nll_[dense] = nll;
      record.same_top[old + at] = 1;  // and no divergence
      return;
    }
    const auto reference = std::span<const float>(reference_logits_).subspan(dense * vocab_, vocab_);
    record.kl[old + at] = kl_divergence(reference, reference_rows_[dense], row, rows_[at]);
    record.same_top[old + at] = reference_rows_[dense].top == rows_[at].top ? 1 : 0;
    record.delta_p[old + at] = std::exp(-nll) - std::exp(-reference_nll_[dense]);
  });
  row_ += targets.size();
  return rows_;
}

void add_divergence(const TokenRecord& record, std::vector<std::pair<std::string, Measure>>& metrics,
                    const std::string& suffix) {
  if (record.kl.empty()) return;
  std::vector<double> sorted = record.kl;
  std::sort(sorted.begin(), sorted.end());
  const auto add = [&](const char* name, const Measure& measure) {
    metrics.emplace_back(name + suffix, measure);
  };
  const auto quantile = [&](const char* name, double fraction) {
    add(name, Measure{quantile_of_sorted(sorted, fraction)});
  };
  add("kl", mean_of(record.kl));
  quantile("kl_median", 0.5);
  quantile("kl_p90", 0.9);
  quantile("kl_p95", 0.95);
  quantile("kl_p99", 0.99);
  quantile("kl_p99.9", 0.999);
  quantile("kl_max", 1);
  add("same_top", proportion_of(record.same_top));
  sorted = record.delta_p;
  std::sort(sorted.begin(), sorted.end());
  add("delta_p", mean_of(record.delta_p));
  add("delta_p_rms", root_mean_square_of(record.delta_p));
  quantile("delta_p_min", 0);
  quantile("delta_p_p00.1", 0.001);
  quantile("delta_p_p01", 0.01);
  quantile("delta_p_p05", 0.05);
  quantile("delta_p_p10", 0.1);
  quantile("delta_p_p25", 0.25);
  quantile("delta_p_median", 0.5);
  quantile("delta_p_p75", 0.75);
  quantile("delta_p_p90", 0.9);
  quantile("delta_p_p95", 0.95);
  quantile("delta_p_p99", 0.99);
  quantile("delta_p_p99.9", 0.999);
  quantile("delta_p_max", 1);
}

}  // namespace toptheta::eval_detail
