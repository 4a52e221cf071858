// Lines of a data set that appear more than once: every copy counts as an example of its own.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tasks/task.hpp"

namespace toptheta {

// Collects the lines of one file. Memory: about 100 bytes a line, plus its id; the lines' texts are not
// copied and must outlive this. Time: O(length of the line).
class RepeatedLines {
 public:
  // `line` is a JSON object, and `number` its number in the file, from 1. Its id is the first of the fields
  // that data sets number their examples with: id, ind, idx, index, qid, question_id, task_id, in upper or
  // lower case; null is none.
  void add(std::string_view line, const nlohmann::json& json, std::int64_t number);

  // At most one sentence about lines that are equal to an earlier one, and one about other lines with the id
  // of an earlier one. Each says how many there are, and where the first is.
  [[nodiscard]] std::vector<std::string> describe(const std::string& path) const;

 private:
  struct Repeats {
    std::int64_t count = 0;
    std::int64_t at = 0;       // the first repetition
    std::int64_t earlier = 0;  // the line that it repeats
    std::string id{};          // "id 7"
  };

  std::unordered_map<std::string_view, std::int64_t> lines_;  // the first line with this text
  std::unordered_map<std::string, std::int64_t> ids_;         // the first line with this id
  Repeats of_lines_;
  Repeats of_ids_;
};

// A sentence about examples in which two choices are equal, so that no model can tell which is meant: how
// many there are, and where the first is. Empty if there are none. Time: O(choices^2) for each example.
std::string describe_equal_choices(const std::vector<MultipleChoiceExample>& examples);

}  // namespace toptheta
