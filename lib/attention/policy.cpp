#include "attention/policy.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "attention/policies/unit.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

// Checks for policies whose own code looks at rows of scores.
void check_rows(const Policy& policy) {
  if (policy.placement != Placement::pre_softmax)
    refuse(policy, "this policy selects by its own rule, so placement has no meaning", "drop the placement");
  if (policy.cap_k) refuse(policy, "cap-k limits the survivors of a threshold", "drop cap-k");
  if (policy.sdc != Sdc::none && policy.sdc != Sdc::exact)
    refuse(policy,
           fmt::format(
               "{} SDC estimates the dropped scores from calibrated terms, which this policy does not have",
               name_of(policy.sdc)),
           "use exact SDC or none");
}

void check_kept_more(const Policy& policy) {
  if (policy.keep_first < 0 || policy.keep_recent < 0 || policy.dense_last < 0)
    refuse(policy, "a negative number of keys or rows to keep", "give numbers of at least 0");
  if (is_dense(policy) && policy.keeps_more())
    refuse(policy, "dense attention already keeps everything", "drop keep-first, keep-recent and dense-last");
}

// Running-softmax placement with calibrated SDC, which needs no dropped score.
bool estimates_denominator(const Policy& policy) {
  return policy.selection == Selection::theta && policy.placement == Placement::running_softmax &&
         policy.sdc == Sdc::calibrated;
}

void check_prefilter(const Policy& policy) {
  if (policy.prefilter == Prefilter::none || policy.prefilter == Prefilter::automatic) return;
  const bool is_known = policy.placement == Placement::pre_softmax || estimates_denominator(policy);
  if (policy.selection != Selection::theta || !is_known || policy.cap_k)
    refuse(policy, "a prefilter rules keys out by a threshold on their scores, known before they are read",
           "use it with theta, pre-softmax or running-softmax with calibrated SDC, without cap-k");
  if (estimates_denominator(policy) && (policy.keep_first > 0 || policy.keep_recent > 0))
    refuse(policy, "running-softmax placement scores whole rows where keys are always kept",
           "drop the prefilter, or keep-first and keep-recent; or use placement pre-softmax");
  if (policy.sdc == Sdc::exact)
    refuse(policy, "exact SDC sums over the dropped keys, which a prefilter does not read",
           "use calibrated SDC, which needs no dropped score, or another kind");
}

void check_compensation(const Policy& policy) {
  if (policy.placement != Placement::pre_softmax && policy.sdc != Sdc::none && !estimates_denominator(policy))
    refuse(policy,
           fmt::format("the softmax denominator is complete in {} placement: there is nothing to compensate",
                       name_of(policy.placement)),
           policy.placement == Placement::running_softmax
               ? "drop SDC; VMC gives back the lost mass. Or use calibrated SDC, which estimates the "
                 "denominator, so that prefilters can be used"
               : "drop SDC; VMC gives back the lost mass");
  if (!std::isfinite(policy.sdc_scale) || policy.sdc_scale < 0)
    refuse(policy, fmt::format("sdc-scale is {}", policy.sdc_scale), "give a finite number of at least 0");
}

void check_table(const Policy& policy, const ThresholdTable* table) {
  if (table == nullptr)
    refuse(policy,
           has_thresholds(policy) ? "top-theta needs thresholds" : "offline SDC needs calibrated terms",
           "give a table that tt-calibrate fit made: --thresholds theta.h5");
  if (!serves(table->meta.placement, policy.placement))
    refuse(policy, fmt::format("the thresholds were calibrated {}", name_of(table->meta.placement)),
           fmt::format("use placement {}, or calibrate again for {}", name_of(table->meta.placement),
                       name_of(policy.placement)));
  const KeptEnds& kept = table->meta.kept;
  if (kept.any() && kept != KeptEnds{policy.keep_first, policy.keep_recent})
    refuse(policy,
           fmt::format(
               "the thresholds were fitted to rows without the positions of {}, such that k are kept in all",
               describe(kept)),
           fmt::format("use {} with them, or calibrate again", describe(kept)));
}

// The k of every head where all heads of a layer have the layer's k.
std::vector<std::int64_t> of_heads(const std::vector<std::int64_t>& layer_k, std::int64_t num_heads) {
  std::vector<std::int64_t> k;
  for (const std::int64_t of_layer : layer_k)
    k.insert(k.end(), static_cast<std::size_t>(num_heads), of_layer);
  return k;
}

// The k of every head of a policy whose own code looks at rows of scores: kDenseK where its layer is dense,
// otherwise the k that was asked for, or 0 for a policy without k.
std::vector<std::int64_t> rows_k(const Policy& policy, const ModelShape& shape) {
  for (const LayerK& layer : policy.layer_k)
    if (policy.k == 0 && layer.k != kDenseK)
      refuse(policy, "a layer's own k has no meaning for a policy without k",
             "use dense for the layer, or drop it");
  return of_heads(resolve_layer_k(policy.k, policy.layer_k, shape.num_layers), shape.num_heads);
}

}  // namespace

void refuse(const Policy& policy, std::string what, std::string next) {
  throw UsageError({.where = fmt::format("attention policy '{}'", describe(policy)),
                    .what = std::move(what),
                    .next = std::move(next)});
}

std::string_view name_of(const Policy& policy) {
  return unit_of(policy).name;
}

bool has_k(const Policy& policy) {
  return unit_of(policy).has_k;
}

bool serves(Placement calibrated, Placement used) {
  return calibrated == used || (calibrated == Placement::post_softmax && used == Placement::running_softmax);
}

bool has_placement(const Policy& policy) {
  return unit_of(policy).has_placement;
}

bool reads_all_keys(const Policy& policy) {
  return unit_of(policy).reads_all_keys || policy.sdc == Sdc::exact;
}

std::vector<std::pair<std::string, double>> options_in_force(const Policy& policy) {
  std::vector<std::pair<std::string, double>> options;
  for (const PolicyOption& option : unit_of(policy).options)
    if (const double value = option_value(policy, option.name); !std::isnan(value))
      options.emplace_back(option.name, value);
  if (policy.keep_first > 0) options.emplace_back("keep_first", static_cast<double>(policy.keep_first));
  if (policy.keep_recent > 0) options.emplace_back("keep_recent", static_cast<double>(policy.keep_recent));
  if (policy.dense_last > 0) options.emplace_back("dense_last", static_cast<double>(policy.dense_last));
  return options;
}

std::string describe(const Policy& policy) {
  const PolicyUnit& unit = unit_of(policy);
  std::string text(unit.name);
  if (policy.k > 0 && unit.has_k) text += fmt::format(" k={}", policy.k);
  for (const PolicyOption& option : unit.options)
    if (const double value = option_value(policy, option.name); !std::isnan(value))
      text += fmt::format(" {}={}", option.name, value);
  if (unit.has_placement) text += fmt::format(" {}", name_of(policy.placement));
  if (policy.sdc != Sdc::none && unit.drops) text += fmt::format(" sdc={}", name_of(policy.sdc));
  if (policy.sdc != Sdc::none && policy.sdc_scale != 1 && unit.drops)
    text += fmt::format("*{}", policy.sdc_scale);
  if (policy.vmc && unit.drops) text += " vmc";
  if (policy.cap_k && unit.drops) text += " cap-k";
  if (policy.prefilter != Prefilter::none && unit.drops)
    text += fmt::format(" prefilter={}", name_of(policy.prefilter));
  if (policy.keep_first > 0) text += fmt::format(" keep-first={}", policy.keep_first);
  if (policy.keep_recent > 0) text += fmt::format(" keep-recent={}", policy.keep_recent);
  if (policy.dense_last > 0) text += fmt::format(" dense-last={}", policy.dense_last);
  return text;
}

ResolvedPolicy::ResolvedPolicy(const Policy& policy, const ModelShape& shape, std::int64_t max_length,
                               const ThresholdTable* table, const std::string& table_path)
    : policy_(policy), num_heads_(shape.num_heads) {
  const PolicyUnit& unit = unit_of(policy);
  check_compensation(policy);
  check_prefilter(policy);
  check_kept_more(policy);
  if (policy.selection == Selection::rows) check_rows(policy);
  if (unit.check != nullptr) unit.check(policy);
  if (policy.selection == Selection::rows) {
    selector_ = unit.selector(policy);
    k_ = rows_k(policy, shape);
    return;
  }
  if (policy.selection == Selection::dense) {
    k_.assign(static_cast<std::size_t>(shape.num_layers * shape.num_heads), kDenseK);
    return;
  }
  if (policy.selection == Selection::topk) {
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
    refuse(policy, "the layers' own k are not what the thresholds were calibrated for",
           "drop layer-k, since the table has its own; or calibrate again with it");
  if (policy.selection == Selection::topk && k_ != calibrated)
    refuse(policy, "the offline SDC terms belong to other values of k", "calibrate for this k and layer-k");
  policy_.k = target.k;
  k_ = calibrated;
  lookup_ = std::make_shared<ThresholdLookup>(*table, target.k, max_length, policy.lookup);
  if (policy.sdc == Sdc::offline && !lookup_->has_sdc())
    refuse(policy, "the thresholds hold no offline SDC terms",
           "calibrate again with offline SDC terms, or use exact SDC");
  if (policy.sdc == Sdc::calibrated && !lookup_->has_rho())
    refuse(policy, "the thresholds hold no terms of calibrated SDC (rho)",
           policy.placement == Placement::pre_softmax
               ? "calibrate again with tt-calibrate fit --sdc calibrated, or use exact SDC"
               : "calibrate again with tt-calibrate fit --sdc calibrated on rows of more than 256 keys, or "
                 "drop SDC");
  if (estimates_denominator(policy) && lookup_->has_rho_laws())
    refuse(policy, "a law for rho needs the final number of kept keys, which a running softmax does not know",
           "calibrate again without --rho-law");
}

std::span<const float> ResolvedPolicy::theta(std::int64_t layer, std::int64_t head) const {
  return lookup_ && policy_.selection == Selection::theta ? lookup_->theta(layer, head)
                                                          : std::span<const float>();
}

std::span<const float> ResolvedPolicy::sdc(std::int64_t layer, std::int64_t head) const {
  return lookup_ && policy_.sdc == Sdc::offline ? lookup_->sdc(layer, head) : std::span<const float>();
}

std::span<const float> ResolvedPolicy::rho(std::int64_t layer, std::int64_t head) const {
  return lookup_ && policy_.sdc == Sdc::calibrated ? lookup_->rho(layer, head) : std::span<const float>();
}

RhoLaw ResolvedPolicy::rho_law(std::int64_t layer, std::int64_t head) const {
  return has_rho_laws() ? lookup_->rho_law(layer, head) : RhoLaw{};
}

bool ResolvedPolicy::has_rho_laws() const {
  return lookup_ && policy_.sdc == Sdc::calibrated && lookup_->has_rho_laws();
}

std::string describe(const ResolvedPolicy& policy) {
  return describe(policy.policy()) + (policy.has_rho_laws() ? " rho-law" : "");
}

ResolvedPolicy dense_policy(const ModelShape& shape) {
  return ResolvedPolicy(Policy{}, shape, 0, nullptr, "");
}

}  // namespace toptheta
