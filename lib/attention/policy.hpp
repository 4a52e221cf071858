// How attention selects and compensates: the user's choice, and the same resolved for one model.
//
// Paper: arXiv 2502.08363, sections 3.1 (selection), 3.2 (SDC), 3.3 (VMC); here: docs/method.md.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attention/prefilter.hpp"
#include "core/number_list.hpp"
#include "core/shape.hpp"
#include "theta/lookup.hpp"

namespace toptheta {

enum class Selection { dense, topk, theta };
template <>
inline constexpr auto kNames<Selection> = std::to_array<Named<Selection>>({{Selection::dense, "dense"},
                                                                           {Selection::topk, "topk"},
                                                                           {Selection::theta, "theta"}});

enum class Sdc { none, exact, exp_threshold, offline };
template <>
inline constexpr auto kNames<Sdc> = std::to_array<Named<Sdc>>({{Sdc::none, "none"},
                                                               {Sdc::exact, "exact"},
                                                               {Sdc::exp_threshold, "exp-threshold"},
                                                               {Sdc::offline, "offline"}});

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
  // made for it. Never changes a result.
  Prefilter prefilter = Prefilter::none;
};

// "theta k=64 pre-softmax sdc=exact vmc": one line for tables and messages.
std::string describe(const Policy& policy);

// A policy fitted to a model: everything attention needs, checked.
class ResolvedPolicy {
 public:
  // `table` is needed by top-theta and by offline SDC, and may be null otherwise. Throws UsageError, with the
  // reason, on combinations that mean nothing:
  //   dense with any of k, SDC, VMC or cap-k; top-k without k; top-theta without table;
  //   SDC with post-softmax placement; exp-threshold SDC or cap-k without top-theta;
  //   offline SDC where the table holds no SDC terms; a placement or layer-k other than the table's;
  //   sdc_scale not finite or negative.
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

 private:
  Policy policy_;
  std::int64_t num_heads_ = 1;
  std::vector<std::int64_t> k_;  // [layers * query heads]
  std::shared_ptr<const ThresholdLookup> lookup_;
};

// Dense attention for a model of this shape: no table, no k.
ResolvedPolicy dense_policy(const ModelShape& shape);

}  // namespace toptheta
