// The smallest set of keys whose softmax weights reach p: the oracle that Twilight (arXiv 2502.02770)
// estimates.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kTopPOptions[] = {{.name = "p",
                                          .usual = 0.95,
                                          .least = 0,
                                          .most = 1,
                                          .whole = false,
                                          .help = "softmax mass that the kept must reach"}};

class TopPSelector : public RowSelector {
 public:
  explicit TopPSelector(double p) : p_(p) {}

  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    thread_local std::vector<std::int32_t> order;
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      if (p_ >= 1) {
        kept.keep(r, rows.first(r), rows.position(r) + 1);
        continue;
      }
      const float* const row = rows.row(r);
      order.resize(static_cast<std::size_t>(rows.length(r)));
      std::iota(order.begin(), order.end(), static_cast<std::int32_t>(rows.first(r)));
      // Among equal scores the earliest first.
      std::sort(order.begin(), order.end(), [row](std::int32_t a, std::int32_t b) {
        return row[a] > row[b] || (row[a] == row[b] && a < b);
      });
      const double largest = static_cast<double>(row[order[0]]);
      double total = 0;
      for (const std::int32_t j : order)
        total += std::exp(static_cast<double>(row[j]) - largest);
      double mass = 0;
      for (const std::int32_t j : order) {
        kept.keep(r, j);
        mass += std::exp(static_cast<double>(row[j]) - largest);
        if (mass >= p_ * total) break;
      }
    }
  }

 private:
  double p_;
};

}  // namespace

extern const PolicyUnit kTopPPolicy;
const PolicyUnit kTopPPolicy{.name = "topp",
                             .keeps = "the smallest set of keys whose softmax weights reach p",
                             .options = kTopPOptions,
                             .selector = [](const Policy& policy) -> std::unique_ptr<const RowSelector> {
                               return std::make_unique<TopPSelector>(option_value(policy, "p"));
                             }};

}  // namespace toptheta
