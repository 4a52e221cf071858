// The law for the rho of calibrated SDC: against a plain version in double, in any order and grouping, and
// where rows leave it no choice.
#include "calibration/fitter.hpp"
#include "calibration/rho_law_fit.hpp"
#include "calibration/sdc_fitter.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"
#include "support/state_image.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int32_t kLawTokens = 60;
const ModelShape kLawShape = {1, 2, 1, 8};
const SdcTerms kWithLaw{.offline = false, .calibrated = true, .rho_law = true};

std::vector<RandomScores> law_samples() {
  std::vector<RandomScores> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    samples.emplace_back(1, 2, kLawTokens, seed);
  return samples;
}

ThresholdTable fit_thresholds(const std::vector<RandomScores>& samples, const KeptEnds& kept = {},
                              std::int64_t length_bins = 0) {
  ThresholdFitter fitter({.k = {9, 20}, .kept = kept, .length_bins = length_bins}, kLawShape);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 8);
  return fitter.table({});
}

ThresholdTable with_laws(const std::vector<RandomScores>& samples, const ThresholdTable& table) {
  SdcFitter fitter(table, kWithLaw);
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 8);
  ThresholdTable result = table;
  fitter.fill(result);
  return result;
}

// The plain normal equations: a row adds w v v^T to A and w y v to b, with v = (1, ln n, ln n_kept) and a
// weight that is a multiple of 2^-20, unless that is 0.
struct PlainSystem {
  double a[3][3] = {};
  double b[3] = {};
  double rows = 0;

  void add(double weight, double y, double n, double n_kept) {
    const double w = std::nearbyint(weight * 0x1p20) * 0x1p-20;
    if (w == 0) return;
    const double v[] = {1, std::log(n), std::log(n_kept)};
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j)
        a[i][j] += w * v[i] * v[j];
      b[i] += w * y * v[i];
    }
    rows += 1;
  }
  // By Gauss's elimination, with the ridge on the two slopes.
  [[nodiscard]] std::vector<double> solved() const {
    PlainSystem s = *this;
    for (int i = 1; i < 3; ++i)
      s.a[i][i] += a[0][0] / rows / 16;
    for (int p = 0; p < 3; ++p)
      for (int i = p + 1; i < 3; ++i) {
        const double f = s.a[i][p] / s.a[p][p];
        for (int j = p; j < 3; ++j)
          s.a[i][j] -= f * s.a[p][j];
        s.b[i] -= f * s.b[p];
      }
    std::vector<double> c(3);
    for (int i = 2; i >= 0; --i) {
      double rest = s.b[i];
      for (int j = i + 1; j < 3; ++j)
        rest -= s.a[i][j] * c[static_cast<std::size_t>(j)];
      c[static_cast<std::size_t>(i)] = rest / s.a[i][i];
    }
    return c;
  }
};

// The law of a head from its rows in double.
std::vector<double> plain_law(std::vector<RandomScores>& samples, const Target& target, std::size_t head,
                              const KeptEnds& kept, double sink = -INFINITY) {
  PlainSystem system;
  for (RandomScores& scores : samples)
    for (const ThresholdEntry& entry : target.cells[head]) {
      const auto row = scores.row(0, static_cast<std::int64_t>(head), entry.length);
      const std::int64_t n = entry.length;
      double dropped = 0;
      double mass = 0;
      double all = std::exp(sink);
      std::int64_t chosen = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        const auto s = static_cast<double>(row[static_cast<std::size_t>(j)]);
        all += std::exp(s);
        if (j < kept.first || j >= n - kept.recent) continue;
        chosen += s > entry.theta ? 1 : 0;
        dropped += s > entry.theta ? 0 : 1;
        mass += s > entry.theta ? 0 : std::exp(s);
      }
      if (dropped == 0 || chosen == 0) continue;
      const double share = mass / all;
      system.add(share * (1 - share), std::log(mass / dropped) - entry.theta, static_cast<double>(n),
                 static_cast<double>(n) - dropped);
    }
  return system.solved();
}

void check_law(const RhoLaw& law, const std::vector<double>& expected) {
  CHECK(law.constant == Approx(expected[0]).epsilon(1e-6).margin(1e-6));
  CHECK(law.of_length == Approx(expected[1]).epsilon(1e-6).margin(1e-6));
  CHECK(law.of_kept == Approx(expected[2]).epsilon(1e-6).margin(1e-6));
}

LawRow law_row_of(std::int64_t n, std::int64_t kept, double y, double share = 0.25) {
  return {n, kept, y, share};
}

}  // namespace

TEST_CASE("laws are the plain least squares of ln rho, with and without positions that are always kept") {
  std::vector<RandomScores> samples = law_samples();
  for (float& score : samples[0].row(0, 1, 30))
    score = -1e3F;  // keeps nothing: it does not count
  for (float& score : samples[1].row(0, 1, 40))
    score = 1e3F;  // drops nothing
  for (const KeptEnds& kept : {KeptEnds{}, KeptEnds{2, 3}}) {
    ThresholdTable table = fit_thresholds(samples, kept);
    for (ThresholdEntry& entry : table.targets[0].cells[1])
      if (entry.length == 30 || entry.length == 40) entry.theta = 1;  // as if these rows were a few of many
    const ThresholdTable laws = with_laws(samples, table);
    for (const Target& target : laws.targets) {
      REQUIRE(target.rho_laws.size() == 2);
      for (std::size_t head = 0; head < 2; ++head)
        check_law(target.rho_laws[head], plain_law(samples, target, head, kept));
      CHECK(target.rho_laws[0].of_kept != target.rho_laws[1].of_kept);
    }
  }
}

TEST_CASE("a sink has its part of the denominator that weighs rows") {
  std::vector<RandomScores> samples = law_samples();
  const ThresholdTable table = fit_thresholds(samples);
  SdcFitter fitter(table, kWithLaw);
  for (const RandomScores& scores : samples)
    for (std::int64_t head = 0; head < 2; ++head) {
      RowBlock block = scores.block(0, head, 0, kLawTokens);
      block.sink = 5;
      fitter.add(block);
    }
  ThresholdTable result = table;
  fitter.fill(result);
  for (std::size_t head = 0; head < 2; ++head)
    check_law(result.targets[0].rho_laws[head], plain_law(samples, result.targets[0], head, {}, 5));
}

TEST_CASE("laws change nothing else, and are only there where they are asked for") {
  const std::vector<RandomScores> samples = law_samples();
  const ThresholdTable table = fit_thresholds(samples, {}, 4);
  ThresholdTable laws = with_laws(samples, table);
  ThresholdTable plain = table;
  SdcFitter fitter(table, {.offline = false, .calibrated = true});
  for (const RandomScores& scores : samples)
    scores.feed(fitter, 8);
  fitter.fill(plain);
  CHECK(plain.targets[0].rho_laws.empty());
  CHECK(laws.targets[0].has_rho_laws());
  for (Target& target : laws.targets)
    target.rho_laws.clear();
  check_same(laws, plain);
}

TEST_CASE("laws are the same to the last bit in any order and grouping of rows") {
  const std::vector<RandomScores> samples = law_samples();
  const ThresholdTable table = fit_thresholds(samples);
  SdcFitter whole(table, kWithLaw);
  SdcFitter sum(table, kWithLaw);
  SdcFitter merged(table, kWithLaw);
  for (const RandomScores& scores : samples)
    scores.feed(whole, kLawTokens);
  for (std::size_t i = samples.size(); i-- > 0;) {
    SdcFitter one(table, kWithLaw);
    samples[i].feed(one, 7);
    add_image(sum, image_of(one));
    merged.merge(one);
  }
  ThresholdTable expected = table;
  whole.fill(expected);
  REQUIRE(expected.targets[0].has_rho_laws());
  for (const SdcFitter* other : {&sum, &merged}) {
    ThresholdTable found = table;
    other->fill(found);
    check_same(found, expected);
  }
}

TEST_CASE("rows that follow a law give its coefficients") {
  Random random(3);
  RhoLawStatistics statistics;
  for (int i = 0; i < 4000; ++i) {
    const auto n = static_cast<std::int64_t>(100 + 900 * random.uniform());
    const auto kept = static_cast<std::int64_t>(20 + 80 * random.uniform());
    const double y = -3 + 0.25 * std::log(static_cast<double>(n)) + 0.5 * std::log(static_cast<double>(kept));
    statistics.add(law_row_of(n, kept, y, random.uniform()));
  }
  const RhoLaw law = statistics.law();
  CHECK(law.constant == Approx(-3).epsilon(2e-3));
  CHECK(law.of_length == Approx(0.25).epsilon(2e-3));
  CHECK(law.of_kept == Approx(0.5).epsilon(2e-3));
}

TEST_CASE("rows that do not tell slopes give none") {
  const auto law_of = [](const std::vector<LawRow>& rows) {
    RhoLawStatistics statistics;
    for (const LawRow& row : rows)
      statistics.add(row);
    return statistics.law();
  };
  CHECK_FALSE(law_of({}).any());
  CHECK_FALSE(law_of({law_row_of(90, 9, -1, 0), law_row_of(90, 9, -1, 1)}).any());  // no error would matter
  const RhoLaw one = law_of({law_row_of(90, 9, -1.5)});
  CHECK(one.constant == Approx(-1.5));
  CHECK(std::abs(one.of_length) + std::abs(one.of_kept) < 1e-9);
  // Two rows that nearly agree in n do not make a steep slope of their difference.
  const RhoLaw two = law_of({law_row_of(90, 9, -1), law_row_of(91, 9, -3)});
  CHECK(std::abs(two.of_length) < 1);
  CHECK(two.at_length(90) == Approx(-2).margin(0.02));
  // A constant n_kept has no slope, and n has its own.
  std::vector<LawRow> rows;
  for (std::int64_t n = 100; n < 1000; ++n)
    rows.push_back(law_row_of(n, 64, -4 + 0.5 * std::log(static_cast<double>(n))));
  const RhoLaw constant = law_of(rows);
  CHECK(constant.of_length == Approx(0.5).epsilon(1e-2));
  CHECK(std::abs(constant.of_kept) < 1e-6);
}

TEST_CASE("damaged states of laws are refused with the head") {
  const std::vector<RandomScores> samples = law_samples();
  const ThresholdTable table = fit_thresholds(samples);
  const auto problem_with = [&](std::vector<std::int64_t> count, std::vector<double> sums) {
    hdf5::File file = hdf5::File::create_in_memory("damaged");
    hdf5::Group root = file.root();
    root.write_vector("count", count);
    root.write_vector("sums", sums);
    std::vector<RhoLawStatistics> heads(2);
    return problem_of<InputError>([&] { RhoLawStatistics::add_saved(file.root(), heads); });
  };
  std::vector<double> good(36, 0.5);
  CHECK(problem_with({1, 1, 1}, good).what == "wrong shape");
  CHECK(problem_with({1, 1}, std::vector<double>(18)).what == "wrong shape");
  CHECK(problem_with({1, -1}, good).where.ends_with(", head 1"));
  good[20] = NAN;
  CHECK(problem_with({1, 1}, good).where.ends_with(", head 1"));
  good[20] = 0;
  good[0] = 0;  // no weight
  CHECK(problem_with({1, 1}, good).where.ends_with(", head 0"));
}
