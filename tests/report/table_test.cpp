#include "report/table.hpp"

#include "report/markdown.hpp"
#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("columns align by what is seen, not by bytes") {
  const std::string text =
      format_aligned({{"name", false}, {"value", true}}, {{"a", "1.0 ± 0.1"}, {"long one", "2"}});
  CHECK(text ==
        "name          value\n"
        "--------  ---------\n"
        "a         1.0 ± 0.1\n"
        "long one          2\n");
}

TEST_CASE("no blanks at the ends of lines, and a table without rows is its titles") {
  CHECK(format_aligned({{"a", false}, {"b", false}}, {{"1", ""}}) == "a  b\n-  -\n1\n");
  CHECK(format_aligned({{"a", true}}, {}) == "a\n-\n");
}

TEST_CASE("Markdown escapes what would end a cell") {
  CHECK(format_markdown_table({{"name", false}, {"n", true}}, {{"a|b\nc", "1"}}) ==
        "| name | n |\n"
        "|---|---:|\n"
        "| a\\|b c | 1 |\n");
}
