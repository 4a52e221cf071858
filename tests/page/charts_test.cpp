#include "page/charts.hpp"

#include <set>

#include "core/error.hpp"
#include "page/assets.hpp"
#include "page/figure.hpp"
#include "page/markup.hpp"
#include "page/page.hpp"
#include "page/svg.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/table_formats.hpp"

using namespace toptheta;
using namespace toptheta::page;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

ThresholdTable table_of(std::int64_t dense_k = 4) {
  ThresholdTable table;
  table.meta.shape = {2, 2, 1, 8};
  table.meta.model = "<m>";
  Target target{4, {dense_k, 4}, std::vector<std::vector<ThresholdEntry>>(4)};
  for (std::size_t cell = dense_k == 4 ? 0 : 2; cell < 4; ++cell)
    for (std::int32_t n = 5; n < 40; ++n)
      target.cells[cell].push_back({n, 1.0 + static_cast<double>(cell), 0.5, n < 35 ? 20 : 2});
  table.targets = {target};
  return table;
}

}  // namespace

TEST_CASE("no name ends the element or attribute that it stands in") {
  CHECK(escaped("</script><a href='x' title=\"y\">&") ==
        "&lt;/script&gt;&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;");
  CHECK(escaped("a\x01\n\x7f") == "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(escaped("\xFFz\xC3") == "\xEF\xBF\xBDz\xEF\xBF\xBD");
  CHECK(escaped("θ") == "θ");
  CHECK(file_name("a/b: <c>") == "a-b-c");
  CHECK(file_name("../..") == "chart");
}

TEST_CASE("a heat map has a cell for each value, its extremes in words, and its peak outlined") {
  const Chart map = heat_map({"m", "head", 2, 3, {0.5, 0.25, kAbsent, 0.125, 0.75, 0.5}, true, false});
  CHECK(count_of(map.svg, "data-t=") == 6);
  CHECK(count_of(map.svg, " peak'") == 1);
  CHECK(map.svg.find("layer 1, head 1: 75.0%") != std::string::npos);
  CHECK(map.svg.find(">12.5%</text>") != std::string::npos);
  CHECK(map.svg.find(">75.0%</text>") != std::string::npos);
  CHECK(count_of(map.svg, "class='hx'") == 1);
}

TEST_CASE("a histogram counts every value once") {
  const Chart one = histogram("h", "x", {2, 2, 2}, 1);
  CHECK(one.svg.find(": 3 heads") != std::string::npos);
  const Chart many = histogram("h", "x", {0.5, 1, 4, 8, kAbsent, 0}, 1);
  CHECK(count_of(many.svg, "class='bar'") == 4);
  CHECK(many.svg.find("data-t='0.5 to ") != std::string::npos);
  CHECK(many.svg.find("to 8: 1 heads") != std::string::npos);
}

TEST_CASE("a chart says its axes, as the script that zooms it reads them") {
  const Frame frame{360, 290, {{0.25, 64, 54, 344, true}, "x", true}, {{-1, 1, 246, 28}, "y", false, true}};
  const std::string svg = begin_chart(frame, "t");
  CHECK(svg.find(" data-x='0.25 64 54 344 log %' data-y='-1 1 246 28 fixed' ") != std::string::npos);
  CHECK(count_of(svg, "<g class='x'>") == 1);
  CHECK(count_of(svg, "<g class='y'>") == 1);
  // A mark begins at its place, whatever its shape.
  for (const std::size_t shape : {0, 1, 2, 3})
    CHECK(mark_at(1.5, 2.25, shape, "t").find(" d='M1.50 2.25m") != std::string::npos);
}

TEST_CASE("a page carries D3 with its licence, in one script that nothing in it ends") {
  const std::string page = format_document("t", "");
  CHECK(page.find("Copyright 2010-2022 Mike Bostock\n") < page.find("// https://d3js.org v5."));
  CHECK(page.find("// https://d3js.org v5.") < page.find(kPageScript));
  CHECK(page.find(kPageScript) < page.find(kChartScript));
  CHECK(count_of(page, "<script") == 1);
  CHECK(count_of(page, "</script") == 1);
  CHECK(count_of(page, "</style") == 1);
}

TEST_CASE("scales hold their values") {
  const Scale scale = scale_over({0.001, 0.5}, 50, 350, true);
  CHECK(scale.log);
  CHECK(scale.at(0.001) > 50);
  CHECK(scale.at(0.5) < 350);
  CHECK_FALSE(scale_over({-0.001, 0.5}, 50, 350, true).log);
  CHECK(scale_over({}, 0, 1, true).at(0.5) == 0.5);
}

TEST_CASE("a page about a table says its thin lengths, and dense layers are empty") {
  const std::string page = format_table_page(table_of(), "<t>.h5", 0, std::nullopt);
  CHECK(page.find("rows of 35 to 39 keys rest on as few as 2 calibration rows") != std::string::npos);
  CHECK(page.find("&lt;t&gt;.h5") != std::string::npos);
  CHECK(page.find("<t>") == std::string::npos);
  CHECK(page.find("<m>") == std::string::npos);
  CHECK_THROWS_AS(format_table_page(table_of(), "t.h5", 5, std::nullopt), UsageError);
  const std::vector<Chart> charts = charts_of(table_of(kDenseK), 4);
  REQUIRE(charts.size() == 5);  // theta, spread, a line chart for each layer, rows
  CHECK(count_of(charts[0].svg, "class='hx'") == 2);
  CHECK(standalone(charts[0]).find("<style>") != std::string::npos);
}

TEST_CASE("a table without any threshold makes a page without charts") {
  ThresholdTable table = table_of(kDenseK);
  table.targets[0].layer_k[1] = kDenseK;
  table.targets[0].cells.assign(4, {});
  CHECK(charts_of(table, 0).empty());
  CHECK(format_table_page(table, "t.h5", 0, std::nullopt).ends_with("</html>\n"));
}

TEST_CASE("tables that cells name are read if they are the same, and said if not") {
  const testing::TempDir folder;
  Cell cell;
  cell.model = {"m", "", 2, 2, 1, 8};
  cell.policy = {.attention = "theta", .thresholds = "gone.h5"};
  std::vector<NamedTable> tables = tables_of({cell, cell}, folder.root());
  REQUIRE(tables.size() == 1);
  CHECK(tables[0].problem == "the file does not exist");

  const std::filesystem::path path = folder.path("theta.json");
  write_table(table_of(), 0, path, TableFormat::json);
  cell.policy.thresholds = "theta.json";
  tables = tables_of({cell}, folder.root());
  CHECK(tables[0].problem.empty());
  CHECK(tables[0].table.targets.size() == 1);

  cell.provenance.inputs = {{"theta.json", "00"}};
  tables = tables_of({cell}, folder.root());
  CHECK(tables[0].problem.find("has changed since") != std::string::npos);
}

TEST_CASE("labels of an axis tell their ticks apart, however close these are") {
  using Labels = std::vector<std::string>;
  CHECK(tick_labels({0.0452, 0.0454, 0.0456}, true) == Labels{"4.52%", "4.54%", "4.56%"});
  CHECK(tick_labels({2.44501, 2.44502, 2.44503}, false) == Labels{"2.44501", "2.44502", "2.44503"});
  CHECK(tick_labels({0.01, 0.1, 1}, true) == Labels{"1%", "10%", "100%"});
  CHECK(tick_labels({-0.5, 0, 0.5}, false) == Labels{"-0.5", "0", "0.5"});
  CHECK(tick_labels({0.25}, false) == Labels{"0.25"});
  CHECK(tick_labels({}, false).empty());
  for (const double width : {1e-6, 1e-4, 0.3, 70.0, 4e5})
    for (const double low : {-3.0, 0.0, 0.0451, 12.0}) {
      const Labels labels = tick_labels(Scale{low, low + width, 0, 300}.ticks(), true);
      INFO(low << " " << width);
      CHECK(std::set<std::string>(labels.begin(), labels.end()).size() == labels.size());
      CHECK(labels.size() >= 3);
    }
}

TEST_CASE("labels of an axis do not touch each other, nor leave the chart") {
  Frame frame{360, 290, {{0.0001, 0.9, 54, 344, true}, "x", true}, {{0, 1, 246, 28}, "y", false}};
  const std::string svg = begin_chart(frame, "t");
  double end = 0;
  std::size_t labels = 0;
  const std::string place = " y='262.0' class='m'>";
  for (std::size_t at = svg.find(place); at != std::string::npos; at = svg.find(place, at + 1), ++labels) {
    const double x = std::stod(svg.substr(svg.rfind("x='", at) + 3));
    const std::size_t text = at + place.size();
    const double half = 3.3 * static_cast<double>(svg.find('<', text) - text);
    CHECK(x - half > end);
    end = x + half;
  }
  CHECK(labels > 3);
  CHECK(end <= 360);
}
