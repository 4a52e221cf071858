// Builds GGUF files byte by byte, right ones and wrong ones.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta::testing {

template <class Number>
std::string gguf_number(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string gguf_text(std::string_view text) {
  return gguf_number<std::uint64_t>(text.size()) + std::string(text);
}

// Kinds as in io/gguf.hpp, as plain numbers, so that unknown ones can be written.
class GgufBytes {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;       // that offsets follow; a key says so only where the test adds it
  std::int64_t claimed_tensors = -1;  // -1: as many as there are
  std::int64_t claimed_entries = -1;

  void entry(std::string_view key, std::uint32_t kind, const std::string& value) {
    ++entries_;
    metadata_ += gguf_text(key) + gguf_number(kind) + value;
  }
  void text(std::string_view key, std::string_view value) { entry(key, 8, gguf_text(value)); }
  void whole(std::string_view key, std::uint32_t value) { entry(key, 4, gguf_number(value)); }
  void number(std::string_view key, float value) { entry(key, 6, gguf_number(value)); }
  void flag(std::string_view key, bool value) { entry(key, 7, std::string(1, value ? '\1' : '\0')); }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    std::string list = gguf_number<std::uint32_t>(8) + gguf_number<std::uint64_t>(values.size());
    for (const std::string& value : values)
      list += gguf_text(value);
    entry(key, 9, list);
  }
  template <class Number>
  void numbers(std::string_view key, std::uint32_t kind, const std::vector<Number>& values) {
    std::string list = gguf_number(kind) + gguf_number<std::uint64_t>(values.size());
    for (const Number value : values)
      list += gguf_number(value);
    entry(key, 9, list);
  }
  // `dims` in the file's order, the fastest first. offset < 0: after the tensors before it.
  void tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
              const std::string& data, std::int64_t offset = -1) {
    ++tensors_;
    data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
    directory_ += gguf_text(name) + gguf_number(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims)
      directory_ += gguf_number(dim);
    directory_ += gguf_number(type) +
                  gguf_number(offset < 0 ? std::uint64_t{data_.size()} : static_cast<std::uint64_t>(offset));
    data_ += data;
  }
  [[nodiscard]] std::string bytes() const {
    const auto count = [](std::int64_t claimed, std::int64_t real) {
      return gguf_number(static_cast<std::uint64_t>(claimed < 0 ? real : claimed));
    };
    std::string all = "GGUF" + gguf_number(version) + count(claimed_tensors, tensors_) +
                      count(claimed_entries, entries_) + metadata_ + directory_;
    all.resize((all.size() + alignment - 1) / alignment * alignment, '\0');
    return all + data_;
  }

 private:
  std::string metadata_;
  std::string directory_;
  std::string data_;
  std::int64_t entries_ = 0;
  std::int64_t tensors_ = 0;
};

}  // namespace toptheta::testing
