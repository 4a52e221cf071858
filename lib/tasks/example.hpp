// Turns a line of a data set into a request, as its task file describes.
#pragma once
#include <string>
#include <variant>

#include "tasks/recognise.hpp"
#include "tasks/task.hpp"

namespace toptheta {

using Example = std::variant<TextDocument, MultipleChoiceExample, ContinuationExample, GenerationExample>;

// An example, and how it is used among solved examples.
struct ParsedExample {
  Example example;
  std::string solved;       // the example as a solved one for other questions; empty unless asked for
  std::string description;  // the task's description, which comes before everything else
  std::string shots_from;   // the file that this example takes solved examples from; empty: the same file
  std::string same;         // only examples with an equal `same` serve each other as solved examples
};

// What is wanted of a line.
struct ExampleWanted {
  bool solved = false;  // also ParsedExample::solved
  bool chat = false;    // choices without the delimiter before them
};

// Reads a line, a document of its own whose place is "x.jsonl:7". Throws InputError at the field that does
// not fit, such as "x.jsonl:7:choices[1]".
ParsedExample parse_example(const TaskMatch& match, const JsonValue& line, ExampleWanted wanted = {});

// `text` as the continuation of `context`: with a space in front, unless there is white space between them
// already or the context is empty.
std::string with_delimiter(std::string_view context, std::string_view text);

}  // namespace toptheta
