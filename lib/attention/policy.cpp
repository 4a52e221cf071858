#include "attention/policy.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "core/error.hpp"

namespace toptheta {

namespace {

[[noreturn]] void refuse(const Policy& policy, std::string what, std::string next) {
  throw UsageError({.where = fmt::format("attention policy '{}'", describe(policy)),
                    .what = std::move(what),
                    .next = std::move(next)});
}

void check_dense(const Policy& policy) {
  if (policy.k != 0 || !policy.layer_k.empty())
    refuse(policy, "dense attention has no k", "drop -k and --layer-k");
  if (policy.sdc != Sdc::none) refuse(policy, "dense attention drops nothing to compensate", "drop --sdc");
  if (policy.vmc) refuse(policy, "dense attention drops nothing to compensate", "drop --vmc");
  if (policy.cap_k) refuse(policy, "cap-k limits the survivors of a threshold", "drop --cap-k");
}

void check_topk(const Policy& policy) {
  if (policy.k < 1) refuse(policy, "top-k needs a k of at least 1", "give -k");
  if (policy.cap_k) refuse(policy, "top-k keeps k elements already", "drop --cap-k");
  if (policy.sdc == Sdc::exp_threshold)
    refuse(policy, "exp-threshold SDC estimates the dropped from the threshold, which top-k does not have",
           "use --sdc exact or none");
}

void check_prefilter(const Policy& policy) {
  if (policy.prefilter == Prefilter::none || policy.prefilter == Prefilter::automatic) return;
  if (policy.selection != Selection::theta || policy.placement != Placement::pre_softmax || policy.cap_k)
    refuse(policy, "a prefilter rules keys out by a threshold on their scores, known before they are read",
           "use it with theta, pre-softmax, without --cap-k");
  if (policy.sdc == Sdc::exact)
    refuse(policy, "exact SDC sums over the dropped keys, which a prefilter does not read",
           "use --sdc offline, exp-threshold or none");
}

void check_compensation(const Policy& policy) {
  if (policy.placement == Placement::post_softmax && policy.sdc != Sdc::none)
    refuse(policy,
           "the softmax denominator is complete in post-softmax placement: there is nothing to compensate",
           "use --sdc none; --vmc gives back the lost mass");
  if (!std::isfinite(policy.sdc_scale) || policy.sdc_scale < 0)
    refuse(policy, fmt::format("--sdc-scale is {}", policy.sdc_scale), "give a finite number of at least 0");
}

void check_table(const Policy& policy, const ThresholdTable* table) {
  if (table == nullptr)
    refuse(policy,
           policy.selection == Selection::theta ? "top-theta needs thresholds"
                                                : "offline SDC needs calibrated terms",
           "give --thresholds FILE, made by tt-calibrate fit");
  if (table->meta.placement != policy.placement)
    refuse(policy, fmt::format("the thresholds were calibrated {}", name_of(table->meta.placement)),
           fmt::format("use --placement {} or calibrate again with --placement {}",
                       name_of(table->meta.placement), name_of(policy.placement)));
}

// The k of every head where heads have that of their layer.
std::vector<std::int64_t> of_heads(const std::vector<std::int64_t>& layer_k, std::int64_t num_heads) {
  std::vector<std::int64_t> k;
  for (const std::int64_t of_layer : layer_k)
    k.insert(k.end(), static_cast<std::size_t>(num_heads), of_layer);
  return k;
}

}  // namespace

std::string describe(const Policy& policy) {
  std::string text(name_of(policy.selection));
  if (policy.selection == Selection::dense) return text;
  if (policy.k > 0) text += fmt::format(" k={}", policy.k);
  text += fmt::format(" {}", name_of(policy.placement));
  if (policy.sdc != Sdc::none) text += fmt::format(" sdc={}", name_of(policy.sdc));
  if (policy.sdc != Sdc::none && policy.sdc_scale != 1) text += fmt::format("*{}", policy.sdc_scale);
  if (policy.vmc) text += " vmc";
  if (policy.cap_k) text += " cap-k";
  if (policy.prefilter != Prefilter::none) text += fmt::format(" prefilter={}", name_of(policy.prefilter));
  return text;
}

ResolvedPolicy::ResolvedPolicy(const Policy& policy, const ModelShape& shape, std::int64_t max_length,
                               const ThresholdTable* table, const std::string& table_path)
    : policy_(policy), num_heads_(shape.num_heads) {
  check_compensation(policy);
  check_prefilter(policy);
  if (policy.selection == Selection::dense) {
    check_dense(policy);
    k_.assign(static_cast<std::size_t>(shape.num_layers * shape.num_heads), kDenseK);
    return;
  }
  if (policy.selection == Selection::topk) {
    check_topk(policy);
    k_ = of_heads(resolve_layer_k(policy.k, policy.layer_k, shape.num_layers), shape.num_heads);
    if (policy.sdc != Sdc::offline) return;
  }
  check_table(policy, table);
  require_shape(*table, shape, table_path);
  const Target& target = table->target(policy.k);
  const std::vector<std::int64_t> calibrated =
      target.head_k.empty() ? of_heads(target.layer_k, shape.num_heads) : target.head_k;
  if (!policy.layer_k.empty() &&
      of_heads(resolve_layer_k(target.k, policy.layer_k, shape.num_layers), shape.num_heads) != calibrated)
    refuse(policy, "--layer-k is not what the thresholds were calibrated for",
           "drop --layer-k, the table brings its own; or calibrate again with it");
  if (policy.selection == Selection::topk && k_ != calibrated)
    refuse(policy, "the offline SDC terms belong to other values of k", "calibrate for this k and --layer-k");
  policy_.k = target.k;
  k_ = calibrated;
  lookup_ = std::make_shared<ThresholdLookup>(*table, target.k, max_length, policy.lookup);
  if (policy.sdc == Sdc::offline && !lookup_->has_sdc())
    refuse(policy, "the thresholds hold no offline SDC terms",
           "calibrate again with --sdc-offline, or use --sdc exact");
}

std::span<const float> ResolvedPolicy::theta(std::int64_t layer, std::int64_t head) const {
  return lookup_ && policy_.selection == Selection::theta ? lookup_->theta(layer, head)
                                                          : std::span<const float>();
}

std::span<const float> ResolvedPolicy::sdc(std::int64_t layer, std::int64_t head) const {
  return lookup_ && policy_.sdc == Sdc::offline ? lookup_->sdc(layer, head) : std::span<const float>();
}

ResolvedPolicy dense_policy(const ModelShape& shape) {
  return ResolvedPolicy(Policy{}, shape, 0, nullptr, "");
}

}  // namespace toptheta
