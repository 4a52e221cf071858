#include "report/markdown.hpp"

#include "report/format.hpp"

namespace toptheta {

namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|')
      out += "\\|";
    else
      out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string format_markdown_table(const std::vector<SummaryColumn>& columns,
                                  const std::vector<std::vector<std::string>>& rows) {
  std::string titles = "|";
  std::string rule = "|";
  for (const SummaryColumn& column : columns) {
    titles += " " + escaped(column.title) + " |";
    rule += column.number ? "---:|" : "---|";
  }
  std::string text = titles + "\n" + rule + "\n";
  for (const auto& row : rows) {
    text += '|';
    for (const std::string& cell : row)
      text += " " + escaped(cell) + " |";
    text += '\n';
  }
  return text;
}

std::string format_markdown(const Results& results, const Layout& layout) {
  const Summary summary = summarize(results, layout.detail);
  std::string text = escaped(summary.heading) + "\n\n";
  for (const SummarySection& section : summary.sections)
    text += "**" + escaped(section.title) + "**\n\n" + format_markdown_table(section.columns, section.rows) +
            "\n";
  for (const std::string& note : summary.notes)
    text += "- " + note + "\n";
  return text;
}

namespace {

std::string markdown_of_listing(const Listing& listing, const Layout& /*layout*/) {
  return listing_text(listing, format_markdown_table(listing_columns(listing), cells_for_people(listing)),
                      "- ");
}

}  // namespace

extern const ReportFormat kMarkdownReport;
const ReportFormat kMarkdownReport{.name = "md", .results = format_markdown, .listing = markdown_of_listing};

}  // namespace toptheta
