// Saved states: exact, mergeable in any grouping, and refused where they do not fit.
#include "calibration/fitter.hpp"
#include "calibration/sdc_fitter.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"
#include "support/state_image.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

const ModelShape kShape = {2, 2, 1, 8};
const FitOptions kOptions = {.k = {4, 12}, .layer_k = {{0, 7}}, .add_sigma = 0.2};

}  // namespace

TEST_CASE("saved states add up to the state of all rows, SDC terms too") {
  std::vector<RandomScores> samples;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    samples.emplace_back(2, 2, 20 + 3 * static_cast<std::int32_t>(seed), seed);
  ThresholdFitter whole(kOptions, kShape);
  for (const RandomScores& scores : samples)
    scores.feed(whole, 8);
  ThresholdFitter sum(kOptions, kShape);
  for (std::size_t i = samples.size(); i-- > 0;) {
    ThresholdFitter one(kOptions, kShape);
    samples[i].feed(one, 5);
    add_image(sum, image_of(one));
  }
  ThresholdTable expected = whole.table({});
  ThresholdTable table = sum.table({});
  check_same(table, expected);
  CHECK(sum.warnings() == whole.warnings());
  CHECK(sum.widest_interval() == whole.widest_interval());

  SdcFitter all(expected);
  SdcFitter sdc_sum(table);
  for (std::size_t i = samples.size(); i-- > 0;) {
    SdcFitter one(table);
    samples[i].feed(one, 5);
    add_image(sdc_sum, image_of(one));
    samples[samples.size() - 1 - i].feed(all, 8);
  }
  all.fill(expected);
  sdc_sum.fill(table);
  check_same(table, expected);
}

TEST_CASE("equal states have equal bytes, and a loaded state saves the same again") {
  const RandomScores scores(2, 2, 25, 9);
  ThresholdFitter a(kOptions, kShape);
  ThresholdFitter b(kOptions, kShape);
  scores.feed(a, 25);
  scores.feed(b, 3);
  CHECK(image_of(a) == image_of(b));
  ThresholdFitter loaded(kOptions, kShape);
  add_image(loaded, image_of(a));
  CHECK(image_of(loaded) == image_of(a));
}

TEST_CASE("states of another shape or table are refused") {
  ThresholdFitter large(kOptions, {2, 4, 1, 8});
  RandomScores(2, 4, 25, 9).feed(large, 25);
  ThresholdFitter fitter(kOptions, kShape);
  CHECK(problem_of<InputError>([&] { add_image(fitter, image_of(large)); }).what == "wrong shape");

  ThresholdFitter longer(kOptions, kShape);
  RandomScores(2, 2, 30, 9).feed(longer, 25);
  RandomScores(2, 2, 25, 9).feed(fitter, 25);
  const ThresholdTable long_table = longer.table({});
  const ThresholdTable short_table = fitter.table({});
  SdcFitter from_long(long_table);
  RandomScores(2, 2, 30, 9).feed(from_long, 25);
  SdcFitter into_short(short_table);
  CHECK(problem_of<InputError>([&] { add_image(into_short, image_of(from_long)); }).what ==
        "the second pass has a row of 26 keys, but the first pass had none");
}

TEST_CASE("intervals narrow with the root of the rows per length") {
  // One layer, one head, thresholds that are the rows' smallest values: row i of length 2 holds (9, v_i).
  const auto interval = [](int rows, Placement placement) {
    ThresholdFitter fitter({.k = {1}, .placement = placement, .row_content = placement}, {1, 1, 1, 1});
    for (int i = 0; i < rows; ++i) {
      const float small =
          placement == Placement::pre_softmax ? (i % 2 == 0 ? 1.0F : 3.0F) : (i % 2 == 0 ? 0.1F : 0.3F);
      const std::vector<float> scores = {placement == Placement::pre_softmax ? 9.0F : 0.5F, small};
      const std::vector<std::int32_t> lengths = {2};
      fitter.add({0, 0, scores.data(), 2, lengths});
    }
    return fitter.widest_interval();
  };
  // Deviation 1 (0.1), as estimated from n rows: sqrt(n / (n - 1)).
  const auto half = [](double n) { return 1.959963984540054 * std::sqrt(n / (n - 1)) / std::sqrt(n); };
  CHECK(interval(100, Placement::pre_softmax) == Approx(std::expm1(half(100))));
  CHECK(interval(400, Placement::pre_softmax) == Approx(std::expm1(half(400))));
  CHECK(interval(100, Placement::post_softmax) == Approx(half(100) * 0.1 / 0.2).epsilon(1e-6));
  CHECK(std::isinf(interval(20, Placement::pre_softmax)));
  CHECK(std::isinf(interval(0, Placement::pre_softmax)));
}
