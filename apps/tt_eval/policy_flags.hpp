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
  Policy common{};  // the values of flags for options that policies share
};

void declare_policies(CLI::App& app, PolicyFlags& flags);

// The requested policies, in order: each --attention, with every k of -k unless it has its own. Other flags
// apply to every policy for which they mean something (none for dense, --cap-k for top-theta only); options
// after the colon of a policy take precedence. Without --attention the policies are dense, also top-k if -k
// is given, and also top-theta if --thresholds is given. Throws UsageError for anything that is not
// understood, and for flags that apply to no policy.
std::vector<Policy> resolve_policies(const PolicyFlags& flags);

}  // namespace toptheta::app
