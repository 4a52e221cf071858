// Dense attention: keeps everything.
#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

void check_dense(const Policy& policy) {
  if (policy.k != 0 || !policy.layer_k.empty())
    refuse(policy, "dense attention has no k", "drop k and layer-k");
  if (policy.sdc != Sdc::none) refuse(policy, "dense attention drops nothing to compensate", "drop SDC");
  if (policy.vmc) refuse(policy, "dense attention drops nothing to compensate", "drop VMC");
  if (policy.cap_k) refuse(policy, "cap-k limits the survivors of a threshold", "drop cap-k");
}

}  // namespace

extern const PolicyUnit kDensePolicy;
const PolicyUnit kDensePolicy{.name = "dense",
                              .keeps = "everything",
                              .selection = Selection::dense,
                              .drops = false,
                              .check = check_dense};

}  // namespace toptheta
