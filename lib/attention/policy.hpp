// How attention selects and compensates: the user's choice, and the same resolved for a model.
//
// Paper: arXiv 2502.08363, sections 3.1 (selection), 3.2 (SDC) and 3.3 (VMC). See docs/method.md.
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

// What decides which keys a row keeps: all; its k largest scores; a threshold; or a policy's own code
// (attention/policies/), which looks at rows of scores.
enum class Selection { dense, topk, theta, rows };

enum class Sdc { none, exact, exp_threshold, offline, calibrated };
template <>
inline constexpr auto kNames<Sdc> = std::to_array<Named<Sdc>>({{Sdc::none, "none"},
                                                               {Sdc::exact, "exact"},
                                                               {Sdc::exp_threshold, "exp-threshold"},
                                                               {Sdc::offline, "offline"},
                                                               {Sdc::calibrated, "calibrated"}});

struct PolicyUnit;

// What the user asks for.
struct Policy {
  Selection selection = Selection::dense;
  Placement placement = Placement::pre_softmax;
  Sdc sdc = Sdc::none;
  double sdc_scale = 1;  // gamma
  bool vmc = false;
  bool cap_k = false;             // top-theta keeps at most the k most recent survivors
  std::int64_t k = 0;             // 0: not given (top-theta: the table's only target)
  std::vector<LayerK> layer_k{};  // for top-k; top-theta uses its table's
  LengthLookup lookup = LengthLookup::nearest;
  // For pre-softmax top-theta, and for prefill under running-softmax placement with calibrated SDC. Idle
  // where exact SDC or lost mass needs the dropped scores; needs a cache made for it. It never changes a
  // result. Under calibrated SDC lost mass does not need the dropped scores: it is counted as the calibrated
  // term estimates it.
  Prefilter prefilter = Prefilter::none;
  // The declaration of the policy, and the values of its own options in their order; NaN: not given. Null for
  // dense, top-k and top-theta.
  const PolicyUnit* unit = nullptr;
  std::vector<double> values{};
  // The first keys of the sequence and the most recent ones are kept whatever the policy, as far as the row
  // sees them, and the policy chooses among the others. They count as kept.
  std::int64_t keep_first = 0;
  std::int64_t keep_recent = 0;
  std::int64_t dense_last = 0;  // this many last rows of a prompt keep everything

  // Whether some keys are kept that the policy itself does not choose.
  [[nodiscard]] bool keeps_more() const { return keep_first > 0 || keep_recent > 0 || dense_last > 0; }
};

// "dense", "topk", "theta", "window", ...
std::string_view name_of(const Policy& policy);
// "theta k=64 pre-softmax sdc=exact vmc": one line for tables and messages.
std::string describe(const Policy& policy);

// The policy's own options with the values in force, and what is always kept, under their names in JSON:
// {"window", 256}, {"keep_first", 4}.
std::vector<std::pair<std::string, double>> options_in_force(const Policy& policy);

constexpr bool is_dense(const Policy& policy) {
  return policy.selection == Selection::dense;
}
constexpr bool has_thresholds(const Policy& policy) {
  return policy.selection == Selection::theta;
}
// Whether the policy needs a threshold table: for its thresholds, or for the terms of offline SDC.
constexpr bool needs_table(const Policy& policy) {
  return has_thresholds(policy) || policy.sdc == Sdc::offline;
}
// Whether what the policy keeps can be compared with top-k, which defines an effective k.
bool has_k(const Policy& policy);
bool has_placement(const Policy& policy);
// Whether thresholds that were calibrated for one placement can be used in another: post-softmax thresholds
// are bounds of softmax weights, which running-softmax placement can apply as well. It then keeps what
// post-softmax placement keeps, and more (docs/method.md, "Running softmax").
bool serves(Placement calibrated, Placement used);
// Whether every key of a row is read, or only those that are kept.
bool reads_all_keys(const Policy& policy);

class RowSelector;

// A policy resolved for a model: everything that attention needs, checked.
class ResolvedPolicy {
 public:
  // `table` is needed by top-theta and by offline SDC, and may be null otherwise. Throws UsageError, with the
  // reason, for combinations that make no sense:
  //   - dense with k, SDC, VMC or cap-k; top-k without k; top-theta without a table;
  //   - SDC with post-softmax or running-softmax placement, except calibrated SDC with the latter;
  //   - exp-threshold or calibrated SDC, or cap-k, without top-theta;
  //   - offline or calibrated SDC where the table holds no such terms, and laws for rho under a running
  //     softmax;
  //   - a placement that the table does not serve, another layer-k or other kept positions than the table's;
  //   - an sdc_scale that is negative or not finite;
  //   - for a policy of attention/policies/: a placement, cap-k, or SDC other than exact;
  //   - what the policy itself refuses.
  // Throws InputError where the table is for a model of another shape, or holds no thresholds for a head that
  // is not dense (theta/lookup.hpp).
  ResolvedPolicy(const Policy& policy, const ModelShape& shape, std::int64_t max_length,
                 const ThresholdTable* table, const std::string& table_path);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  // The k that applies to a query head; kDenseK where it stays dense.
  [[nodiscard]] std::int64_t k(std::int64_t layer, std::int64_t head) const {
    return k_[static_cast<std::size_t>(layer * num_heads_ + head)];
  }
  // Indexed by row length; empty where the policy does not use them.
  [[nodiscard]] std::span<const float> theta(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] std::span<const float> sdc(std::int64_t layer, std::int64_t head) const;
  [[nodiscard]] std::span<const float> rho(std::int64_t layer, std::int64_t head) const;  // calibrated SDC
  // The law that takes the place of rho under calibrated SDC; without coefficients where the head has none.
  [[nodiscard]] RhoLaw rho_law(std::int64_t layer, std::int64_t head) const;
  // Whether some head has one.
  [[nodiscard]] bool has_rho_laws() const;
  // Null unless the policy's own code looks at rows of scores.
  [[nodiscard]] const RowSelector* selector() const { return selector_.get(); }

 private:
  Policy policy_;
  std::int64_t num_heads_ = 1;
  std::vector<std::int64_t> k_;  // [layers * query heads]
  std::shared_ptr<const ThresholdLookup> lookup_;
  std::shared_ptr<const RowSelector> selector_;
};

// describe() of the policy, and " rho-law" where calibrated SDC takes rho from the table's laws.
std::string describe(const ResolvedPolicy& policy);

// Dense attention for a model of this shape; needs no table and no k.
ResolvedPolicy dense_policy(const ModelShape& shape);

}  // namespace toptheta
