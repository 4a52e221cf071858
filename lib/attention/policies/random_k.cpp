// k keys drawn at random: what any selection must beat.
#include <algorithm>
#include <numeric>

#include "attention/policies/unit.hpp"
#include "core/random.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kRandomOptions[] = {
    {.name = "seed", .usual = 0, .least = 0, .most = 9007199254740992.0, .help = "of the draw"}};

class RandomSelector : public RowSelector {
 public:
  explicit RandomSelector(std::uint64_t seed) : seed_(seed) {}

  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    thread_local std::vector<std::int64_t> keys;
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      const std::int64_t n = rows.length(r);
      keys.resize(static_cast<std::size_t>(n));
      std::iota(keys.begin(), keys.end(), rows.first(r));
      // A stream for each row, so that a draw depends on nothing but where the row is.
      Random random(seed_, (static_cast<std::uint64_t>(rows.layer) << 48U) ^
                               (static_cast<std::uint64_t>(rows.head) << 32U) ^
                               static_cast<std::uint64_t>(rows.position(r)));
      for (std::int64_t i = 0; i < std::min(n, rows.k); ++i) {
        const auto other = i + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n - i)));
        std::swap(keys[static_cast<std::size_t>(i)], keys[static_cast<std::size_t>(other)]);
        kept.keep(r, keys[static_cast<std::size_t>(i)]);
      }
    }
  }

 private:
  std::uint64_t seed_;
};

void check_random(const Policy& policy) {
  if (policy.k < 1) refuse(policy, "random-k needs a k of at least 1", "give k");
}

}  // namespace

extern const PolicyUnit kRandomPolicy;
const PolicyUnit kRandomPolicy{
    .name = "random",
    .keeps = "k keys drawn at random",
    .options = kRandomOptions,
    .has_k = true,
    .reads_all_keys = false,
    .check = check_random,
    .selector = [](const Policy& policy) -> std::unique_ptr<const RowSelector> {
      return std::make_unique<RandomSelector>(static_cast<std::uint64_t>(option_count(policy, "seed")));
    }};

}  // namespace toptheta
