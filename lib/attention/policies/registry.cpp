// All policies. A new one needs a declaration and an entry here.
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/policies/unit.hpp"

namespace toptheta {

extern const PolicyUnit kDensePolicy;
extern const PolicyUnit kTopkPolicy;
extern const PolicyUnit kThetaPolicy;
extern const PolicyUnit kTopPPolicy;
extern const PolicyUnit kWindowPolicy;
extern const PolicyUnit kH2oPolicy;
extern const PolicyUnit kQuestPolicy;
extern const PolicyUnit kBlasstPolicy;
extern const PolicyUnit kXAttentionPolicy;
extern const PolicyUnit kRandomPolicy;

namespace {
constexpr const PolicyUnit* kPolicies[] = {&kDensePolicy,      &kTopkPolicy,  &kThetaPolicy, &kTopPPolicy,
                                           &kWindowPolicy,     &kH2oPolicy,   &kQuestPolicy, &kBlasstPolicy,
                                           &kXAttentionPolicy, &kRandomPolicy};
}  // namespace

std::span<const PolicyUnit* const> all_policies() {
  return kPolicies;
}

const PolicyUnit* find_policy(std::string_view name) {
  for (const PolicyUnit* unit : kPolicies)
    if (unit->name == name) return unit;
  return nullptr;
}

std::vector<std::string_view> policy_names() {
  std::vector<std::string_view> names;
  for (const PolicyUnit* unit : kPolicies)
    names.push_back(unit->name);
  return names;
}

const PolicyUnit& unit_of(const Policy& policy) {
  if (policy.unit != nullptr) return *policy.unit;
  switch (policy.selection) {
    case Selection::topk:
      return kTopkPolicy;
    case Selection::theta:
      return kThetaPolicy;
    case Selection::dense:
    case Selection::rows:
      break;
  }
  return kDensePolicy;
}

double option_value(const Policy& policy, std::string_view name) {
  const std::span<const PolicyOption> options = unit_of(policy).options;
  const auto option =
      std::find_if(options.begin(), options.end(), [&](const PolicyOption& o) { return o.name == name; });
  if (option == options.end()) return std::numeric_limits<double>::quiet_NaN();
  const auto index = static_cast<std::size_t>(option - options.begin());
  return index < policy.values.size() && !std::isnan(policy.values[index]) ? policy.values[index]
                                                                           : option->usual;
}

std::int64_t option_count(const Policy& policy, std::string_view name) {
  const double value = option_value(policy, name);
  return std::isnan(value) ? 0 : static_cast<std::int64_t>(value);
}

}  // namespace toptheta
