// Reads dumps that h5py wrote; passes over them where Python or h5py are missing.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "dump/collector.hpp"
#include "dump/reader.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

using Rows = decltype(testing::Collector::heads);

Rows read_expected(const std::filesystem::path& path) {
  Rows rows;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::int64_t layer = 0;
    std::int64_t head = 0;
    testing::CollectedRow row;
    fields >> layer >> head >> row.length;
    for (std::string score; fields >> score;)
      row.scores.push_back(std::strtof(score.c_str(), nullptr));
    rows[{layer, head}].push_back(std::move(row));
  }
  return rows;
}

// 0 where all scores agree exactly.
double largest_difference(const Rows& a, const Rows& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (const auto& [head, rows] : a) {
    const auto& others = b.at(head);
    REQUIRE(rows.size() == others.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      REQUIRE(rows[r].length == others[r].length);
      REQUIRE(rows[r].scores.size() == others[r].scores.size());
      for (std::size_t j = 0; j < rows[r].scores.size(); ++j)
        largest = std::max(largest, static_cast<double>(std::fabs(rows[r].scores[j] - others[r].scores[j])));
    }
  }
  return largest;
}

void check_dump(const std::filesystem::path& path) {
  INFO(path.filename().string());
  const DumpReader dump(path);
  CHECK(dump.header().shape == ModelShape{3, 4, 2, 8});
  CHECK(dump.header().model == "tiny");
  testing::Collector got;
  for (const DumpLayer& layer : dump.samples().at(0).layers)
    dump.stream(0, layer.layer, got);
  std::filesystem::path expected = path;
  const Rows rows = read_expected(expected.replace_extension(".txt"));
  if (dump.header().content == DumpContent::scores) {
    CHECK(largest_difference(got.heads, rows) == 0);
  } else {
    CHECK(dump.header().scale == 0.25);
    CHECK(largest_difference(got.heads, rows) < 2e-6);  // float against double sums of 8 products
  }
}

}  // namespace

TEST_CASE("dumps that h5py wrote, in every type and layout, are read as numpy sees them") {
  if (std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0) return;
  const testing::TempDir dir;
  const std::string command =
      fmt::format("/usr/bin/python3 tests/dump/h5py_dumps.py '{}'", dir.root().string());
  REQUIRE(std::system(command.c_str()) == 0);
  int dumps = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.root())) {
    if (entry.path().extension() != ".h5") continue;
    check_dump(entry.path());
    ++dumps;
  }
  CHECK(dumps == 2 * 8 * 7);
}

}  // namespace toptheta
