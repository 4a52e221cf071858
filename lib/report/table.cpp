#include "report/table.hpp"

#include <algorithm>

namespace toptheta {

namespace {

// Columns on the screen: code points, for our texts hold no wide or combining characters.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - width_of(text), ' ');
  return right ? blanks + text : text + blanks;
}

}  // namespace

std::string format_aligned(const std::vector<SummaryColumn>& columns,
                           const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::size_t width = width_of(columns[c].title);
    for (const auto& row : rows)
      width = std::max(width, width_of(row[c]));
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t c = 0; c < columns.size(); ++c)
      line += (c == 0 ? "" : "  ") + padded(cell_of(c), widths[c], columns[c].number);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add_line([&](std::size_t c) { return columns[c].title; });
  add_line([&](std::size_t c) { return std::string(widths[c], '-'); });
  for (const auto& row : rows)
    add_line([&](std::size_t c) { return row[c]; });
  return text;
}

std::string format_table(const Results& results, Detail detail) {
  const Summary summary = summarize(results, detail);
  std::string text = summary.heading + "\n\n";
  for (const SummarySection& section : summary.sections)
    text += section.title + "\n" + format_aligned(section.columns, section.rows) + "\n";
  for (const std::string& note : summary.notes)
    text += note + "\n";
  return text;
}

}  // namespace toptheta
