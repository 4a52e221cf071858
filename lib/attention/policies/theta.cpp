// Top-theta: keeps scores above a threshold that was calibrated for the layer, head and row length.
#include "attention/policies/unit.hpp"

namespace toptheta {

extern const PolicyUnit kThetaPolicy;
const PolicyUnit kThetaPolicy{.name = "theta",
                              .keeps = "scores above a calibrated threshold",
                              .selection = Selection::theta,
                              .has_k = true,
                              .has_placement = true,
                              .has_theta = true};

}  // namespace toptheta
