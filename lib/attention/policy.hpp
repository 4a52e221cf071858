// How attention selects and compensates: the user's choice, and the same resolved for one model.
//
// Paper: arXiv 2502.08363, sections 3.1 (selection), 3.2 (SDC), 3.3 (VMC); here: docs/method.md.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attention/prefilter.hpp"
#include "core/number_list.hpp"
#include "core/shape.hpp"
#include "theta/lookup.hpp"

namespace toptheta {

// How it is known what a row keeps: everything, its k largest, what is above a threshold, or what a policy's
// own code (attention/policies/) makes of rows of scores.
enum class Selection { dense, topk, theta, rows };

enum class Sdc { none, exact, exp_threshold, offline, calibrated };
template <>
inline constexpr auto kNames<Sdc> = std::to_array<Named<Sdc>>({{Sdc::none, "none"},
                                                               {Sdc::exact, "exact"},
                                                               {Sdc::exp_threshold, "exp-threshold"},
                                                               {Sdc::offline, "offline"},
                                                               {Sdc::calibrated, "calibrated"}});

struct PolicyUnit;

// What a user asks for.
struct Policy {
  Selection selection = Selection::dense;
  Placement placement = Placement::pre_softmax;
  Sdc sdc = Sdc::none;
  double sdc_scale = 1;  // gamma
  bool vmc = false;
  bool cap_k = false;             // top-theta keeps at most the k most recent survivors
  std::int64_t k = 0;             // 0: not given (top-theta: the table's only target)
  std::vector<LayerK> layer_k{};  // top-k; top-theta takes its table's
  LengthLookup lookup = LengthLookup::nearest;
  // top-theta pre-softmax only, where neither exact SDC nor lost mass asks for the dropped; needs a cache
  // made for it. Never changes a result. Under calibrated SDC lost mass does not ask for them: it is counted
  // as what the calibrated term says.
  Prefilter prefilter = Prefilter::none;
  // Selection::rows: the declaration, and the values of its own options in their order; NaN: not given.
  const PolicyUnit* unit = nullptr;
  std::vector<double> values{};
  // Whatever the policy: the first keys of the sequence and the most recent ones are kept in any case, as far
  // as the row sees them, and it chooses among the others. They count as kept.
  std::int64_t keep_first = 0;
  std::int64_t keep_recent = 0;
  std::int64_t dense_last = 0;  // the last rows of a prompt keep everything

  // Whether some rows are not the policy's own choice alone.
  [[nodiscard]] bool keeps_more() const { return keep_first > 0 || keep_recent > 0 || dense_last > 0; }
};

// "dense", "topk", "theta", "window", ...
std::string_view name_of(const Policy& policy);
// "theta k=64 pre-softmax sdc=exact vmc": one line for tables and messages.
std::string describe(const Policy& policy);

// Its own options with the values in force, and what it keeps in any case, by their names in JSON: {"window",
// 256},
// {"keep_first", 4}.
std::vector<std::pair<std::string, double>> options_in_force(const Policy& policy);

constexpr bool is_dense(const Policy& policy) {
  return policy.selection == Selection::dense;
}
constexpr bool has_thresholds(const Policy& policy) {
  return policy.selection == Selection::theta;
}
// Whether it is calibrated: by thresholds, or by the terms of offline SDC.
constexpr bool needs_table(const Policy& policy) {
  return has_thresholds(policy) || policy.sdc == Sdc::offline;
}
// Whether what it keeps can be measured against top-k: an effective k.
bool has_k(const Policy& policy);
bool has_placement(const Policy& policy);
// Whether every key of a row is read, or only those that are kept.
bool reads_all_keys(const Policy& policy);

class RowSelector;

// A policy fitted to a model: everything attention needs, checked.
class ResolvedPolicy {
 public:
  // `table` is needed by top-theta and by offline SDC, and may be null otherwise. Throws UsageError, with the
  // reason, on combinations that mean nothing:
  //   dense with any of k, SDC, VMC or cap-k; top-k without k; top-theta without table;
  //   SDC with post-softmax placement; exp-threshold or calibrated SDC or cap-k without top-theta;
  //   offline or calibrated SDC where the table holds none of its terms; a placement or layer-k other than
  //   the table's;
  //   sdc_scale not finite or negative;
  //   of a policy of attention/policies/ placement, cap-k or another SDC than exact, and what it refuses
  //   itself.
  ResolvedPolicy(const Policy& policy, const ModelShape& shape, std::int64_t max_length,
                 const ThresholdTable* table, const std::string& table_path);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  // The k in force in a query head; kDenseK where it stays dense.
  [[nodiscard]] std::int64_t k(std::int64_t layer, std::int64_t head) const {
    return k_[static_cast<std::size_t>(layer * num_heads_ + head)];
  }
  // Indexed by row length; empty where the policy does not need it.
  [[nodiscard]] std::span<const float> theta(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] std::span<const float> sdc(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] std::span<const float> rho(std::int64_t layer, std::int64_t head) const;  // calibrated SDC
  // Null unless the policy looks at whole rows itself.
  [[nodiscard]] const RowSelector* selector() const { return selector_.get(); }

 private:
  Policy policy_;
  std::int64_t num_heads_ = 1;
  std::vector<std::int64_t> k_;  // [layers * query heads]
  std::shared_ptr<const ThresholdLookup> lookup_;
  std::shared_ptr<const RowSelector> selector_;
};

// Dense attention for a model of this shape: no table, no k.
ResolvedPolicy dense_policy(const ModelShape& shape);

}  // namespace toptheta
