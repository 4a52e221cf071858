#include "theta/formats/authors_line.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/error.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

// Reads one line from its start. Each step returns false if the text is not as expected.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  // A number from `least` to `most`, without a leading '+'.
  template <typename Number>
  bool number(Number& value, Number least, Number most) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value >= least && value <= most;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool parse(std::string_view text, int columns, AuthorsLine& line) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr double kLargest = std::numeric_limits<double>::max();
  LineReader reader(text);
  return reader.literal("L") && reader.number<std::int64_t>(line.layer, 0, kMaxCells - 1) &&
         reader.literal("_H") && reader.number<std::int64_t>(line.head, 0, kMaxCells - 1) &&
         reader.literal(":") &&
         reader.number<std::int32_t>(line.length, 1, std::numeric_limits<std::int32_t>::max()) &&
         reader.literal(" ") && reader.number<double>(line.value, -kLargest, kLargest) &&
         reader.literal(" ") && reader.number<std::int64_t>(line.count, 0, kMost) &&
         (columns == 3 || (reader.literal(" ") && reader.number<std::int64_t>(line.k, 1, kMost - 1))) &&
         reader.at_end();
}

}  // namespace

void for_each_authors_line(const std::string& text, const std::string& file, int columns,
                           const std::function<void(const AuthorsLine&)>& use) {
  AuthorsLine line;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++line.number;
    if (part.ends_with('\r')) part.remove_suffix(1);
    if (part.empty()) continue;
    if (!parse(part, columns, line))
      throw InputError(
          {.where = fmt::format("{}:{}", file, line.number),
           .what = columns == 4 ? "not a line of a th.txt" : "not a line of an sdc.txt",
           .expected = fmt::format(
               "{}; layers and heads below {}",
               columns == 4 ? "layer, head, row length, theta, samples, k: L31_H31:1219 0.00022 4 64"
                            : "layer, head, row length, M, samples: L31_H31:1219 0.0123 4",
               kMaxCells),
           .found = fmt::format("'{}'{}", part.substr(0, 80), part.size() > 80 ? "..." : "")});
    use(line);
  }
}

}  // namespace toptheta
