// The named filters of task files: small changes of a text or a list of texts, as in "{premise | strip}".
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// What a placeholder holds: one text, or a list of them.
struct FilterInput {
  std::vector<std::string> texts;
  bool is_list = false;
};

struct TextFilter {
  std::string_view name;
  std::size_t arguments;   // how many arguments it takes
  std::string_view about;  // a description of one line
  // Changes `value` in place. Throws std::invalid_argument, whose text says what was expected.
  void (*apply)(FilterInput& value, std::span<const std::string> arguments);
};

// All filters, in the order in which docs/tasks.md lists them.
std::span<const TextFilter> text_filters();

// The filter of this name; null if there is none.
const TextFilter* find_text_filter(std::string_view name);

}  // namespace toptheta
