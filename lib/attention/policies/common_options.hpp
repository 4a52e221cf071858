// Options that several policies share, each declared once: --sdc exact, theta:sdc=exact, and their help.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "attention/policies/unit.hpp"

namespace toptheta {

struct CommonOption {
  std::string_view name;   // "sdc"
  bool is_switch = false;  // without a value: true
  std::string type_name;   // "none|exact|..."
  std::string_view help;
  bool (*fits)(const PolicyUnit&) = nullptr;  // whether it can mean something for a policy
  // Takes a value over into the policy; what was expected where it is not understood.
  std::optional<std::string> (*parse)(std::string_view value, Policy&) = nullptr;
  std::string (*print)(const Policy&) = nullptr;
};

std::span<const CommonOption> common_options();
const CommonOption* find_common_option(std::string_view name);  // null where there is none

// Takes one of the unit's own options over; what was expected where it is not understood.
std::optional<std::string> parse_own_option(const PolicyOption& option, std::string_view value,
                                            Policy& policy);

}  // namespace toptheta
