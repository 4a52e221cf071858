// The data sets that a line of JSON can belong to.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "tasks/task.hpp"
#include "tokenizer/json_field.hpp"

namespace toptheta {

using Example = std::variant<MultipleChoiceExample, ContinuationExample, GenerationExample>;

// An example, and the text that it makes when it is shown solved.
struct ParsedExample {
  Example example;
  std::string solved;
};

struct TaskFormat {
  std::string_view name;
  std::string_view recognised_by[2];  // a line with both of these fields belongs to the data set
  std::string_view fields;            // all fields, for people
  // The line, an object that has the fields it was recognised by. Throws InputError naming the field that
  // does not fit.
  ParsedExample (*parse)(const JsonField& line);
};

// In the order in which they are tried.
std::span<const TaskFormat> task_formats();

// Null where the object's fields fit no data set.
const TaskFormat* recognise(const nlohmann::json& object);

// "context" and `text` with one space between them unless there is white space already, or nothing to be set
// apart from: `text` as the continuation.
std::string with_delimiter(std::string_view context, std::string_view text);

// The data sets, one parser each.
ParsedExample parse_multiple_choice(const JsonField& line);
ParsedExample parse_hellaswag(const JsonField& line);
ParsedExample parse_arc(const JsonField& line);
ParsedExample parse_piqa(const JsonField& line);
ParsedExample parse_winogrande(const JsonField& line);
ParsedExample parse_boolq(const JsonField& line);
ParsedExample parse_lambada(const JsonField& line);
ParsedExample parse_generation(const JsonField& line);
ParsedExample parse_gsm8k(const JsonField& line);
ParsedExample parse_humaneval(const JsonField& line);

}  // namespace toptheta
