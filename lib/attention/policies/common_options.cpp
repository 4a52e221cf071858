#include "attention/policies/common_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace toptheta {

namespace {

using Expected = std::optional<std::string>;

template <NamedEnum E>
Expected take_choice(std::string_view text, E& value) {
  const std::optional<E> choice = value_named<E>(text);
  if (!choice) return listed_names<E>();
  value = *choice;
  return std::nullopt;
}

template <class Number>
Expected take_number(std::string_view text, Number& value, const char* expected) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return expected;
  value = number;
  return std::nullopt;
}

Expected take_count(std::string_view text, std::int64_t& value) {
  std::int64_t count = 0;
  if (take_number(text, count, "") || count < 0) return "a whole number of at least 0";
  value = count;
  return std::nullopt;
}

Expected take_switch(std::string_view text, bool& value) {
  if (text.empty() || text == "true") {
    value = true;
  } else if (text == "false") {
    value = false;
  } else {
    return "true or false";
  }
  return std::nullopt;
}

template <NamedEnum E>
std::string piped_names() {
  return fmt::format("{}", fmt::join(names_of<E>(), "|"));
}

std::string text_of(bool value) {
  return value ? "true" : "false";
}

bool drops(const PolicyUnit& unit) {
  return unit.drops;
}
bool has_theta(const PolicyUnit& unit) {
  return unit.has_theta;
}

std::vector<CommonOption> make_options() {
  using Text = std::string_view;
  return {
      {"placement", false, piped_names<Placement>(),
       "What thresholds and k select on: scores, softmax weights, or weights relative to the keys visited so "
       "far",
       [](const PolicyUnit& unit) { return unit.has_placement; },
       [](Text text, Policy& policy) { return take_choice(text, policy.placement); },
       [](const Policy& policy) { return std::string(name_of(policy.placement)); }},
      {"sdc", false, piped_names<Sdc>(),
       "Softmax-denominator compensation. For pre-softmax; running-softmax takes calibrated, with which the "
       "denominator is estimated, so that prefilters can be used",
       drops, [](Text text, Policy& policy) { return take_choice(text, policy.sdc); },
       [](const Policy& policy) { return std::string(name_of(policy.sdc)); }},
      {"sdc-scale", false, "G", "Factor on the compensation term (gamma)", drops,
       [](Text text, Policy& policy) { return take_number(text, policy.sdc_scale, "a number"); },
       [](const Policy& policy) { return fmt::format("{}", policy.sdc_scale); }},
      {"vmc", true, "", "V-mean compensation: give the lost mass to the running mean of V", drops,
       [](Text text, Policy& policy) { return take_switch(text, policy.vmc); },
       [](const Policy& policy) { return text_of(policy.vmc); }},
      {"cap-k", true, "", "theta: of the keys above the threshold, keep only the k most recent", has_theta,
       [](Text text, Policy& policy) { return take_switch(text, policy.cap_k); },
       [](const Policy& policy) { return text_of(policy.cap_k); }},
      {"prefilter", false, piped_names<Prefilter>(),
       "Rule keys out before they are read in full, without changing the result: page = by bounds over every "
       "32 keys, int8 = by an 8-bit copy of the keys, auto = whichever pays. For theta, pre-softmax, and for "
       "the "
       "prefill of running-softmax with calibrated SDC. Idle with exact SDC, and where lost mass is counted "
       "unless SDC is calibrated",
       has_theta, [](Text text, Policy& policy) { return take_choice(text, policy.prefilter); },
       [](const Policy& policy) { return std::string(name_of(policy.prefilter)); }},
      {"lookup", false, piped_names<LengthLookup>(), "Threshold for row lengths that were not calibrated",
       has_theta, [](Text text, Policy& policy) { return take_choice(text, policy.lookup); },
       [](const Policy& policy) { return std::string(name_of(policy.lookup)); }},
      {"keep-first", false, "N", "Always keep the first N keys; the policy chooses among the others", drops,
       [](Text text, Policy& policy) { return take_count(text, policy.keep_first); },
       [](const Policy& policy) { return fmt::format("{}", policy.keep_first); }},
      {"keep-recent", false, "N",
       "Always keep the N most recent keys of each row, including its own, in the same way", drops,
       [](Text text, Policy& policy) { return take_count(text, policy.keep_recent); },
       [](const Policy& policy) { return fmt::format("{}", policy.keep_recent); }},
      {"dense-last", false, "N", "Attend densely in the last N rows of each prompt", drops,
       [](Text text, Policy& policy) { return take_count(text, policy.dense_last); },
       [](const Policy& policy) { return fmt::format("{}", policy.dense_last); }},
  };
}

}  // namespace

std::span<const CommonOption> common_options() {
  static const std::vector<CommonOption> options = make_options();
  return options;
}

const CommonOption* find_common_option(std::string_view name) {
  for (const CommonOption& option : common_options())
    if (option.name == name) return &option;
  return nullptr;
}

std::optional<std::string> parse_own_option(const PolicyOption& option, std::string_view text,
                                            Policy& policy) {
  double value = 0;
  const bool number = !take_number(text, value, "");
  if (!number || !(value >= option.least && value <= option.most) ||
      (option.whole && value != std::floor(value)))
    return fmt::format("a {}number from {} to {}", option.whole ? "whole " : "", option.least, option.most);
  const std::span<const PolicyOption> options = unit_of(policy).options;
  policy.values.resize(options.size(), std::numeric_limits<double>::quiet_NaN());
  policy.values[static_cast<std::size_t>(&option - options.data())] = value;
  return std::nullopt;
}

}  // namespace toptheta
