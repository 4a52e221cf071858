#include "eval/paired.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("McNemar's exact test is the binomial's two tails", "[paired]") {
  CHECK(mcnemar_p(0, 0) == 1);
  CHECK(mcnemar_p(3, 3) == 1);
  CHECK(mcnemar_p(0, 5) == Approx(2.0 / 32));
  CHECK(mcnemar_p(5, 0) == Approx(2.0 / 32));
  CHECK(mcnemar_p(1, 9) == Approx(2.0 * 11 / 1024));
  CHECK(mcnemar_p(400, 600) == Approx(2.734e-10).epsilon(0.01));  // scipy.stats.binomtest(400, 1000).pvalue
}

TEST_CASE("Wilson's interval holds at the ends", "[paired]") {
  const ConfidenceInterval none = wilson_interval(0, 10);
  CHECK(none.low == 0);
  CHECK(none.high == Approx(0.27753).epsilon(1e-4));
  const ConfidenceInterval all = wilson_interval(500, 500);
  CHECK(all.high == 1);
  CHECK(all.low == Approx(0.992376).epsilon(1e-5));
  const ConfidenceInterval some = wilson_interval(30, 100);
  CHECK(some.low == Approx(0.218949).epsilon(1e-4));
  CHECK(some.high == Approx(0.395849).epsilon(1e-4));
}

TEST_CASE("a paired difference has the error of the differences", "[paired]") {
  const std::vector<double> dense = {1, 1, 0, 1};
  const std::vector<double> sparse = {1, 0, 0, 1};
  const PairedDifference difference = paired_difference(sparse, dense, true);
  CHECK(difference.value == -0.25);
  CHECK(*difference.standard_error == Approx(0.25));
  CHECK(*difference.better == 0);
  CHECK(*difference.worse == 1);
  CHECK(*difference.p == 1);
  CHECK_FALSE(paired_difference(sparse, dense, false).p);
}

TEST_CASE("documents are resampled, from a seed", "[paired]") {
  std::vector<DocumentSums> documents;
  for (int i = 0; i < 40; ++i)
    documents.push_back({i % 2 == 0 ? 30.0 : 10.0, 100});
  const PairedDifference one = bootstrap_difference(documents, 1);
  CHECK(one.value == Approx(0.2));
  CHECK(*one.standard_error == Approx(0.1 / std::sqrt(40.0)).epsilon(0.05));
  CHECK(one.interval->low < 0.2);
  CHECK(one.interval->low == Approx(0.2 - 1.96 * 0.1 / std::sqrt(40.0)).epsilon(0.05));
  CHECK(one.interval->low == bootstrap_difference(documents, 1).interval->low);
  CHECK(*one.standard_error != *bootstrap_difference(documents, 2).standard_error);
  CHECK_FALSE(bootstrap_difference(std::span<const DocumentSums>(documents).first(1), 1).standard_error);
}
