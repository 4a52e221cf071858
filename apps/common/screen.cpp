#include "common/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace toptheta::app {

namespace {

constexpr std::size_t kNarrowest = 40;
constexpr std::size_t kUsual = 80;

}  // namespace

std::optional<std::size_t> screen_columns() {
  winsize window = {};
  if (::isatty(STDOUT_FILENO) != 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
    return window.ws_col;
  const char* const variable = std::getenv("COLUMNS");
  if (variable == nullptr) return std::nullopt;
  const std::string_view text = variable;
  std::size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  if (error != std::errc() || end != text.data() + text.size() || columns == 0) return std::nullopt;
  return columns;
}

std::size_t table_width() {
  return std::max(screen_columns().value_or(kUsual), kNarrowest);
}

}  // namespace toptheta::app
