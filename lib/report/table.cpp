#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/format.hpp"
#include "report/number.hpp"

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

namespace {

constexpr std::size_t kScreen = 80;

std::size_t width_of_table(const SummarySection& section) {
  std::size_t total = 2 * (section.columns.size() - 1);
  for (std::size_t c = 0; c < section.columns.size(); ++c) {
    std::size_t width = width_of(section.columns[c].title);
    for (const auto& row : section.rows)
      width = std::max(width, width_of(row[c]));
    total += width;
  }
  return total;
}

void erase_columns(SummarySection& section, std::size_t first, std::size_t count) {
  const auto erase = [&](auto& cells) {
    const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(first);
    cells.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  erase(section.columns);
  for (auto& row : section.rows)
    erase(row);
}

// Names of left out columns join `left_out`, each once.
SummarySection fitted(SummarySection section, std::vector<std::string>& left_out) {
  if (section.policy_columns > 1 && width_of_table(section) > kScreen) {
    for (std::size_t r = 0; r < section.rows.size(); ++r)
      section.rows[r][0] = section.labels[r];
    erase_columns(section, 1, section.policy_columns - 1);
  }
  while (width_of_table(section) > kScreen) {
    const auto most =
        std::max_element(section.columns.begin(), section.columns.end(),
                         [](const SummaryColumn& a, const SummaryColumn& b) { return a.spare < b.spare; });
    if (most->spare == 0) break;
    if (std::find(left_out.begin(), left_out.end(), most->title) == left_out.end())
      left_out.push_back(most->title);
    erase_columns(section, static_cast<std::size_t>(most - section.columns.begin()), 1);
  }
  return section;
}

}  // namespace

std::string format_table(const Results& results, Detail detail) {
  const Summary summary = summarize(results, detail);
  std::string text = summary.heading + "\n\n";
  std::vector<std::string> left_out;
  for (const SummarySection& whole : summary.sections) {
    const SummarySection section = fitted(whole, left_out);
    text += section.title + "\n" + format_aligned(section.columns, section.rows) + "\n";
  }
  for (const std::string& note : summary.notes)
    text += note + "\n";
  if (!left_out.empty())
    text += fmt::format("Left out to fit {} columns, and in the other formats: {}.\n", kScreen,
                        fmt::join(left_out, ", "));
  return text;
}

namespace {

std::string table_of_listing(const Listing& listing) {
  return listing_text(
      listing, format_aligned(listing_columns(listing), listing_cells(listing, format_number, "-")), "");
}

}  // namespace

extern const ReportFormat kTableReport;
const ReportFormat kTableReport{.name = "table", .results = format_table, .listing = table_of_listing};

}  // namespace toptheta
