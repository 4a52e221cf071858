// Kernels choose their instruction set at run time; tests go through all that this machine has.
#pragma once
#include <hwy/targets.h>

#include <cstdint>
#include <functional>

#include "support/catch.hpp"

namespace toptheta::testing {

// Calls body with each instruction set in force.
inline void at_every_instruction_set(const std::function<void()>& body) {
  for (std::int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    const std::int64_t target = targets & -targets;
    INFO("instruction set " << hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);  // what was chosen before stays chosen otherwise
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace toptheta::testing
