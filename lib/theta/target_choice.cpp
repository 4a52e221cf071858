#include "theta/target_choice.hpp"

namespace toptheta {

std::vector<const Target*> choose_targets(const ThresholdTable& table, std::int64_t k) {
  if (k != 0) return {&table.target(k)};
  std::vector<const Target*> targets;
  targets.reserve(table.targets.size());
  for (const Target& target : table.targets)
    targets.push_back(&target);
  return targets;
}

}  // namespace toptheta
