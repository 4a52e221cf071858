#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/format.hpp"
#include "report/layout.hpp"

namespace toptheta {

namespace {

constexpr std::size_t kNoteIndent = 2;

// Puts the policy into one column, if space is short.
TextTable with_labels(const SummarySection& section) {
  TextTable table{section.columns, section.rows};
  const auto removed = static_cast<std::ptrdiff_t>(section.policy_columns);
  table.columns.erase(table.columns.begin() + 1, table.columns.begin() + removed);
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    table.rows[r].erase(table.rows[r].begin() + 1, table.rows[r].begin() + removed);
    table.rows[r][0] = section.labels[r];
  }
  return table;
}

// The titles of the columns of all sections.
struct Titles {
  std::vector<std::string> shown;
  std::vector<std::string> left_out;  // of some section

  void add(const TextTable& table, const std::vector<std::string>& gone) {
    for (const SummaryColumn& column : table.columns)
      if (std::ranges::find(gone, column.title) == gone.end()) shown.push_back(column.title);
    for (const std::string& title : gone)
      if (std::ranges::find(left_out, title) == left_out.end()) left_out.push_back(title);
  }
  // The titles that no section shows, and those that only some do.
  [[nodiscard]] std::vector<std::string> missing(bool everywhere) const {
    std::vector<std::string> titles;
    for (const std::string& title : left_out)
      if ((std::ranges::find(shown, title) == shown.end()) == everywhere) titles.push_back(title);
    return titles;
  }
  // Whether a note, which begins with the name of a column, explains a column that is not shown.
  [[nodiscard]] bool misses(const std::string& note) const {
    const std::string name = note.substr(0, std::min(note.find(':'), note.find(" (")));
    const auto named = [&](const std::string& title) { return title.starts_with(name); };
    return std::ranges::any_of(left_out, named) && std::ranges::none_of(shown, named);
  }
};

// Splits a table into as many as needed, one below the other, each with the first column and as many others
// as fit.
std::string format_parts(const TextTable& table, std::size_t width, std::vector<std::string>& left_out) {
  const auto with_column = [&table](TextTable part, std::size_t column) {
    part.columns.push_back(table.columns[column]);
    part.columns.back().spare = 0;
    for (std::size_t r = 0; r < table.rows.size(); ++r)
      part.rows[r].push_back(table.rows[r][column]);
    return part;
  };
  const TextTable names = with_column({{}, std::vector<std::vector<std::string>>(table.rows.size())}, 0);
  std::string text;
  for (std::size_t next = 1; next < table.columns.size();) {
    TextTable part = with_column(names, next++);
    for (; next < table.columns.size(); ++next) {
      TextTable wider = with_column(part, next);
      if (!fits(wider, width)) break;
      part = std::move(wider);
    }
    text += (text.empty() ? "" : "\n") + format_within(std::move(part), width, left_out);
  }
  return text;
}

std::string format_section(const SummarySection& section, std::size_t width, Titles& titles) {
  TextTable table{section.columns, section.rows};
  if (!fits(table, width)) {
    if (section.policy_columns > 1) table = with_labels(section);
    if (TextTable other = turned(table); section.can_turn && fits(other, width)) table = std::move(other);
  }
  std::vector<std::string> left_out;
  const std::string text =
      wrapped(section.title, width) + "\n" +
      (section.can_turn ? format_parts(table, width, left_out) : format_within(table, width, left_out));
  titles.add(table, left_out);
  return text;
}

// `where`: " of some tables", or empty. Empty if nothing is left out.
std::string left_out_note(const std::vector<std::string>& left_out, std::size_t width,
                          const char* where = "") {
  if (left_out.empty()) return "";
  return wrapped(fmt::format("Left out{} to fit {} columns (the other formats have them): {}.", where, width,
                             fmt::join(left_out, ", ")),
                 width, kNoteIndent) +
         "\n";
}

}  // namespace

std::string format_table(const Results& results, const Layout& layout) {
  const Summary summary = summarize(results, layout.detail);
  std::string text = wrapped(summary.heading, layout.width) + "\n\n";
  Titles titles;
  for (const SummarySection& section : summary.sections)
    text += format_section(section, layout.width, titles) + "\n";
  for (const std::string& note : summary.notes)
    if (!titles.misses(note)) text += wrapped(note, layout.width, kNoteIndent) + "\n";
  return text + left_out_note(titles.missing(true), layout.width) +
         left_out_note(titles.missing(false), layout.width, " of some tables");
}

namespace {

// Without the columns that may be left out and hold nothing in any row: they only cost width here, while the
// other formats have the same columns at every time.
TextTable listing_table(const Listing& listing) {
  const std::vector<SummaryColumn> columns = listing_columns(listing);
  const std::vector<std::vector<std::string>> cells = cells_for_people(listing);
  TextTable table{{}, std::vector<std::vector<std::string>>(cells.size())};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const bool empty = std::ranges::all_of(listing.rows, [c](const auto& row) { return row[c].is_null(); });
    if (empty && columns[c].spare > 0 && !cells.empty()) continue;
    table.columns.push_back(columns[c]);
    for (std::size_t r = 0; r < cells.size(); ++r)
      table.rows[r].push_back(cells[r][c]);
  }
  return table;
}

std::string table_of_listing(const Listing& listing, const Layout& layout) {
  std::vector<std::string> left_out;
  std::string text;
  if (!listing.heading.empty()) text = wrapped(listing.heading, layout.width, kNoteIndent) + "\n\n";
  text += format_within(listing_table(listing), layout.width, left_out);
  if (!listing.notes.empty() || !left_out.empty()) text += '\n';
  for (const std::string& note : listing.notes)
    text += wrapped(note, layout.width, kNoteIndent) + "\n";
  return text + left_out_note(left_out, layout.width);
}

}  // namespace

extern const ReportFormat kTableReport;
const ReportFormat kTableReport{.name = "table", .results = format_table, .listing = table_of_listing};

}  // namespace toptheta
