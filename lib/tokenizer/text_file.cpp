#include "tokenizer/text_file.hpp"

#include <fstream>
#include <sstream>

#include "core/error.hpp"

namespace toptheta {

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw InputError({.where = path.string(), .what = "no such file", .next = "check the path"});
  }
  if (std::filesystem::is_directory(status)) {
    throw InputError(
        {.where = path.string(), .what = "cannot be read", .expected = "a file", .found = "a directory"});
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || text.bad()) {
    throw InputError({.where = path.string(), .what = "cannot be read", .next = "check its permissions"});
  }
  return std::move(text).str();
}

}  // namespace toptheta
