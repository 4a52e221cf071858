// The values of a template's expressions: those of Python, as far as templates use them.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace toptheta::jinja {

class Value;
struct Arguments;

using List = std::vector<Value>;
// Pairs in the order of insertion, as in Python.
using Dict = std::vector<std::pair<std::string, Value>>;
using Function = std::function<Value(const Arguments&)>;

struct Undefined {
  std::string name;  // what is missing, for messages
};
struct None {};

// Copies of a value share its list, dictionary or function. Only namespaces are ever changed.
class Value {
 public:
  enum class Kind { undefined, none, boolean, integer, real, string, list, dict, function };

  Value() : data_(Undefined{}) {}
  // NOLINTBEGIN(google-explicit-constructor): a value of a template stands for any of these
  Value(Undefined undefined) : data_(std::move(undefined)) {}
  Value(None none) : data_(none) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  // Throw TemplateError for values that are nested more than kDeepest deep or larger than kLargest.
  Value(List value);
  Value(Dict value);
  Value(Function value) : data_(std::make_shared<Function>(std::move(value))) {}
  // NOLINTEND(google-explicit-constructor)
  static Value of_json(const nlohmann::ordered_json& json);
  // A list that prints and compares as a tuple.
  static Value tuple(List elements);
  // A tuple if `like` is one, else a list.
  static Value same_kind(List elements, const Value& like);
  // A dictionary whose members may be set.
  static Value name_space(Dict members);

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(data_.index()); }
  [[nodiscard]] bool is(Kind kind) const { return this->kind() == kind; }
  [[nodiscard]] bool is_number() const { return is(Kind::integer) || is(Kind::real) || is(Kind::boolean); }
  // Each of these requires the value to be of its kind.
  [[nodiscard]] bool boolean() const { return std::get<bool>(data_); }
  [[nodiscard]] std::int64_t integer() const { return std::get<std::int64_t>(data_); }
  [[nodiscard]] double real() const { return std::get<double>(data_); }
  [[nodiscard]] const std::string& string() const { return std::get<std::string>(data_); }
  [[nodiscard]] List& list() const { return *std::get<std::shared_ptr<List>>(data_); }
  [[nodiscard]] Dict& dict() const { return *std::get<std::shared_ptr<Dict>>(data_); }
  [[nodiscard]] const Function& function() const { return *std::get<std::shared_ptr<Function>>(data_); }
  [[nodiscard]] const std::string& missing_name() const { return std::get<Undefined>(data_).name; }

  [[nodiscard]] bool is_tuple() const { return is_tuple_; }
  [[nodiscard]] bool is_namespace() const { return is_namespace_; }
  // Whether it is or contains a namespace. A namespace must not contain such a value, which might contain it
  // in turn.
  [[nodiscard]] bool holds_namespace() const { return holds_namespace_; }

  // An integer, or a boolean, which counts as 0 or 1 as in Python.
  [[nodiscard]] bool is_whole() const { return is(Kind::integer) || is(Kind::boolean); }
  [[nodiscard]] std::int64_t whole() const { return is(Kind::integer) ? integer() : std::int64_t{boolean()}; }
  // A number as double; a boolean is 0 or 1. Requires is_number().
  [[nodiscard]] double number() const;
  // Whether Python counts the value as true.
  [[nodiscard]] bool truth() const;
  // The value of a dictionary's key; null if there is no such key.
  [[nodiscard]] Value* find(std::string_view key) const;

  // Python's str(), which {{ }} prints.
  [[nodiscard]] std::string text() const;
  // Python's repr(), which str() of a list shows for its elements.
  [[nodiscard]] std::string representation() const;
  // The kind in words for messages, such as "a string".
  [[nodiscard]] std::string kind_name() const;

 private:
  static constexpr int kDeepest = 200;                 // how deeply lists and dictionaries may be nested
  static constexpr std::int64_t kLargest = 4'000'000;  // in units of size_

  void note_inner(const Value& inner);

  std::variant<Undefined, None, bool, std::int64_t, double, std::string, std::shared_ptr<List>,
               std::shared_ptr<Dict>, std::shared_ptr<Function>>
      data_;
  int depth_ = 0;
  // The number of elements inside, counting shared ones each time; 16 characters of a string count as one.
  std::int64_t size_ = 1;
  bool is_tuple_ = false;
  bool is_namespace_ = false;
  bool holds_namespace_ = false;
};

struct Arguments {
  std::vector<Value> positional{};
  std::vector<std::pair<std::string, Value>> named{};
  int line = 0;  // line of the call, for messages

  // The argument at this position or with this name; null if there is none.
  [[nodiscard]] const Value* find(std::size_t index, std::string_view name) const;
};

// A mistake in a template, or something that this interpreter does not support.
class TemplateError : public std::runtime_error {
 public:
  TemplateError(int line, const std::string& what) : std::runtime_error(what), line_(line) {}
  [[nodiscard]] int line() const { return line_; }

 private:
  int line_;
};

// Equality, order and membership as in Python. Throw TemplateError for values that have no order or no
// members.
bool equal(const Value& a, const Value& b);
bool less(const Value& a, const Value& b, int line);
bool contains(const Value& container, const Value& item, int line);

// Python's json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=sort). With an indent below 0, the
// result is on one line. Throws TemplateError for values without a JSON form.
std::string to_json(const Value& value, int indent, bool sort, int line);

}  // namespace toptheta::jinja
