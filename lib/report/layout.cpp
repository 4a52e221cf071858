#include "report/layout.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string_view>

namespace toptheta {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kTitleLines = 3;
// Text columns are narrowed to kNarrowText before columns are left out, and to kNarrowestText after that.
constexpr std::size_t kNarrowText = 24;
constexpr std::size_t kNarrowestText = 16;
constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

// Columns on the screen. These are code points, because our texts hold no wide or combining characters.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

// The number of bytes of the first `width` characters.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  while (at < text.size() && (width > 0 || !begins_character(text[at])))
    width -= begins_character(text[at++]) ? 1U : 0U;
  return at;
}

// The bytes of a word that go into a line of `width` characters: up to the last joint of the parts of a name,
// such as "placement=post-softmax", if that fills half of the line, else as many as fit.
std::size_t part_of_word(std::string_view word, std::size_t width) {
  const std::size_t most = bytes_of(word, width);
  const std::size_t joint = word.substr(0, most).find_last_of("-_=/,:");
  return joint == std::string_view::npos || 2 * (joint + 1) < most ? most : joint + 1;
}

// Lines of a text without line breaks. `whole_words`: words longer than a line stay whole.
std::vector<std::string> lines_of(std::string_view text, std::size_t width, bool whole_words) {
  if (width_of(text) <= width) return {std::string(text)};
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!lines.back().empty() && width_of(lines.back()) + 1 + width_of(word) > width) lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    while (!whole_words && width_of(word) > width) {
      const std::size_t part = part_of_word(word, width);
      lines.back() += word.substr(0, part);
      lines.emplace_back();
      word.remove_prefix(part);
    }
    lines.back() += word;
  }
  return lines;
}

std::size_t widest(const std::vector<std::string>& lines) {
  std::size_t width = 0;
  for (const std::string& line : lines)
    width = std::max(width, width_of(line));
  return width;
}

// The width of the narrowest column in which a title takes at most this many lines.
std::size_t title_width(const std::string& title, std::size_t lines) {
  std::size_t width = 1;
  while (lines_of(title, width, true).size() > lines)
    ++width;
  return widest(lines_of(title, width, true));
}

// How many lines titles may take, and how narrow texts may become.
struct Breaks {
  std::size_t title_lines = 1;
  std::size_t text_width = kUnlimited;
};

std::vector<std::size_t> widths_of(const TextTable& table, const Breaks& breaks) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    std::size_t width = title_width(table.columns[c].title, breaks.title_lines);
    const std::size_t limit = table.columns[c].number ? kUnlimited : breaks.text_width;
    for (const auto& row : table.rows)
      width = std::max(width,
                       width_of(row[c]) <= limit ? width_of(row[c]) : widest(lines_of(row[c], limit, false)));
    widths.push_back(width);
  }
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) +
         kGap * (std::max<std::size_t>(widths.size(), 1) - 1);
}

// Widths of columns that fit, with as few line breaks as possible, and texts no narrower than `narrowest`.
std::optional<std::vector<std::size_t>> fitting(const TextTable& table, std::size_t width,
                                                std::size_t narrowest) {
  for (std::size_t lines = 1; lines <= kTitleLines; ++lines)
    if (std::vector<std::size_t> widths = widths_of(table, {lines, kUnlimited}); total(widths) <= width)
      return widths;
  for (std::size_t text = width; text >= narrowest; --text)
    if (std::vector<std::size_t> widths = widths_of(table, {kTitleLines, text}); total(widths) <= width)
      return widths;
  return std::nullopt;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return right ? blanks + text : text + blanks;
}

// One row, with as many lines as its highest cell. Titles are aligned to the rule below them.
void add_row(std::string& text, const TextTable& table, const std::vector<std::size_t>& widths,
             const std::vector<std::string>& cells, bool titles) {
  std::vector<std::vector<std::string>> broken;
  std::size_t height = 1;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    broken.push_back(lines_of(cells[c], widths[c], titles));
    height = std::max(height, broken.back().size());
  }
  for (std::size_t l = 0; l < height; ++l) {
    std::string line;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::size_t above = titles ? height - broken[c].size() : 0;
      const bool has_line = l >= above && l - above < broken[c].size();
      line += (c == 0 ? "" : std::string(kGap, ' ')) +
              padded(has_line ? broken[c][l - above] : std::string(), widths[c], table.columns[c].number);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
}

std::string laid_out(const TextTable& table, const std::vector<std::size_t>& widths) {
  std::vector<std::string> titles;
  std::vector<std::string> rule;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    titles.push_back(table.columns[c].title);
    rule.emplace_back(widths[c], '-');
  }
  std::string text;
  add_row(text, table, widths, titles, true);
  add_row(text, table, widths, rule, false);
  for (const auto& row : table.rows)
    add_row(text, table, widths, row, false);
  return text;
}

// The column to leave out first: the one that can best be spared, else the last.
std::size_t spared(const TextTable& table) {
  const auto most =
      std::max_element(table.columns.begin(), table.columns.end(),
                       [](const SummaryColumn& a, const SummaryColumn& b) { return a.spare < b.spare; });
  return most->spare > 0 ? static_cast<std::size_t>(most - table.columns.begin()) : table.columns.size() - 1;
}

bool can_spare(const TextTable& table) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [](const SummaryColumn& column) { return column.spare > 0; });
}

void leave_out(TextTable& table, std::size_t column, std::vector<std::string>& left_out) {
  const std::string& title = table.columns[column].title;
  if (std::find(left_out.begin(), left_out.end(), title) == left_out.end()) left_out.push_back(title);
  const auto at = static_cast<std::ptrdiff_t>(column);
  table.columns.erase(table.columns.begin() + at);
  for (auto& row : table.rows)
    row.erase(row.begin() + at);
}

}  // namespace

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::string out;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = rest.find('\n');
    const std::string_view paragraph = rest.substr(0, end);
    const std::string blanks(width_of(paragraph) > width ? indent : 0, ' ');
    std::size_t taken = 0;
    for (const std::string& line : lines_of(paragraph, width - std::min(blanks.size(), width - 1), true)) {
      if (taken++ > 0) out.append("\n").append(blanks);
      out += line;
    }
    if (end == std::string_view::npos) return out;
    out += '\n';
    rest.remove_prefix(end + 1);
  }
}

std::string format_aligned(const TextTable& table) {
  return laid_out(table, widths_of(table, {}));
}

bool fits(const TextTable& table, std::size_t width) {
  return fitting(table, width, kNarrowText).has_value();
}

std::string format_within(TextTable table, std::size_t width, std::vector<std::string>& left_out) {
  while (true) {
    if (const auto widths = fitting(table, width, can_spare(table) ? kNarrowText : kNarrowestText))
      return laid_out(table, *widths);
    if (table.columns.size() < 2) return format_aligned(table);
    leave_out(table, spared(table), left_out);
  }
}

TextTable turned(const TextTable& table) {
  TextTable result;
  result.columns.push_back({"", false});
  for (const auto& row : table.rows)
    result.columns.push_back({row.front(), true});
  for (std::size_t c = 1; c < table.columns.size(); ++c) {
    std::vector<std::string>& row = result.rows.emplace_back();
    row.push_back(table.columns[c].title);
    for (const auto& cells : table.rows)
      row.push_back(cells[c]);
  }
  return result;
}

}  // namespace toptheta
