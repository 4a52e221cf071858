// Internal to lib/io: reads a GGUF file's header from front to back, and never past the end of the file.
#pragma once
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "io/gguf.hpp"

namespace toptheta {

class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] std::uint64_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] const std::string& file() const { return file_; }

  // Names the part that is read next, for messages: "metadata entry 3", "tensor 'a'".
  void enter(std::string part) { part_ = std::move(part); }

  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value, "truncated: a number is cut off").data(), sizeof value);
    return value;
  }
  std::span<const std::byte> take(std::uint64_t size, const char* what) {
    if (size > left())
      fail({.what = what,
            .expected = fmt::format("{} bytes more", size),
            .found = fmt::format("{} bytes before the end of the file", left()),
            .next = "the file is truncated or damaged: fetch it again"});
    const auto part = bytes_.subspan(at_, size);
    at_ += size;
    return part;
  }
  std::string_view text() {
    const auto length = number<std::uint64_t>();
    const auto part = take(length, "a text is longer than the file");
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  // Reads a text that names something; refuses one that is empty, too long or not printable. `what` is the
  // name of that name, for messages: "a key".
  std::string name(const char* what);

  // Throws InputError with file, byte and part filled in.
  [[noreturn]] void fail(Problem problem) const {
    problem.where = fmt::format("{}: byte {}{}{}", file_, at_, part_.empty() ? "" : ", ", part_);
    throw InputError(std::move(problem));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  std::string part_;
  std::uint64_t at_ = 0;
};

// Reads the value of a metadata entry, with the kind that comes before it. Throws InputError.
GgufValue read_gguf_value(GgufCursor& cursor);

}  // namespace toptheta
