// The values in GGUF's metadata: reading them from the file, and looking them up.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/gguf_cursor.hpp"

namespace toptheta {

namespace {

constexpr std::uint64_t kLongestName = 65535;  // the format's own limit for keys

struct KindInfo {
  GgufKind kind;
  const char* name;
  std::uint64_t bytes;  // 0: the size varies
};

constexpr KindInfo kKinds[] = {
    {GgufKind::u8, "u8", 1},      {GgufKind::i8, "i8", 1},        {GgufKind::u16, "u16", 2},
    {GgufKind::i16, "i16", 2},    {GgufKind::u32, "u32", 4},      {GgufKind::i32, "i32", 4},
    {GgufKind::f32, "f32", 4},    {GgufKind::boolean, "bool", 1}, {GgufKind::text, "string", 0},
    {GgufKind::list, "array", 0}, {GgufKind::u64, "u64", 8},      {GgufKind::i64, "i64", 8},
    {GgufKind::f64, "f64", 8}};

const KindInfo& kind_info(GgufKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

GgufKind read_kind(GgufCursor& cursor, const char* of) {
  const auto number = cursor.number<std::uint32_t>();
  if (number >= std::size(kKinds))
    cursor.fail({.what = fmt::format("unknown kind of {}", of),
                 .expected = fmt::format("0 to {}", std::size(kKinds) - 1),
                 .found = fmt::format("{}", number),
                 .next = "the file is damaged, or newer than this program"});
  return static_cast<GgufKind>(number);
}

void require_booleans(const GgufCursor& cursor, std::span<const std::byte> bytes) {
  const auto odd = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
  if (odd != bytes.end())
    cursor.fail({.what = "a bool is neither 0 nor 1",
                 .found = fmt::format("{}", std::to_integer<int>(*odd)),
                 .next = "the file is damaged: fetch it again"});
}

void read_texts(GgufCursor& cursor, GgufValue& value) {
  constexpr std::uint64_t kLeastBytes = 8;  // a text's length
  if (value.count > cursor.left() / kLeastBytes)
    cursor.fail({.what = "a list with more texts than the file has room for",
                 .expected = fmt::format("at most {}", cursor.left() / kLeastBytes),
                 .found = fmt::format("{}", value.count),
                 .next = "the file is truncated or damaged: fetch it again"});
  value.texts.reserve(value.count);
  for (std::uint64_t i = 0; i < value.count; ++i)
    value.texts.push_back(cursor.text());
}

template <class From, class To>
To element_as(const GgufValue& value, std::uint64_t i) {
  From element;
  std::memcpy(&element, value.numbers.data() + i * sizeof element, sizeof element);
  return static_cast<To>(element);
}

bool is_whole(GgufKind kind) {
  return kind != GgufKind::text && kind != GgufKind::boolean && kind != GgufKind::f32 &&
         kind != GgufKind::f64;
}

// Requires that a u64 is at most the largest i64.
std::int64_t whole_at(const GgufValue& value, std::uint64_t i) {
  using I = std::int64_t;
  switch (value.kind) {
    case GgufKind::u8:
      return element_as<std::uint8_t, I>(value, i);
    case GgufKind::i8:
      return element_as<std::int8_t, I>(value, i);
    case GgufKind::u16:
      return element_as<std::uint16_t, I>(value, i);
    case GgufKind::i16:
      return element_as<std::int16_t, I>(value, i);
    case GgufKind::u32:
      return element_as<std::uint32_t, I>(value, i);
    case GgufKind::i32:
      return element_as<std::int32_t, I>(value, i);
    default:
      return element_as<std::int64_t, I>(value, i);
  }
}

double number_at(const GgufValue& value, std::uint64_t i) {
  if (value.kind == GgufKind::f32) return element_as<float, double>(value, i);
  if (value.kind == GgufKind::f64) return element_as<double, double>(value, i);
  if (value.kind == GgufKind::u64) return element_as<std::uint64_t, double>(value, i);
  return static_cast<double>(whole_at(value, i));
}

void require(bool right, const GgufValue& value, std::string where, const char* expected) {
  if (right) return;
  throw InputError(
      {.where = std::move(where),
       .what = "wrong type of value",
       .expected = expected,
       .found = fmt::format("{}{}", value.is_list ? "array of " : "", kind_info(value.kind).name)});
}

void require_fits(const GgufValue& value, const std::string& where) {
  for (std::uint64_t i = 0; value.kind == GgufKind::u64 && i < value.count; ++i)
    if (const auto element = element_as<std::uint64_t, std::uint64_t>(value, i);
        element > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
      throw InputError({.where = where,
                        .what = "the number is too large",
                        .expected = "at most 2^63 - 1",
                        .found = fmt::format("{}", element)});
}

// The list of of(value, i) for each element i of a list.
template <class Element, class Of>
std::vector<Element> all_of_list(const GgufValue& value, const Of& of) {
  std::vector<Element> elements;
  elements.reserve(value.count);
  for (std::uint64_t i = 0; i < value.count; ++i)
    elements.push_back(of(value, i));
  return elements;
}

bool flag_at(const GgufValue& value, std::uint64_t i) {
  return value.numbers[i] != std::byte{0};
}

}  // namespace

std::string GgufCursor::name(const char* what) {
  const std::uint64_t start = at_;
  const std::string_view read = text();
  const bool shown = std::all_of(read.begin(), read.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (read.empty() || read.size() > kLongestName || !shown) {
    at_ = start;
    fail({.what = fmt::format("{} that is not valid", what),
          .expected = fmt::format("1 to {} printable ASCII characters", kLongestName),
          .found = shown ? fmt::format("{} characters", read.size()) : "other characters",
          .next = "the file is damaged: fetch it again"});
  }
  return std::string(read);
}

GgufValue read_gguf_value(GgufCursor& cursor) {
  GgufValue value;
  value.kind = read_kind(cursor, "value");
  if (value.kind == GgufKind::list) {
    value.is_list = true;
    value.kind = read_kind(cursor, "list element");
    if (value.kind == GgufKind::list)
      cursor.fail({.what = "a list of lists, which no known model uses",
                   .expected = "a list of numbers, bools or texts"});
    value.count = cursor.number<std::uint64_t>();
  }
  if (value.kind == GgufKind::text) {
    read_texts(cursor, value);
    return value;
  }
  const std::uint64_t bytes = kind_info(value.kind).bytes;
  if (value.count > cursor.left() / bytes)
    cursor.fail({.what = "truncated: more values than the file has room for",
                 .expected = fmt::format("{} x {} bytes", value.count, bytes),
                 .found = fmt::format("{} bytes before the end of the file", cursor.left()),
                 .next = "the file is truncated or damaged: fetch it again"});
  value.numbers = cursor.take(value.count * bytes, "truncated");
  if (value.kind == GgufKind::boolean) require_booleans(cursor, value.numbers);
  return value;
}

std::string GgufKeys::where(std::string_view key) const {
  return fmt::format("{}: key '{}'", file_->where(), key);
}

bool GgufKeys::has(std::string_view key) const {
  return file_->metadata().find(key) != file_->metadata().end();
}

bool GgufKeys::is_list(std::string_view key) const {
  const auto found = file_->metadata().find(key);
  return found != file_->metadata().end() && found->second.is_list;
}

const GgufValue* GgufKeys::look_up(std::string_view key, bool list, const char* expected) {
  asked_.emplace(key);
  const auto found = file_->metadata().find(key);
  if (found == file_->metadata().end()) return nullptr;
  require(found->second.is_list == list, found->second, where(key), expected);
  return &found->second;
}

std::optional<std::string> GgufKeys::text(std::string_view key) {
  constexpr const char* kExpected = "a string";
  const GgufValue* value = look_up(key, false, kExpected);
  if (value == nullptr) return std::nullopt;
  require(value->kind == GgufKind::text, *value, where(key), kExpected);
  return std::string(value->texts.front());
}

std::optional<bool> GgufKeys::flag(std::string_view key) {
  constexpr const char* kExpected = "a bool";
  const GgufValue* value = look_up(key, false, kExpected);
  if (value == nullptr) return std::nullopt;
  require(value->kind == GgufKind::boolean, *value, where(key), kExpected);
  return flag_at(*value, 0);
}

std::optional<std::int64_t> GgufKeys::whole(std::string_view key) {
  constexpr const char* kExpected = "an integer";
  const GgufValue* value = look_up(key, false, kExpected);
  if (value == nullptr) return std::nullopt;
  require(is_whole(value->kind), *value, where(key), kExpected);
  require_fits(*value, where(key));
  return whole_at(*value, 0);
}

std::optional<double> GgufKeys::number(std::string_view key) {
  constexpr const char* kExpected = "a finite number";
  const GgufValue* value = look_up(key, false, kExpected);
  if (value == nullptr) return std::nullopt;
  require(value->kind != GgufKind::text && value->kind != GgufKind::boolean, *value, where(key), kExpected);
  const double number = number_at(*value, 0);
  if (!std::isfinite(number))
    throw InputError({.where = where(key),
                      .what = "not a finite number",
                      .expected = kExpected,
                      .found = fmt::format("{}", number)});
  return number;
}

std::optional<std::vector<std::string>> GgufKeys::texts(std::string_view key) {
  constexpr const char* kExpected = "an array of strings";
  const GgufValue* value = look_up(key, true, kExpected);
  if (value == nullptr) return std::nullopt;
  require(value->kind == GgufKind::text, *value, where(key), kExpected);
  return std::vector<std::string>(value->texts.begin(), value->texts.end());
}

std::optional<std::vector<bool>> GgufKeys::flags(std::string_view key) {
  constexpr const char* kExpected = "an array of bools";
  const GgufValue* value = look_up(key, true, kExpected);
  if (value == nullptr) return std::nullopt;
  require(value->kind == GgufKind::boolean, *value, where(key), kExpected);
  return all_of_list<bool>(*value, flag_at);
}

std::optional<std::vector<std::int64_t>> GgufKeys::wholes(std::string_view key) {
  constexpr const char* kExpected = "an array of integers";
  const GgufValue* value = look_up(key, true, kExpected);
  if (value == nullptr) return std::nullopt;
  require(is_whole(value->kind), *value, where(key), kExpected);
  require_fits(*value, where(key));
  return all_of_list<std::int64_t>(*value, whole_at);
}

std::optional<std::vector<double>> GgufKeys::numbers(std::string_view key) {
  constexpr const char* kExpected = "an array of numbers";
  const GgufValue* value = look_up(key, true, kExpected);
  if (value == nullptr) return std::nullopt;
  require(value->kind != GgufKind::text && value->kind != GgufKind::boolean, *value, where(key), kExpected);
  return all_of_list<double>(*value, number_at);
}

void GgufKeys::missing(std::string_view key, const char* expected) const {
  throw InputError({.where = where(key), .what = "the key is missing", .expected = expected});
}

std::string GgufKeys::required_text(std::string_view key) {
  auto value = text(key);
  if (!value) missing(key, "a string");
  return *std::move(value);
}

std::int64_t GgufKeys::required_whole(std::string_view key) {
  const auto value = whole(key);
  if (!value) missing(key, "an integer");
  return *value;
}

double GgufKeys::required_number(std::string_view key) {
  const auto value = number(key);
  if (!value) missing(key, "a number");
  return *value;
}

std::vector<std::string> GgufKeys::unasked() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : file_->metadata())
    if (!asked_.contains(key)) keys.push_back(key);
  return keys;
}

}  // namespace toptheta
