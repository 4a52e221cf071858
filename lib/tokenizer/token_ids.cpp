#include "tokenizer/token_ids.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/json_lines.hpp"
#include "io/json_reader.hpp"
#include "io/text_file.hpp"

namespace toptheta {
namespace {

using Sequences = std::vector<std::vector<std::int32_t>>;

std::vector<std::int32_t> ids_of(const JsonValue& value, std::int64_t vocab_size) {
  const JsonValue list = value.is_object() ? value.at("ids") : value;
  if (!list.is_list()) list.fail("wrong type", "a list of token ids, or an object with the list \"ids\"");
  std::vector<std::int32_t> ids;
  ids.reserve(list.size());
  for (const nlohmann::json& id : list.raw()) {
    if (!id.is_number_integer() || id.get<std::uint64_t>() >= static_cast<std::uint64_t>(vocab_size))
      list.elements()[ids.size()].fail("not a token id",
                                       fmt::format("an integer from 0 to {}", vocab_size - 1));
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

std::vector<std::int32_t> hdf5_ids(const std::filesystem::path& path, std::int64_t vocab_size) {
  const hdf5::File file = hdf5::File::open(path);
  const auto tokens = file.root().open_dataset("tokens");
  std::vector<std::int32_t> ids;
  for (const std::int64_t id : tokens.read<std::int64_t>()) {
    if (id < 0 || id >= vocab_size)
      throw InputError({.where = tokens.where(),
                        .what = fmt::format("number {} is not a token id", ids.size()),
                        .expected = fmt::format("an integer from 0 to {}", vocab_size - 1),
                        .found = std::to_string(id)});
    ids.push_back(static_cast<std::int32_t>(id));
  }
  return ids;
}

// Reads NumPy's file format: a header in the form of a Python dictionary, then the numbers.
class NpyIds {
 public:
  NpyIds(const std::filesystem::path& path, std::int64_t vocab_size)
      : where_(path.string()), bytes_(read_file(path)), vocab_size_(vocab_size) {}

  Sequences run() {
    constexpr std::string_view kMagic = "\x93NUMPY";
    if (!bytes_.starts_with(kMagic) || bytes_.size() < 12)
      fail("not a NumPy file", "a file that numpy.save wrote");
    const bool long_header = byte(6) > 1;
    const std::size_t start = long_header ? 12 : 10;
    std::size_t size = byte(8) | byte(9) << 8U;
    if (long_header) size |= byte(10) << 16U | byte(11) << 24U;
    if (size > bytes_.size() - start) fail("cut off inside its header", "a whole file");
    header_ = bytes_.substr(start, size);
    data_ = start + size;
    read_type();
    return sequences(shape());
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& expected,
                         const std::string& found = "") const {
    throw InputError({.where = where_, .what = what, .expected = expected, .found = found});
  }
  [[nodiscard]] std::size_t byte(std::size_t at) const { return static_cast<unsigned char>(bytes_[at]); }

  // The header from the value of 'key' on.
  [[nodiscard]] std::string value_of(std::string_view key) const {
    const std::size_t at = header_.find(fmt::format("'{}':", key));
    if (at == std::string::npos)
      fail(fmt::format("no '{}' in its header", key), "a file that numpy.save wrote");
    return header_.substr(header_.find_first_not_of(' ', at + key.size() + 3));
  }

  void read_type() {
    const std::string type = value_of("descr");
    const bool integer =
        type.size() > 4 && (type[1] == '<' || type[1] == '|') && (type[2] == 'i' || type[2] == 'u');
    width_ = integer ? static_cast<std::size_t>(type[3] - '0') : 0;
    is_signed_ = integer && type[2] == 'i';
    if (width_ != 1 && width_ != 2 && width_ != 4 && width_ != 8)
      fail("wrong type of numbers", "little-endian integers", type.substr(0, type.find(',')));
    if (value_of("fortran_order").starts_with("True")) fail("columns before rows", "fortran_order False");
  }

  // The numbers of rows and columns; a vector is one row.
  [[nodiscard]] std::pair<std::size_t, std::size_t> shape() const {
    const std::string text = value_of("shape");
    std::vector<std::size_t> sizes;
    for (std::size_t at = 1; at < text.size() && text[at] != ')';) {
      const std::size_t end = text.find_first_not_of("0123456789", at);
      if (end != at) {
        if (end == std::string::npos || end - at > 12) fail("impossible shape", "(ids,) or (rows, ids)");
        sizes.push_back(std::stoull(text.substr(at, end - at)));
      }
      at = std::max(end, at + 1);
    }
    if (sizes.empty() || sizes.size() > 2) fail("wrong shape", "(ids,) or (rows, ids)", text.substr(0, 40));
    const std::size_t rows = sizes.size() == 2 ? sizes[0] : 1;
    const std::size_t count = (bytes_.size() - data_) / width_;
    if ((bytes_.size() - data_) % width_ != 0 || (sizes.back() != 0 && rows > count / sizes.back()) ||
        rows * sizes.back() != count)
      fail("its size does not fit its shape", fmt::format("{} x {} numbers", rows, sizes.back()),
           fmt::format("{} bytes of {} each", bytes_.size() - data_, width_));
    return {sizes.back() == 0 ? 0 : rows, sizes.back()};
  }

  [[nodiscard]] std::int32_t id_at(std::size_t index) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + data_ + index * width_, width_);
    const bool negative = is_signed_ && (value >> (8 * width_ - 1) & 1U) != 0;
    if (negative || value >= static_cast<std::uint64_t>(vocab_size_))
      fail(fmt::format("number {} is not a token id", index),
           fmt::format("an integer from 0 to {}", vocab_size_ - 1),
           negative ? "a negative number" : std::to_string(value));
    return static_cast<std::int32_t>(value);
  }

  [[nodiscard]] Sequences sequences(std::pair<std::size_t, std::size_t> shape) const {
    Sequences rows(shape.first);
    for (std::size_t row = 0; row < shape.first; ++row) {
      for (std::size_t i = 0; i < shape.second; ++i)
        rows[row].push_back(id_at(row * shape.second + i));
    }
    return rows;
  }

  std::string where_;
  std::string bytes_;
  std::int64_t vocab_size_;
  std::string header_;
  std::size_t data_ = 0;
  std::size_t width_ = 0;
  bool is_signed_ = false;
};

}  // namespace

Sequences read_token_ids(const std::filesystem::path& path, std::int64_t vocab_size) {
  Sequences sequences;
  if (path.extension() == ".npy") {
    sequences = NpyIds(path, vocab_size).run();
  } else if (path.extension() == ".h5" || path.extension() == ".hdf5") {
    sequences.push_back(hdf5_ids(path, vocab_size));
  } else if (path.extension() == ".json") {
    sequences.push_back(ids_of(read_json_file(path), vocab_size));
  } else {
    for_each_json_line(path,
                       [&](const JsonLine& line) { sequences.push_back(ids_of(line.value, vocab_size)); });
  }
  const bool empty = std::ranges::all_of(sequences, [](const auto& ids) { return ids.empty(); });
  if (empty) throw InputError({.where = path.string(), .what = "no token ids"});
  return sequences;
}

}  // namespace toptheta
