// Top-k: keeps the k largest scores of a row.
#include <fmt/format.h>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

void check_topk(const Policy& policy) {
  if (policy.k < 1) refuse(policy, "top-k needs a k of at least 1", "give k");
  if (policy.cap_k) refuse(policy, "top-k already keeps k elements", "drop cap-k");
  if (policy.placement == Placement::running_softmax)
    refuse(policy, "a running softmax is compared with thresholds, which top-k does not have",
           "use pre-softmax or post-softmax placement");
  if (policy.sdc == Sdc::exp_threshold || policy.sdc == Sdc::calibrated)
    refuse(policy,
           fmt::format("{} SDC estimates the dropped scores from the threshold, which top-k does not have",
                       name_of(policy.sdc)),
           "use exact SDC or none");
}

}  // namespace

extern const PolicyUnit kTopkPolicy;
const PolicyUnit kTopkPolicy{.name = "topk",
                             .keeps = "the k largest scores of a row",
                             .selection = Selection::topk,
                             .has_k = true,
                             .has_placement = true,
                             .check = check_topk};

}  // namespace toptheta
