// A line of a data set -> a request, by its task file's form.
#pragma once
#include <string>
#include <variant>

#include "tasks/recognise.hpp"
#include "tasks/task.hpp"

namespace toptheta {

using Example = std::variant<TextDocument, MultipleChoiceExample, ContinuationExample, GenerationExample>;

// An example, and the text that it makes when it is shown solved.
struct ParsedExample {
  Example example;
  std::string solved;       // empty unless asked for
  std::string description;  // what the task puts before everything
  std::string shots_from;   // the file that it asks solved examples from; empty: the same one
  std::string same;         // which solved examples it takes: those with the same text here
};

// What is wanted of a line beside the example.
struct ExampleWanted {
  bool solved = false;  // as it is shown solved
  bool chat = false;    // choices without the delimiter before them
};

// Throws InputError at the field that does not fit, "x.jsonl:7:
// choices[1]".
ParsedExample parse_example(const TaskMatch& match, const nlohmann::json& line, const std::string& where,
                            ExampleWanted wanted = {});

// "context" and `text` with one space between them unless there is white space already, or nothing to be set
// apart from: `text` as the continuation.
std::string with_delimiter(std::string_view context, std::string_view text);

}  // namespace toptheta
