#include "sweep/cell_name.hpp"

#include <algorithm>
#include <map>

#include "core/sha256.hpp"

namespace toptheta {

namespace {

constexpr std::size_t kLongestName = 160;

char safe(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (letter || (c >= '0' && c <= '9') || std::string_view("._=+-").find(c) != std::string_view::npos)
    return c;
  if (c == '*') return 'x';
  return c == ' ' ? '-' : '_';
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

std::string safe_name(std::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kLongestName))
    name += safe(c);
  if (name.empty() || name.front() == '.') name.insert(0, "_");
  return name;
}

void make_distinct(std::vector<std::string>& names, const std::vector<std::string>& identities) {
  std::map<std::string, int> times;
  for (const std::string& name : names)
    ++times[lower(name)];
  for (std::size_t i = 0; i < names.size(); ++i)
    if (times[lower(names[i])] > 1) names[i] += "__" + sha256_of_text(identities[i]).substr(0, 8);
}

}  // namespace toptheta
