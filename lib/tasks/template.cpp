#include "tasks/template.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

std::string text_of(const JsonValue& value) {
  if (value.is_text()) return value.text();
  if (value.is_flag()) return value.flag() ? "true" : "false";
  if (value.is_integer()) return value.raw().dump();
  value.fail("wrong type", "a text, a whole number, true or false");
}

}  // namespace

// Reads a template from left to right.
class Template::Parser {
 public:
  Parser(std::string_view text, const TextMaps& maps, const std::string& where)
      : text_(text), maps_(maps), where_(where) {}

  Template parse() {
    std::string literal;
    const auto end_literal = [&] {
      if (!literal.empty()) result_.pieces_.emplace_back(std::move(literal));
      literal.clear();
    };
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '{' && c != '}') {
        literal += c;
      } else if (at_ < text_.size() && text_[at_] == c) {
        literal += c;
        ++at_;
      } else if (c == '}') {
        fail("a } without its {", "}} for a brace");
      } else {
        end_literal();
        result_.pieces_.emplace_back(placeholder());
      }
    }
    end_literal();
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& expected) const {
    throw InputError(
        {.where = where_, .what = what, .expected = expected, .found = "\"" + std::string(text_) + "\""});
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
  }
  [[nodiscard]] char next() const {
    if (at_ >= text_.size()) fail("a { without its }", "{{ for a brace");
    return text_[at_];
  }

  std::string word() {
    skip_blanks();
    const std::size_t begin = at_;
    while (next() != ' ' && next() != '|' && next() != '}' && next() != '\'')
      ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    std::string result;
    for (++at_; next() != '\''; ++at_) {
      if (next() != '\\') {
        result += next();
        continue;
      }
      ++at_;
      const char c = next();
      result += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
    ++at_;
    return result;
  }

  Placeholder placeholder() {
    Placeholder result{FieldPath::parse(word(), where_), {}};
    for (skip_blanks(); next() == '|'; skip_blanks()) {
      ++at_;
      result.steps.push_back(step());
    }
    if (next() != '}') fail("a placeholder has something after its path", "{path | filter 'argument'}");
    ++at_;
    return result;
  }

  Step step() {
    Step result;
    const std::string name = word();
    if (name == "map") {
      const std::string map = word();
      const auto found = maps_.find(map);
      if (found == maps_.end()) fail("no such map: " + map, "a table of this name under [task.map]");
      result.map = &found->second;
      return result;
    }
    result.filter = find_text_filter(name);
    if (result.filter == nullptr) fail("no such filter: " + name, known_filters());
    for (skip_blanks(); next() == '\''; skip_blanks())
      result.arguments.push_back(quoted());
    if (result.arguments.size() != result.filter->arguments)
      fail(fmt::format("filter {} takes {} argument{}", name, result.filter->arguments,
                       result.filter->arguments == 1 ? "" : "s"),
           "arguments in single quotation marks, as in {sentence | before '_'}");
    return result;
  }

  static std::string known_filters() {
    std::string list = "one of";
    for (const TextFilter& filter : text_filters())
      list += fmt::format("{} {}", list.size() > 6 ? "," : "", filter.name);
    return list + ", map";
  }

  std::string_view text_;
  const TextMaps& maps_;
  const std::string& where_;
  std::size_t at_ = 0;
  Template result_;
};

Template Template::parse(std::string_view text, const TextMaps& maps, const std::string& where) {
  return Parser(text, maps, where).parse();
}

TemplateValue Template::Placeholder::evaluate(const JsonValue& line) const {
  TemplateValue result;
  FilterInput value;
  for (const JsonValue& field : path.follow(line, value.is_list)) {
    value.texts.push_back(text_of(field));
    result.places.push_back({field});
  }
  const TextPlace place = result.places.size() == 1 ? result.places.front() : TextPlace{line, path.text()};
  for (const Step& step : steps) {
    const std::string before = value.texts.empty() ? "" : value.texts.front();
    try {
      if (step.filter != nullptr) {
        step.filter->apply(value, step.arguments);
        continue;
      }
      for (std::string& text : value.texts) {
        const auto found = step.map->find(text);
        if (found == step.map->end()) throw std::invalid_argument("a text that the task file's map has");
        text = found->second;
      }
    } catch (const std::invalid_argument& error) {
      throw InputError({.where = place.where(),
                        .what = "does not fit the task",
                        .expected = error.what(),
                        .found = "\"" + printable(shortened(before)) + "\""});
    }
  }
  if (result.places.size() != value.texts.size()) result.places.assign(value.texts.size(), place);
  result.texts = std::move(value.texts);
  result.is_list = value.is_list;
  return result;
}

TemplateValue Template::evaluate(const JsonValue& line) const {
  if (pieces_.size() == 1 && std::holds_alternative<Placeholder>(pieces_.front()))
    return std::get<Placeholder>(pieces_.front()).evaluate(line);
  TemplateValue result{{""}, {}, false};
  for (const auto& piece : pieces_) {
    if (const auto* literal = std::get_if<std::string>(&piece)) {
      result.texts.front() += *literal;
      continue;
    }
    const Placeholder& placeholder = std::get<Placeholder>(piece);
    TemplateValue value = placeholder.evaluate(line);
    if (value.is_list)
      throw InputError({.where = TextPlace{line, placeholder.path.text()}.where(),
                        .what = "a list where the task needs one text",
                        .expected = "a text, or a filter in the task file that joins the list"});
    result.texts.front() += value.texts.front();
    if (result.places.empty()) result.places = std::move(value.places);
  }
  if (result.places.empty()) result.places.push_back({line});
  return result;
}

std::string Template::render(const JsonValue& line) const {
  TemplateValue value = evaluate(line);
  if (value.is_list)
    throw InputError({.where = TextPlace{line, paths().front().text()}.where(),
                      .what = "a list where the task needs one text",
                      .expected = "a text"});
  return std::move(value.texts.front());
}

std::vector<FieldPath> Template::paths() const {
  std::vector<FieldPath> result;
  for (const auto& piece : pieces_)
    if (const auto* placeholder = std::get_if<Placeholder>(&piece)) result.push_back(placeholder->path);
  return result;
}

}  // namespace toptheta
