#include "tt_eval/policy_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>

#include "attention/policies/common_options.hpp"
#include "core/error.hpp"

namespace toptheta::app {

namespace {

constexpr const char* kPolicyGroup = "Attention";

[[noreturn]] void refuse_text(const std::string& text, const std::string& what, const std::string& expected) {
  throw UsageError({.where = fmt::format("--attention {}", text),
                    .what = what,
                    .expected = expected,
                    .next = "see tt-eval run --help"});
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Options that a policy understands after its colon.
std::string options_of(const PolicyUnit& unit) {
  std::vector<std::string_view> names;
  if (unit.has_k) names.emplace_back("k");
  for (const PolicyOption& option : unit.options)
    names.push_back(option.name);
  for (const CommonOption& option : common_options())
    if (option.fits(unit)) names.push_back(option.name);
  return names.empty() ? "none: it has no options" : listed(names);
}

std::optional<std::string> parse_k(const std::string& text, std::string_view value, Policy& policy) {
  const std::vector<std::int64_t> k = parse_number_list(value, fmt::format("--attention {}", text));
  if (k.size() != 1) return "a single k; -k takes several";
  policy.k = k.front();
  return std::nullopt;
}

// One option after the colon of --attention NAME:OPTION,OPTION=VALUE,...
void apply_option(const std::string& text, std::string_view option, Policy& policy) {
  const PolicyUnit& unit = unit_of(policy);
  const std::size_t equals = option.find('=');
  const std::string_view key = option.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  const auto require = [&](const std::optional<std::string>& expected) {
    if (expected) refuse_text(text, fmt::format("'{}' is not a value of {}", value, key), *expected);
  };
  for (const PolicyOption& own : unit.options)
    if (own.name == key) return require(parse_own_option(own, value, policy));
  if (key == "k" && unit.has_k) return require(parse_k(text, value, policy));
  const CommonOption* const common = find_common_option(key);
  if (common != nullptr && common->fits(unit)) return require(common->parse(value, policy));
  refuse_text(text,
              common != nullptr || key == "k" ? fmt::format("'{}' has no meaning for {}", key, unit.name)
                                              : fmt::format("unknown option '{}'", key),
              options_of(unit));
}

// Whether the flag of an option has been given another value than its default.
bool is_set(const CommonOption& option, const PolicyFlags& flags) {
  return option.print(flags.common) != option.print(Policy{});
}

// What the flags beside --attention say for a policy of this kind.
Policy base_policy(const PolicyFlags& flags, const PolicyUnit& unit) {
  Policy policy;
  policy.selection = unit.selection;
  if (unit.selection == Selection::rows) policy.unit = &unit;
  for (const CommonOption& option : common_options())
    if (option.fits(unit)) option.parse(option.print(flags.common), policy);
  if (!flags.layer_k.empty() && unit.drops) policy.layer_k = parse_layer_k(flags.layer_k);
  return policy;
}

Policy parse_policy(const PolicyFlags& flags, const std::string& text) {
  const std::size_t colon = text.find(':');
  const PolicyUnit* const unit = find_policy(std::string_view(text).substr(0, colon));
  if (unit == nullptr)
    refuse_text(text, fmt::format("unknown attention '{}'", text.substr(0, colon)), listed(policy_names()));
  Policy policy = base_policy(flags, *unit);
  if (colon == std::string::npos) return policy;
  std::set<std::string_view> given;
  for (const std::string_view option : split(std::string_view(text).substr(colon + 1), ',')) {
    const std::string_view key = option.substr(0, option.find('='));
    if (!given.insert(key).second)
      refuse_text(text, fmt::format("'{}' is given twice", key), "each option once");
    apply_option(text, option, policy);
  }
  return policy;
}

std::vector<std::string> attention_of(const PolicyFlags& flags) {
  if (!flags.attention.empty()) return flags.attention;
  std::vector<std::string> attention = {"dense"};
  if (!flags.k.empty()) attention.emplace_back("topk");
  if (!flags.thresholds.empty()) attention.emplace_back("theta");
  return attention;
}

// The policies that a flag holds for, as a message names them.
std::string holders(const std::function<bool(const PolicyUnit&)>& fits) {
  std::vector<std::string_view> names;
  for (const PolicyUnit* unit : all_policies())
    if (fits(*unit)) names.push_back(unit->name);
  return listed(names);
}

// A flag that no policy takes was meant for one that is missing.
void require_used(const PolicyFlags& flags, const std::vector<Policy>& policies) {
  const auto require = [&](bool given, const std::string& flag,
                           const std::function<bool(const PolicyUnit&)>& fits) {
    if (!given ||
        std::any_of(policies.begin(), policies.end(), [&](const Policy& p) { return fits(unit_of(p)); }))
      return;
    throw UsageError({.where = flag,
                      .what = "applies to none of the policies",
                      .expected = holders(fits),
                      .next = "add --attention, or drop the flag"});
  };
  require(!flags.k.empty(), "-k", [](const PolicyUnit& unit) { return unit.has_k; });
  require(!flags.layer_k.empty(), "--layer-k", [](const PolicyUnit& unit) { return unit.drops; });
  for (const CommonOption& option : common_options())
    require(is_set(option, flags), fmt::format("--{}", option.name), option.fits);
  if (flags.thresholds.empty() || std::any_of(policies.begin(), policies.end(), needs_table)) return;
  throw UsageError({.where = "--thresholds",
                    .what = "applies to none of the policies",
                    .expected = "theta, or offline SDC",
                    .next = "add --attention, or drop the flag"});
}

void declare_common_option(CLI::App& app, const CommonOption& option, PolicyFlags& flags) {
  const std::string flag = fmt::format("--{}", option.name);
  const std::string help(option.help);
  if (option.is_switch) {
    app.add_flag_callback(
           flag, [&flags, &option] { option.parse("true", flags.common); }, help)
        ->group(kPolicyGroup);
    return;
  }
  const auto check = [&option](std::string& text) {
    Policy scratch;
    const std::optional<std::string> expected = option.parse(text, scratch);
    return expected ? fmt::format("'{}' is not known: expected {}", text, *expected) : std::string();
  };
  const auto take = [&flags, &option](const CLI::results_t& results) {
    return !option.parse(results.back(), flags.common);
  };
  CLI::Option* const added = app.add_option(flag, take, help)
                                 ->type_name(option.type_name)
                                 ->check(CLI::Validator(check, ""))
                                 ->group(kPolicyGroup);
  added->default_function([&option] { return option.print(Policy{}); });
  added->capture_default_str();
}

std::string policies_help() {
  std::string text =
      "Policies to run, each with its own options after a colon, as in: dense topk "
      "theta:sdc=exact,vmc,k=64. ";
  for (const PolicyUnit* unit : all_policies()) {
    text += fmt::format("{} keeps {}", unit->name, unit->keeps);
    std::string options;
    for (const PolicyOption& option : unit->options) {
      options += fmt::format("{}{}", options.empty() ? "" : ", ", option.name);
      if (!std::isnan(option.usual)) options += fmt::format("={:g}", option.usual);
    }
    text += options.empty() ? "; " : fmt::format(" ({}); ", options);
  }
  return text +
         "see docs/rivals.md. Default: dense, also topk if -k is given, also theta if --thresholds is given";
}

}  // namespace

void declare_policies(CLI::App& app, PolicyFlags& flags) {
  app.add_option("--attention", flags.attention, policies_help())
      ->type_name("NAME[:OPTION,...]")
      ->group(kPolicyGroup);
  app.add_option(
         "--thresholds", flags.thresholds,
         "Threshold tables written by tt-calibrate fit. Each policy takes the one with its placement and k")
      ->type_name("FILE")
      ->group(kPolicyGroup);
  app.add_option(
         "-k,--k", flags.k,
         "Keys to keep per row, one run for each: 64, or 16,32,64. For theta these are the targets to take "
         "from the table; by default all of them if the command can run several policies, else its only one")
      ->type_name("LIST")
      ->group(kPolicyGroup);
  app.add_option("--layer-k", flags.layer_k,
                 "Layers with a k of their own: 0:512,1:dense. theta takes them from its table; for policies "
                 "without a k, only dense is possible")
      ->type_name("LAYER:K,...")
      ->group(kPolicyGroup);
  for (const CommonOption& option : common_options())
    declare_common_option(app, option, flags);
}

std::vector<Policy> resolve_policies(const PolicyFlags& flags) {
  const std::vector<std::int64_t> k =
      flags.k.empty() ? std::vector<std::int64_t>() : parse_number_list(flags.k, "-k");
  std::vector<Policy> policies;
  for (const std::string& text : attention_of(flags)) {
    const Policy policy = parse_policy(flags, text);
    const PolicyUnit& unit = unit_of(policy);
    const bool brings_its_own =
        policy.k != 0 || (!unit.instead_of_k.empty() && option_count(policy, unit.instead_of_k) > 0);
    if (!unit.has_k || brings_its_own || k.empty()) {
      policies.push_back(policy);
      continue;
    }
    for (const std::int64_t value : k) {
      policies.push_back(policy);
      policies.back().k = value;
    }
  }
  require_used(flags, policies);
  return policies;
}

}  // namespace toptheta::app
