// Kernels choose their instruction set at run time; tests go through all that this machine has.
#pragma once
#include <hwy/targets.h>

#include <cstdint>
#include <cstdlib>
#include <functional>

#include "support/catch.hpp"

namespace toptheta::testing {

// Calls body with each instruction set in force; with the best one only where TT_TEST_BEST_ONLY is set, for
// emulators (scripts/check-avx512).
inline void at_every_instruction_set(const std::function<void()>& body) {
  const bool best_only = std::getenv("TT_TEST_BEST_ONLY") != nullptr;
  for (std::int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    const std::int64_t target = targets & -targets;  // the best come first
    if (best_only && target != (hwy::SupportedTargets() & -hwy::SupportedTargets())) break;
    INFO("instruction set " << hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);  // what was chosen before stays chosen otherwise
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace toptheta::testing
