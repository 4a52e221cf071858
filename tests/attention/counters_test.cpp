#include "attention/counters.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

namespace {
constexpr ModelShape kShape{1, 2, 1, 4};
}

TEST_CASE("totals are ratios of sums, the effective k a geometric mean over heads", "[counters]") {
  AttentionCounts counts(kShape);
  counts.heads[0] = {2, 100, 10, 20, 0.5};
  counts.heads[1] = {2, 100, 40, 20, 0.1};
  counts.groups[0] = {30, 50};
  CHECK(counts.kept_elements() == Approx(50.0 / 200));
  CHECK(counts.v_rows() == Approx(0.6));
  CHECK(counts.effective_k_ratio() == Approx(std::sqrt(0.5 * 2.0)));
  CHECK(counts.lost_mass() == Approx(0.6 / 4));

  AttentionCounts sum;
  sum.merge(counts);
  sum.merge(counts);
  CHECK(sum.head(0, 1).kept == 80);
  CHECK(sum.group(0, 0).rows_available == 100);
  CHECK(sum.kept_elements() == counts.kept_elements());
}

TEST_CASE("prefill takes the union over tiles, decode adds step by step", "[counters]") {
  const std::vector<std::uint64_t> first{0b0011};
  const std::vector<std::uint64_t> second{0b0110};
  SequenceCounts prefill(kShape, 100, Phase::prefill);
  prefill.add_group(0, 0, first, 3);
  prefill.add_group(0, 0, second, 4);
  CHECK(prefill.totals().group(0, 0).rows_needed == 3);
  CHECK(prefill.totals().group(0, 0).rows_available == 4);

  SequenceCounts decode(kShape, 100, Phase::decode);
  decode.add_group(0, 0, first, 3);
  decode.add_group(0, 0, second, 4);
  CHECK(decode.totals().group(0, 0).rows_needed == 4);
  CHECK(decode.totals().group(0, 0).rows_available == 7);
}

TEST_CASE("a shared prefix is counted once per continuation", "[counters]") {
  SequenceCounts prefix(kShape, 100, Phase::prefill);
  prefix.add_row(0, 0, {1, 5, 2, 2, 0.1});
  prefix.add_group(0, 0, std::vector<std::uint64_t>{0b1}, 5);
  AttentionCounts total(kShape);
  for (const std::uint64_t bits : {0b10U, 0b1U}) {
    SequenceCounts continuation = prefix;
    continuation.add_group(0, 0, std::vector<std::uint64_t>{bits}, 6);
    total.merge(continuation.totals());
  }
  CHECK(total.head(0, 0).kept == 4);
  CHECK(total.group(0, 0).rows_needed == 2 + 1);
  CHECK(total.group(0, 0).rows_available == 12);
}
