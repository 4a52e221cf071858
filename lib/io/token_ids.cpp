#include "io/token_ids.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/json_lines.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kLargestId = std::numeric_limits<std::int32_t>::max();

void append_id(std::int64_t id, const std::string& where, std::vector<std::int32_t>& ids) {
  if (id < 0 || id > kLargestId)
    throw InputError({.where = fmt::format("{}: id {}", where, ids.size()),
                      .what = "not a token id",
                      .expected = fmt::format("0 to {}", kLargestId),
                      .found = fmt::format("{}", id)});
  ids.push_back(static_cast<std::int32_t>(id));
}

template <class Integer>
void append_integers(std::string_view bytes, const std::string& where, std::vector<std::int32_t>& ids) {
  for (std::size_t at = 0; at + sizeof(Integer) <= bytes.size(); at += sizeof(Integer)) {
    Integer id = 0;
    std::memcpy(&id, bytes.data() + at, sizeof id);
    append_id(id, where, ids);
  }
}

// The header of numpy's format is a Python dictionary in text.
std::vector<std::int32_t> read_npy_ids(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const auto refuse = [&](const std::string& found) {
    throw InputError({.where = path.string(),
                      .what = "cannot be read as token ids",
                      .expected = "a .npy file with one dimension of int32 or int64, little-endian",
                      .found = found});
  };
  constexpr std::size_t kStart = 10;
  if (bytes.size() < kStart || bytes.compare(0, 7, "\x93NUMPY\x01") != 0) refuse("another format or version");
  std::uint16_t length = 0;
  std::memcpy(&length, bytes.data() + 8, sizeof length);
  if (bytes.size() < kStart + length) refuse("a truncated header");
  const std::string header = bytes.substr(kStart, length);
  const bool is_32 = header.find("'<i4'") != std::string::npos;
  const bool is_64 = header.find("'<i8'") != std::string::npos;
  const std::size_t shape = header.find("'shape': (");
  const std::size_t end = shape == std::string::npos ? shape : header.find(')', shape);
  if ((!is_32 && !is_64) || end == std::string::npos) refuse(header);
  const std::string dims = header.substr(shape + 10, end - shape - 10);
  const std::size_t comma = dims.find(',');
  if (comma == std::string::npos || dims.find_first_of("0123456789", comma) != std::string::npos)
    refuse(fmt::format("shape ({})", dims));
  const std::string_view data = std::string_view(bytes).substr(kStart + length);
  if (fmt::format("{}", data.size() / (is_32 ? 4U : 8U)) != dims.substr(0, comma))
    refuse(fmt::format("shape ({}) and {} bytes", dims, data.size()));
  std::vector<std::int32_t> ids;
  if (is_32)
    append_integers<std::int32_t>(data, path.string(), ids);
  else
    append_integers<std::int64_t>(data, path.string(), ids);
  return ids;
}

}  // namespace

std::vector<std::int32_t> read_token_ids(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return read_npy_ids(path);
  std::vector<std::int32_t> ids;
  if (path.extension() == ".h5" || path.extension() == ".hdf5") {
    const auto tokens = hdf5::File::open(path).root().open_dataset("tokens");
    for (const std::int64_t id : tokens.read<std::int64_t>())
      append_id(id, tokens.where(), ids);
    return ids;
  }
  for_each_json_line(path, [&](const JsonLine& line) {
    for (const JsonValue& id : line.value.elements("ids"))
      append_id(id.integer(0, kLargestId), line.where, ids);
  });
  return ids;
}

}  // namespace toptheta
