// Keeps k keys drawn at random: the baseline that any selection must beat.
#include <algorithm>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kRandomOptions[] = {
    {.name = "seed", .usual = 0, .least = 0, .most = 9007199254740992.0, .help = "seed of the draw"}};

// Random numbers for one row: SplitMix64, which is ready at once, unlike the engine of core/random.hpp.
class RowDraw {
 public:
  RowDraw(std::uint64_t seed, std::uint64_t stream) : state_(mixed(seed) ^ mixed(stream + kStep)) {}
  // Uniform in 0 ... bound - 1, without bias. Requires 0 < bound < 2^32.
  std::uint64_t below(std::uint64_t bound) {
    constexpr std::uint64_t kLow = 0xFFFFFFFF;
    const std::uint64_t reject = (kLow + 1 - bound) % bound;
    std::uint64_t product = (bits() >> 32U) * bound;
    while ((product & kLow) < reject)
      product = (bits() >> 32U) * bound;
    return product >> 32U;
  }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EB;
    return x ^ (x >> 31U);
  }
  std::uint64_t bits() { return mixed(state_ += kStep); }

  std::uint64_t state_;
};

class RandomSelector : public RowSelector {
 public:
  explicit RandomSelector(std::uint64_t seed) : seed_(seed) {}

  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      const std::int64_t n = rows.length(r);
      // Each row has its own stream, so that a draw depends only on where the row is.
      RowDraw draw(seed_, (static_cast<std::uint64_t>(rows.layer) << 48U) ^
                              (static_cast<std::uint64_t>(rows.head) << 32U) ^
                              static_cast<std::uint64_t>(rows.position(r)));
      // Floyd's algorithm: where a position is drawn a second time, the last position of the range so far
      // takes its place.
      for (std::int64_t last = std::max<std::int64_t>(n - rows.k, 0); last < n; ++last) {
        const auto drawn = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(last + 1)));
        kept.keep(r, rows.first(r) + (kept.has(r, rows.first(r) + drawn) ? last : drawn));
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
