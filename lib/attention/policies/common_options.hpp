// Options that several policies share, each declared once, for the flag --sdc exact, for theta:sdc=exact, and
// for their help.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "attention/policies/unit.hpp"

namespace toptheta {

struct CommonOption {
  std::string_view name;   // "sdc"
  bool is_switch = false;  // may be given without a value, which means true
  std::string type_name;   // "none|exact|..."
  std::string_view help;
  bool (*fits)(const PolicyUnit&) = nullptr;  // whether the option makes sense for a policy
  // Sets the value in the policy; where it is not understood, returns what was expected.
  std::optional<std::string> (*parse)(std::string_view value, Policy&) = nullptr;
  std::string (*print)(const Policy&) = nullptr;
};

std::span<const CommonOption> common_options();
const CommonOption* find_common_option(std::string_view name);  // null where there is none

// Sets one of the unit's own options; where the value is not understood, returns what was expected.
std::optional<std::string> parse_own_option(const PolicyOption& option, std::string_view value,
                                            Policy& policy);

}  // namespace toptheta
