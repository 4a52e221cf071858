#include "tt_eval/policy_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>

#include "common/choice_flag.hpp"
#include "core/error.hpp"

namespace toptheta::app {

namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& what, const std::string& expected) {
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

template <NamedEnum E>
E choice_value(const std::string& text, std::string_view key, std::string_view value) {
  if (const std::optional<E> choice = value_named<E>(value)) return *choice;
  refuse(text, fmt::format("'{}' is not a value of {}", value, key), listed_names<E>());
}

bool switch_value(const std::string& text, std::string_view key, std::string_view value) {
  if (value.empty() || value == "true") return true;
  if (value == "false") return false;
  refuse(text, fmt::format("'{}' is not a value of {}", value, key), "true or false");
}

double number_value(const std::string& text, std::string_view key, std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || value.empty())
    refuse(text, fmt::format("'{}' is not a value of {}", value, key), "a number");
  return number;
}

// One option after the colon of --attention NAME:OPTION,OPTION=VALUE,...
void apply_option(const std::string& text, std::string_view option, Policy& policy) {
  const std::size_t equals = option.find('=');
  const std::string_view key = option.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  if (key == "k") {
    const std::vector<std::int64_t> k = parse_number_list(value, fmt::format("--attention {}", text));
    if (k.size() != 1)
      refuse(text, fmt::format("'{}' is not a value of {}", value, key), "a single k; -k takes several");
    policy.k = k.front();
  } else if (key == "placement") {
    policy.placement = choice_value<Placement>(text, key, value);
  } else if (key == "sdc") {
    policy.sdc = choice_value<Sdc>(text, key, value);
  } else if (key == "sdc-scale") {
    policy.sdc_scale = number_value(text, key, value);
  } else if (key == "vmc") {
    policy.vmc = switch_value(text, key, value);
  } else if (key == "cap-k") {
    policy.cap_k = switch_value(text, key, value);
  } else if (key == "prefilter") {
    policy.prefilter = choice_value<Prefilter>(text, key, value);
  } else if (key == "lookup") {
    policy.lookup = choice_value<LengthLookup>(text, key, value);
  } else {
    refuse(text, fmt::format("unknown option '{}'", key),
           "k, placement, sdc, sdc-scale, vmc, cap-k, prefilter or lookup");
  }
}

// What the flags beside --attention say for a policy of this kind.
Policy base_policy(const PolicyFlags& flags, Selection selection) {
  Policy policy;
  policy.selection = selection;
  if (selection == Selection::dense) return policy;
  policy.placement = flags.placement;
  policy.sdc = flags.sdc;
  policy.sdc_scale = flags.sdc_scale;
  policy.vmc = flags.vmc;
  if (!flags.layer_k.empty()) policy.layer_k = parse_layer_k(flags.layer_k);
  if (selection == Selection::topk) return policy;
  policy.cap_k = flags.cap_k;
  policy.prefilter = flags.prefilter;
  policy.lookup = flags.lookup;
  return policy;
}

Policy parse_policy(const PolicyFlags& flags, const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto selection = value_named<Selection>(std::string_view(text).substr(0, colon));
  if (!selection)
    refuse(text, fmt::format("unknown attention '{}'", text.substr(0, colon)), listed_names<Selection>());
  Policy policy = base_policy(flags, *selection);
  if (colon == std::string::npos) return policy;
  for (const std::string_view option : split(std::string_view(text).substr(colon + 1), ','))
    apply_option(text, option, policy);
  return policy;
}

std::vector<std::string> attention_of(const PolicyFlags& flags) {
  if (!flags.attention.empty()) return flags.attention;
  std::vector<std::string> attention = {"dense"};
  if (!flags.k.empty()) attention.emplace_back("topk");
  if (!flags.thresholds.empty()) attention.emplace_back("theta");
  return attention;
}

// A flag that no policy takes was meant for one that is missing.
void require_used(const PolicyFlags& flags, const std::vector<Policy>& policies) {
  const auto any = [&](const std::function<bool(const Policy&)>& takes) {
    return std::any_of(policies.begin(), policies.end(), takes);
  };
  const auto require = [](bool used, const char* flag, const char* needed) {
    if (used) return;
    throw UsageError({.where = flag,
                      .what = "holds for none of the policies",
                      .expected = needed,
                      .next = "add --attention, or drop the flag"});
  };
  const bool sparse = any([](const Policy& policy) { return policy.selection != Selection::dense; });
  const bool theta = any([](const Policy& policy) { return policy.selection == Selection::theta; });
  const bool table = theta || any([](const Policy& policy) { return policy.sdc == Sdc::offline; });
  require(flags.k.empty() || sparse, "-k", "topk or theta");
  require(flags.layer_k.empty() || sparse, "--layer-k", "topk or theta");
  require(flags.sdc == Sdc::none || sparse, "--sdc", "topk or theta");
  require(!flags.vmc || sparse, "--vmc", "topk or theta");
  require(!flags.cap_k || theta, "--cap-k", "theta");
  require(flags.prefilter == Prefilter::none || theta, "--prefilter", "theta");
  require(flags.thresholds.empty() || table, "--thresholds", "theta, or offline SDC");
}

}  // namespace

void declare_policies(CLI::App& app, PolicyFlags& flags) {
  const char* group = "Attention";
  app.add_option("--attention", flags.attention,
                 "Policies, each with options of its own after a colon: dense topk theta:sdc=exact,vmc,k=64. "
                 "Default: dense, topk where -k is given, theta where --thresholds is")
      ->type_name("dense|topk|theta[:OPTION,...]")
      ->group(group);
  app.add_option("--thresholds", flags.thresholds,
                 "Threshold tables of tt-calibrate fit; a policy takes the one with its placement and k")
      ->type_name("FILE")
      ->group(group);
  app.add_option("-k,--k", flags.k,
                 "Keys to keep per row, one run each: 64, or 16,32,64. top-theta: the targets to take from "
                 "the table; "
                 "its only one if not given")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--layer-k", flags.layer_k,
                 "Layers with a k of their own under topk: 0:512,1:dense (theta takes its table's)")
      ->type_name("LAYER:K,...")
      ->group(group);
  add_choice(app, "--placement", flags.placement, "Select on scores or on softmax weights")->group(group);
  add_choice(app, "--sdc", flags.sdc, "Softmax denominator compensation, pre-softmax only")->group(group);
  app.add_option("--sdc-scale", flags.sdc_scale, "Factor on the compensation term (gamma)")
      ->type_name("G")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--vmc", flags.vmc, "V-mean compensation: give the lost mass to the running mean of V")
      ->group(group);
  app.add_flag("--cap-k", flags.cap_k, "top-theta keeps at most the k most recent survivors")->group(group);
  add_choice(app, "--prefilter", flags.prefilter,
             "Rule keys out before they are read in full, results unchanged: by bounds of every 32 keys, by "
             "an 8-bit copy of the keys, or whichever pays. top-theta, pre-softmax; idle where lost "
             "mass is counted or SDC is exact")
      ->group(group);
  add_choice(app, "--lookup", flags.lookup, "Threshold of a row length that was not calibrated")
      ->group(group);
}

std::vector<Policy> resolve_policies(const PolicyFlags& flags) {
  const std::vector<std::int64_t> k =
      flags.k.empty() ? std::vector<std::int64_t>() : parse_number_list(flags.k, "-k");
  std::vector<Policy> policies;
  for (const std::string& text : attention_of(flags)) {
    const Policy policy = parse_policy(flags, text);
    if (policy.selection == Selection::dense || policy.k != 0 || k.empty()) {
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
