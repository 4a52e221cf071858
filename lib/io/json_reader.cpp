#include "io/json_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "io/json_document.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

using nlohmann::json;

// The place of a byte of the text as line and column. Where the source already names a line (JSON Lines),
// only the column is added.
std::string text_place(std::string_view text, const std::string& source, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto column =
      1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(begin), before.end(),
                        [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0U) != 0x80U; });
  if (source.find(":line ") != std::string::npos) return fmt::format("{}, column {}", source, column);
  return fmt::format("{}:line {}, column {}", source, line, column);
}

// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..." -> "syntax error ..."
std::string reason_of(const nlohmann::detail::exception& error) {
  std::string_view reason = error.what();
  const std::size_t name = reason.find("] ");
  if (name != std::string_view::npos) reason.remove_prefix(name + 2);
  const std::size_t column =
      reason.starts_with("parse error at ") ? reason.find(": ") : std::string_view::npos;
  if (column != std::string_view::npos) reason.remove_prefix(column + 2);
  return shortened(reason, 200);
}

// Builds the document while the parser walks it, so that depth and repeated keys are checked before anything
// is nested too deeply or lost.
class DocumentBuilder final : public nlohmann::json_sax<json> {
 public:
  DocumentBuilder(std::string_view text, JsonDocument& document, const JsonLimits& limits)
      : text_(text), document_(document), limits_(limits) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }
  bool start_object(std::size_t /*size*/) override { return open(json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    const auto [entry, is_new] = level.container->get_ref<json::object_t&>().try_emplace(name);
    level.key = &entry->first;
    level.member = &entry->second;
    if (!is_new)
      throw InputError({.where = json_place(document_.source, path()),
                        .what = "the key appears twice in its object",
                        .next = "keep one of the two"});
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    const bool ended = position > text_.size();
    throw InputError({.where = text_place(text_, document_.source, position == 0 ? 0 : position - 1),
                      .what = "not valid JSON",
                      .found = text_.empty() ? "nothing" : reason_of(error),
                      .next = ended ? "check that the file is complete" : ""});
  }

 private:
  struct Level {
    json* container = nullptr;
    const std::string* key = nullptr;  // of the member that is being read
    json* member = nullptr;
  };

  json& place(json value) {
    if (levels_.empty()) return document_.root = std::move(value);
    Level& level = levels_.back();
    if (level.container->is_object()) return *level.member = std::move(value);
    auto& list = level.container->get_ref<json::array_t&>();
    list.push_back(std::move(value));
    return list.back();
  }
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (levels_.size() >= limits_.depth)
      throw InputError({.where = json_place(document_.source, shortened(path(), 80)),
                        .what = "lists and objects are nested too deeply",
                        .expected = fmt::format("at most {} inside each other", limits_.depth)});
    json& container = place(std::move(value));
    levels_.push_back({.container = &container});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  [[nodiscard]] std::string path() const {
    std::string path;
    for (const Level& level : levels_) {
      if (level.container->is_object()) {
        if (level.key != nullptr) path = json_path_to_key(path, *level.key);
      } else {
        const bool innermost = &level == &levels_.back();  // the element being read is not in the list yet
        path = json_path_to_element(path, level.container->size() - (innermost ? 0 : 1));
      }
    }
    return path;
  }

  std::string_view text_;
  JsonDocument& document_;
  JsonLimits limits_;
  std::vector<Level> levels_;
};

}  // namespace

JsonValue parse_json(std::string_view text, const std::string& source, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    throw InputError({.where = source,
                      .what = "too much JSON",
                      .expected = fmt::format("at most {} bytes", limits.bytes),
                      .found = fmt::format("{} bytes", text.size())});
  const auto invalid = first_invalid_utf8(text);
  if (invalid && !binary_kind(text).empty())
    throw InputError({.where = source,
                      .what = "not valid JSON",
                      .found = std::string(binary_kind(text)),
                      .next = "check that this is the file you meant"});
  if (invalid)
    throw InputError({.where = text_place(text, source, *invalid),
                      .what = "not UTF-8",
                      .found = fmt::format("byte 0x{:02X}", static_cast<std::uint8_t>(text[*invalid])),
                      .next = "convert the file to UTF-8"});
  // The parser takes a zero byte for the end of the text, and would leave unread what comes behind it.
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
    throw InputError({.where = text_place(text, source, zero),
                      .what = "not valid JSON",
                      .found = "a byte of zero",
                      .next = "the file is damaged: fetch or write it again"});
  auto document = std::make_shared<JsonDocument>();
  document->source = source;
  DocumentBuilder builder(text, *document, limits);
  json::sax_parse(text.begin(), text.end(), &builder);
  return document_value(std::move(document));
}

JsonValue read_json_file(const std::filesystem::path& path, const JsonLimits& limits) {
  const std::string text = read_file(path, limits.bytes);
  std::string_view json_text = text;
  if (json_text.starts_with(kByteOrderMark)) json_text.remove_prefix(kByteOrderMark.size());
  return parse_json(json_text, path.string(), limits);
}

}  // namespace toptheta
