// The small language of task files: "Question: {question | strip}\nAnswer:" and "{choices.text}".
//
// {PATH | FILTER 'ARGUMENT' ...} stands for a field of the line. A path names members of objects, separated
// by dots; [] goes through all elements of a list ("choices[].text"), [2] takes one of them. Filters are
// those of text_filters.hpp, and `map NAME`, which looks the text up in a table of the task file. {{ and }}
// are braces.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tasks/text_filters.hpp"
#include "tokenizer/json_field.hpp"

namespace toptheta {

// What `map NAME` looks up: for each name a table of texts.
using TextMaps = std::map<std::string, std::map<std::string, std::string>>;

// A way to a value inside a line.
class FieldPath {
 public:
  // Throws InputError at `where` for what is not a path.
  static FieldPath parse(std::string_view text, const std::string& where);

  [[nodiscard]] const std::string& text() const { return text_; }
  // The first member's name.
  [[nodiscard]] const std::string& top() const { return parts_.front().key; }
  // Whether the path goes through a list, with "[]".
  [[nodiscard]] bool is_list() const;
  // Whether the line has it, and not null. A path that ends in [] wants a list of texts, numbers and truth
  // values.
  [[nodiscard]] bool is_in(const nlohmann::json& line) const;
  // The values that it leads to, in order. A last member that is a list stands for its elements; `is_list`
  // tells whether there was a list on the way. Throws InputError at what is missing or of another type.
  std::vector<JsonField> follow(const JsonField& line, bool& is_list) const;

 private:
  struct Part {
    std::string key;         // empty where the part is an index or goes through a list
    std::int64_t index = 0;  // -1: all elements
  };
  std::string text_;
  std::vector<Part> parts_;
};

// What a template became for one line.
struct TemplateValue {
  std::vector<std::string> texts;
  std::vector<std::string> places;  // where each of them comes from: "x.jsonl:7: choices[1]"
  bool is_list = false;
};

class Template {
 public:
  Template() = default;
  // Throws InputError at `where` for what is not a template. `maps` must outlive the template.
  static Template parse(std::string_view text, const TextMaps& maps, const std::string& where);

  // A list where the template is nothing but one placeholder of a list; else one text. Throws InputError at
  // the field that does not fit.
  [[nodiscard]] TemplateValue evaluate(const JsonField& line) const;
  // The same, required to be one text.
  [[nodiscard]] std::string render(const JsonField& line) const;

  // The fields it reads.
  [[nodiscard]] std::vector<FieldPath> paths() const;

 private:
  struct Step {
    const TextFilter* filter = nullptr;  // null: map
    std::vector<std::string> arguments;
    const std::map<std::string, std::string>* map = nullptr;
  };
  struct Placeholder {
    FieldPath path;
    std::vector<Step> steps;
    [[nodiscard]] TemplateValue evaluate(const JsonField& line) const;
  };
  class Parser;

  std::vector<std::variant<std::string, Placeholder>> pieces_;
};

}  // namespace toptheta
