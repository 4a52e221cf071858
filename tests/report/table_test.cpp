#include "report/table.hpp"

#include <algorithm>
#include <sstream>

#include "report/layout.hpp"
#include "report/markdown.hpp"
#include "report/sample_results.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);)
    widest = std::max<std::size_t>(widest, static_cast<std::size_t>(std::ranges::count_if(
                                               line, [](char c) { return (c & 0xC0) != 0x80; })));
  return widest;
}

TextTable wide_table() {
  return {{{"policy", false}, {"kept elements %", true}, {"K rows %", true, 9}, {"value rows %", true, 1}},
          {{"theta k=64 [0:dense] sdc=exact vmc", "11.70", "100.00", "99.50"},
           {"dense", "100.00", "100.00", "100.00"}}};
}

}  // namespace

TEST_CASE("columns align by what is seen, not by bytes") {
  const std::string text =
      format_aligned({{{"name", false}, {"value", true}}, {{"a", "1.0 ± 0.1"}, {"long one", "2"}}});
  CHECK(text ==
        "name          value\n"
        "--------  ---------\n"
        "a         1.0 ± 0.1\n"
        "long one          2\n");
}

TEST_CASE("no blanks at the ends of lines, and a table without rows is its titles") {
  CHECK(format_aligned({{{"a", false}, {"b", false}}, {{"1", ""}}}) == "a  b\n-  -\n1\n");
  CHECK(format_aligned({{{"a", true}}, {}}) == "a\n-\n");
}

TEST_CASE("Markdown escapes what would end a cell") {
  CHECK(format_markdown_table({{"name", false}, {"n", true}}, {{"a|b\nc", "1"}}) ==
        "| name | n |\n"
        "|---|---:|\n"
        "| a\\|b c | 1 |\n");
}

TEST_CASE("where room is short titles and texts go over several lines, then columns are left out") {
  std::vector<std::string> left_out;
  CHECK(format_within(wide_table(), 80, left_out) == format_aligned(wide_table()));
  CHECK(format_within(wide_table(), 66, left_out) ==
        "                                          kept  K rows   value\n"
        "policy                              elements %       %  rows %\n"
        "----------------------------------  ----------  ------  ------\n"
        "theta k=64 [0:dense] sdc=exact vmc       11.70  100.00   99.50\n"
        "dense                                   100.00  100.00  100.00\n");
  CHECK(left_out.empty());
  CHECK(format_within(wide_table(), 40, left_out) ==
        "                          kept\n"
        "                      elements   value\n"
        "policy                       %  rows %\n"
        "--------------------  --------  ------\n"
        "theta k=64 [0:dense]     11.70   99.50\n"
        "sdc=exact vmc\n"
        "dense                   100.00  100.00\n");
  CHECK(left_out == std::vector<std::string>{"K rows %"});
}

TEST_CASE("no table is wider than it may be, whatever it holds, and what is left out is named") {
  for (std::size_t width = 20; width < 100; ++width) {
    std::vector<std::string> left_out;
    const std::string text = format_within(wide_table(), width, left_out);
    INFO(width << "\n" << text);
    CHECK(widest_line(text) <= width);
    // Titles that are broken show their first word still.
    for (const SummaryColumn& column : wide_table().columns) {
      const bool named = std::ranges::find(left_out, column.title) != left_out.end();
      const bool shown = text.find(column.title.substr(0, column.title.find(' '))) != std::string::npos;
      CHECK(named != shown);
    }
  }
  std::vector<std::string> left_out;
  const TextTable path{{{"path", false}, {"n", true}}, {{std::string(200, 'x'), "1"}}};
  CHECK(widest_line(format_within(path, 60, left_out)) <= 60);
  CHECK(left_out.empty());
}

TEST_CASE("a word that is too long is broken where its parts are joined") {
  std::vector<std::string> left_out;
  const TextTable table{{{"setting", false}}, {{"theta placement=post-softmax vmc"}}};
  CHECK(format_within(table, 16, left_out) ==
        "setting\n---------------\ntheta\nplacement=post-\nsoftmax vmc\n");
}

TEST_CASE("characters of several bytes are broken between them") {
  std::vector<std::string> left_out;
  const TextTable table{{{"t", false}}, {{"±±±±±±±±±±±±±±±±±±±±"}}};
  CHECK(format_within(table, 16, left_out) == "t\n----------------\n±±±±±±±±±±±±±±±±\n±±±±\n");
}

TEST_CASE("paragraphs break at blanks, keep their own lines and their long words") {
  CHECK(wrapped("one two three", 7) == "one two\nthree");
  CHECK(wrapped("one two three", 7, 2) == "one\n  two\n  three");
  CHECK(wrapped("a b\n\nc", 80) == "a b\n\nc");
  CHECK(wrapped("see /a/very/long/path here", 10) == "see\n/a/very/long/path\nhere");
  CHECK(wrapped("", 10).empty());
}

TEST_CASE("what is left out is not explained, what stands in one of the sections is") {
  const std::string narrow = format_table(sample_results(), {Detail::full, 60});
  INFO(narrow);
  CHECK(narrow.find("Left out to fit 60 columns (the other formats have them):") != std::string::npos);
  CHECK(narrow.find("\nK rows: key rows") == std::string::npos);
  CHECK(narrow.find("\nV rows (prefill): ") != std::string::npos);
  CHECK(format_table(sample_results(), {Detail::full, 250}).find("\nK rows: key rows") != std::string::npos);
}

TEST_CASE("every line of a report fits, notes and headings too") {
  for (const std::size_t width : {60U, 80U, 120U}) {
    const std::string text = format_table(sample_results(), {Detail::full, width});
    INFO(text);
    CHECK(widest_line(text) <= width);
  }
}
