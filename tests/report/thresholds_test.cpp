#include "report/thresholds.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

// One target, two layers (the first dense), two heads; lengths 5 and 6 in the second layer.
ThresholdTable sample() {
  ThresholdTable table;
  table.meta.shape = {2, 2, 1, 8};
  Target target{4, {kDenseK, 4}, std::vector<std::vector<ThresholdEntry>>(4)};
  target.cells[2] = {{5, 1.0, 0.5, 3, kNotCalibrated, 0.75}, {6, 2.0, 0, 1, kNotCalibrated, 0.5}};
  target.cells[3] = {{5, 4.0, 0, 4, 0.25, 1.0}};
  table.targets = {target};
  return table;
}

// The same with rho in head 0 of layer 1, which also has a law.
ThresholdTable sample_with_law() {
  ThresholdTable table = sample();
  Target& target = table.targets[0];
  target.cells[2][0].rho = 0.5;
  target.cells[2][1].rho = 0.25;
  target.rho_laws.resize(4);
  target.rho_laws[2] = {-2, 0.125, 0.5};
  return table;
}

std::vector<std::string> keys_of(const Listing& listing) {
  std::vector<std::string> keys;
  for (const ListingColumn& column : listing.columns)
    keys.push_back(column.key);
  return keys;
}

std::string last_of(const Listing& listing, std::size_t row, std::ptrdiff_t cells) {
  const auto& all = listing.rows.at(row);
  return nlohmann::ordered_json(std::vector(all.end() - cells, all.end())).dump();
}

}  // namespace

TEST_CASE("layers: means weighted by rows, nothing for dense ones") {
  const Listing listing = thresholds_listing(sample(), {});
  REQUIRE(listing.rows.size() == 2);
  CHECK(nlohmann::ordered_json(listing.rows[0]).dump() == R"([4,0,"dense",null,0,0,null,null,null,null])");
  // theta (3 * 1 + 1 * 2 + 4 * 4) / 8; kept mass (3 * 0.75 + 0.5 + 4) / 8; SDC terms of one entry only.
  CHECK(nlohmann::ordered_json(listing.rows[1]).dump() == R"([4,1,"4","5-6",3,8,2.625,0.1875,0.25,0.84375])");
}

TEST_CASE("the heading cuts long runs of files, and says so where nothing was recorded") {
  ThresholdTable table = sample();
  CHECK(table_heading(table.meta).find("made by: not recorded") != std::string::npos);
  table.meta.provenance = {"1.0", "abc", "tt-calibrate fit a.h5 b.h5 c.h5 d.h5 e.h5 -k 4 --tac", 7, {}};
  CHECK(table_heading(table.meta).find("tt-calibrate fit a.h5 ...3 more... e.h5 -k 4 --tac (version 1.0") !=
        std::string::npos);
  table.meta.provenance.command = "tt-calibrate fit a.h5 b.h5 c.h5 d.h5 -k 4";
  CHECK(table_heading(table.meta).find("fit a.h5 b.h5 c.h5 d.h5 -k 4 (") != std::string::npos);
}

TEST_CASE("heads and single row lengths") {
  CHECK(thresholds_listing(sample(), {.layer = 1}).rows.size() == 2);
  CHECK(thresholds_listing(sample(), {.head = 0}).rows.size() == 2);
  const Listing entries = thresholds_listing(sample(), {.layer = 1, .head = 0});
  REQUIRE(entries.rows.size() == 2);
  CHECK(nlohmann::ordered_json(entries.rows[0]).dump() == "[4,1,0,5,1.0,0.5,3,null,0.75]");
}

TEST_CASE("rho and its laws have columns where there are any: how many heads, or the coefficients") {
  const std::vector<std::string> plain = keys_of(thresholds_listing(sample(), {}));
  CHECK(plain.back() == "kept_mass");
  CHECK(thresholds_listing(sample(), {}).notes.empty());

  const Listing layers = thresholds_listing(sample_with_law(), {});
  CHECK(keys_of(layers).size() == plain.size() + 2);
  CHECK(keys_of(layers).back() == "rho_laws");
  CHECK(last_of(layers, 0, 2) == "[null,0]");
  CHECK(last_of(layers, 1, 2) == "[0.4375,1]");  // (3 * 0.5 + 1 * 0.25) / 4
  REQUIRE(layers.notes.size() == 1);
  CHECK(layers.notes[0].find("--layer") != std::string::npos);

  const Listing heads = thresholds_listing(sample_with_law(), {.layer = 1});
  CHECK(keys_of(heads).back() == "rho_law_2");
  CHECK(last_of(heads, 0, 4) == "[0.4375,-2.0,0.125,0.5]");
  CHECK(last_of(heads, 1, 4) == "[null,null,null,null]");
  CHECK(heads.notes.at(0).find("ln rho = c0 + c1 ln n + c2 ln n_kept") != std::string::npos);

  const Listing entries = thresholds_listing(sample_with_law(), {.layer = 1, .head = 0});
  CHECK(last_of(entries, 1, 4) == "[0.25,-2.0,0.125,0.5]");
  const Listing without = thresholds_listing(sample_with_law(), {.layer = 1, .head = 1});
  CHECK(last_of(without, 0, 4) == "[null,null,null,null]");

  ThresholdTable no_law = sample_with_law();
  no_law.targets[0].rho_laws.clear();
  CHECK(keys_of(thresholds_listing(no_law, {})).back() == "rho");
}

TEST_CASE("what the table has not is refused") {
  CHECK_THROWS_AS(thresholds_listing(sample(), {.k = 5}), UsageError);
  CHECK_THROWS_AS(thresholds_listing(sample(), {.layer = 2}), UsageError);
  CHECK_THROWS_AS(thresholds_listing(sample(), {.head = -1}), UsageError);
}
