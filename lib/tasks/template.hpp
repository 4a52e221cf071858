// The small language of task files: "Question: {question | strip}\nAnswer:" and "{choices.text}".
//
// {PATH | FILTER 'ARGUMENT' ...} stands for a field of the line. A path consists of names of object members,
// separated by dots; [] stands for all elements of a list ("choices[].text"), [2] for one of them, counted
// from 0. Filters are those of text_filters.hpp, and `map NAME`, which looks the text up in a table of the
// task file. {{ and }} are literal braces.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/json_reader.hpp"
#include "tasks/text_filters.hpp"

namespace toptheta {

// The tables in which `map NAME` looks texts up, by name.
using TextMaps = std::map<std::string, std::map<std::string, std::string>>;

// The path to a value inside a line.
class FieldPath {
 public:
  // Throws InputError at `where` for text that is not a path.
  static FieldPath parse(std::string_view text, const std::string& where);

  [[nodiscard]] const std::string& text() const { return text_; }
  // The first member's name.
  [[nodiscard]] const std::string& top() const { return parts_.front().key; }
  // Whether the path contains "[]".
  [[nodiscard]] bool is_list() const;
  // Whether the line has a value at this path that is not null. A path that ends in [] or [2] requires
  // elements that are texts, numbers or truth values.
  [[nodiscard]] bool is_in(const nlohmann::json& line) const;
  // The values at this path, in order. If the path ends at a list, these are its elements. Sets `is_list` if
  // the values come from a list. Throws InputError at a member that is missing or of another type.
  std::vector<JsonValue> follow(const JsonValue& line, bool& is_list) const;

 private:
  struct Part {
    std::string key;         // empty if the part is an index, or all elements of a list
    std::int64_t index = 0;  // -1: all elements
  };
  std::string text_;
  std::vector<Part> parts_;
};

// Where a text comes from. The place is made into words only for an error, because that takes a walk through
// the line.
struct TextPlace {
  JsonValue value;      // the field; the line, if the text is made of several fields or of none
  std::string below{};  // the path of several fields
  [[nodiscard]] std::string where() const {  // "x.jsonl:7:choices[1]"
    return below.empty() ? value.where() : value.where() + ":" + below;
  }
};

// The value of a template for one line.
struct TemplateValue {
  std::vector<std::string> texts;
  std::vector<TextPlace> places;  // one for each text
  bool is_list = false;
};

class Template {
 public:
  Template() = default;
  // Throws InputError at `where` for text that is not a template. `maps` must outlive the template.
  static Template parse(std::string_view text, const TextMaps& maps, const std::string& where);

  // A list if the template is a single placeholder whose value is a list, else one text. Throws InputError at
  // the field that does not fit.
  [[nodiscard]] TemplateValue evaluate(const JsonValue& line) const;
  // The same, but the value must be one text.
  [[nodiscard]] std::string render(const JsonValue& line) const;

  // The fields that it reads.
  [[nodiscard]] std::vector<FieldPath> paths() const;

 private:
  struct Step {
    const TextFilter* filter = nullptr;  // null: look the text up in `map`
    std::vector<std::string> arguments;
    const std::map<std::string, std::string>* map = nullptr;
  };
  struct Placeholder {
    FieldPath path;
    std::vector<Step> steps;
    [[nodiscard]] TemplateValue evaluate(const JsonValue& line) const;
  };
  class Parser;

  std::vector<std::variant<std::string, Placeholder>> pieces_;
};

}  // namespace toptheta
