#include "theta/thin_cells.hpp"

#include "support/catch.hpp"

using namespace toptheta;

namespace {

std::vector<ThresholdEntry> entries(const std::vector<std::pair<std::int32_t, std::int64_t>>& counts) {
  std::vector<ThresholdEntry> result;
  for (const auto& [length, count] : counts) {
    ThresholdEntry entry;
    entry.length = length;
    entry.count = count;
    result.push_back(entry);
  }
  return result;
}

}  // namespace

TEST_CASE("neighbouring lengths with few rows are one range") {
  const Target target{4,
                      {4},
                      {entries({{5, 9}, {6, 3}, {7, 2}, {8, 0}, {9, 7}, {10, 8}, {11, 1}}),
                       entries({{5, 9}, {6, 9}, {7, 9}, {11, 1}})}};
  const std::vector<ThinCells> thin = thin_cells(target);
  REQUIRE(thin.size() == 2);
  CHECK(thin[0].k == 4);
  CHECK(thin[0].shortest == 6);
  CHECK(thin[0].longest == 9);  // the interpolated length between has no say
  CHECK(thin[0].heads == 1);
  CHECK(thin[0].fewest == 2);
  CHECK(thin[1].shortest == 11);
  CHECK(thin[1].longest == 11);
  CHECK(thin[1].heads == 2);
  CHECK(thin[1].fewest == 1);
  CHECK(thin_cells(target, 1).empty());
  const std::vector<std::string> text = describe(thin, 1);
  REQUIRE(text.size() == 1);
  CHECK(text[0] ==
        "-k 4: the thresholds of rows of 6 to 9 keys rest on as few as 2 calibration rows each, in 1 head; "
        "and 1 more range");
  CHECK(describe(std::vector<ThinCells>{}).empty());
  CHECK(advice_on_thin_cells({}).find("--length-bins 8") != std::string::npos);
  // What a table has already is no advice.
  TableMeta binned;
  binned.length_bins = 8;
  CHECK(advice_on_thin_cells(binned).find("fewer --length-bins than 8") != std::string::npos);
}
