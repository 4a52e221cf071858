#include "calibrate/drawn_rows.hpp"

#include <algorithm>
#include <numeric>

#include "support/catch.hpp"

using namespace toptheta;

namespace {

std::vector<std::int32_t> lengths_up_to(std::int32_t n) {
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(n));
  std::iota(lengths.begin(), lengths.end(), 1);
  return lengths;
}

// Of the draws of three samples: lengths above k, and the others.
std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> drawn(const CalibrationOptions& options,
                                                                      std::int64_t k, bool curves) {
  DrawnRows rows(options, k, curves);
  std::vector<std::int32_t> above;
  std::vector<std::int32_t> others;
  for (const std::int32_t n : {100, 60, 100}) {
    const std::vector<std::int32_t> sample = rows.draw(lengths_up_to(n));
    CHECK(std::is_sorted(sample.begin(), sample.end()));
    CHECK(std::adjacent_find(sample.begin(), sample.end()) == sample.end());
    for (const std::int32_t length : sample)
      (length > k ? above : others).push_back(length);
  }
  return {above, others};
}

}  // namespace

TEST_CASE("curves add short rows and leave those of the thresholds alone") {
  for (const double fraction : {1.0, 0.25}) {
    CalibrationOptions options;
    options.row_fraction = fraction;
    options.seed = 4;
    const auto [plain, none] = drawn(options, 40, true);
    CHECK(none.empty());
    CHECK(plain.size() == (fraction == 1 ? 140 : 35));
    options.curves = true;
    const auto [with_curves, short_rows] = drawn(options, 40, true);
    CHECK(with_curves == plain);
    CHECK(short_rows.size() == (fraction == 1 ? 120 : 30));
    // The second pass, of offline SDC, gathers no curves.
    CHECK(drawn(options, 40, false).second.empty());
    CHECK(drawn(options, 40, false).first == plain);
  }
}
