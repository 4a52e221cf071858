// --attention and the flags that shape its policies: from text to Policy.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "attention/policy.hpp"

namespace toptheta::app {

struct PolicyFlags {
  std::vector<std::string> attention{};
  std::vector<std::string> thresholds{};
  std::string k{};
  std::string layer_k{};
  Policy common{};  // what the flags of options that policies share say
};

void declare_policies(CLI::App& app, PolicyFlags& flags);

// The policies asked for, in order: each --attention, with every k of -k unless it brings its own. Flags
// beside
// --attention hold for every policy that they can hold for: none for dense, cap-k for top-theta only; what is
// written after the colon of a policy beats them. Without --attention: dense, top-k where -k is given,
// top-theta where
// --thresholds is. Throws UsageError for what cannot be understood, and for flags that hold for no policy.
std::vector<Policy> resolve_policies(const PolicyFlags& flags);

}  // namespace toptheta::app
