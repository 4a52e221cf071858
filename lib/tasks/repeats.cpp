#include "tasks/repeats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "core/utf8.hpp"

namespace toptheta {

namespace {

constexpr auto kIdFields =
    std::to_array<std::string_view>({"id", "ind", "idx", "index", "qid", "question_id", "task_id"});

bool is_called(std::string_view field, std::string_view name) {
  return std::ranges::equal(field, name, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == static_cast<int>(static_cast<unsigned char>(b));
  });
}

// "id \"x\"", "ind 7"; empty where the line has none.
std::string id_of(const nlohmann::json& line) {
  for (const std::string_view name : kIdFields)
    for (const auto& [field, value] : line.items())
      if (is_called(field, name) && !value.is_null()) return fmt::format("{} {}", field, value.dump());
  return {};
}

}  // namespace

std::string describe_equal_choices(const std::vector<MultipleChoiceExample>& examples) {
  const auto has_equal = [](const MultipleChoiceExample& example) {
    for (std::int64_t a = 0; a < example.num_choices(); ++a)
      for (std::int64_t b = a + 1; b < example.num_choices(); ++b)
        if (example.continuations[static_cast<std::size_t>(a)] ==
                example.continuations[static_cast<std::size_t>(b)] &&
            example.context(a) == example.context(b))
          return true;
    return false;
  };
  const auto first = std::ranges::find_if(examples, has_equal);
  if (first == examples.end()) return {};
  const auto count = std::count_if(first, examples.end(), has_equal);
  return fmt::format("{}: two choices are equal{}", first->place,
                     count == 1 ? "" : fmt::format("; {} examples have equal choices", count));
}

void RepeatedLines::add(std::string_view line, const nlohmann::json& json, std::int64_t number) {
  const auto note = [number](Repeats& repeats, std::int64_t earlier) {
    if (repeats.count++ > 0) return false;
    repeats.at = number;
    repeats.earlier = earlier;
    return true;
  };
  line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
  if (const auto [known, added] = lines_.emplace(line, number); !added) {
    note(of_lines_, known->second);
    return;
  }
  std::string id = id_of(json);
  if (id.empty()) return;
  if (const auto [known, added] = ids_.emplace(std::move(id), number); !added)
    if (note(of_ids_, known->second)) of_ids_.id = known->first;
}

std::vector<std::string> RepeatedLines::describe(const std::string& path) const {
  std::vector<std::string> sentences;
  const auto others = [](std::int64_t count, const char* what) {
    return count == 1 ? std::string() : fmt::format("; {} lines {}", count, what);
  };
  if (of_lines_.count > 0)
    sentences.push_back(fmt::format("{}:{}: the same line as line {}, and an example of its own{}", path,
                                    of_lines_.at, of_lines_.earlier,
                                    others(of_lines_.count, "are the same as an earlier one")));
  if (of_ids_.count > 0)
    sentences.push_back(fmt::format("{}:{}: {} stands a second time (first in line {}){}", path, of_ids_.at,
                                    printable(shortened(of_ids_.id)), of_ids_.earlier,
                                    others(of_ids_.count, "repeat the id of an earlier one")));
  return sentences;
}

}  // namespace toptheta
