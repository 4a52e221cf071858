// Keeps the smallest set of keys whose softmax weights reach p: the oracle that Twilight (arXiv 2502.02770)
// estimates.
#include <algorithm>
#include <array>
#include <span>

#include "attention/policies/unit.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kTopPOptions[] = {{.name = "p",
                                          .usual = 0.95,
                                          .least = 0,
                                          .most = 1,
                                          .whole = false,
                                          .help = "softmax mass that the kept keys must reach"}};

// A row is sorted only as far as needed to know which keys reach p: into bins of equal width by the distance
// of a score from the row's largest, and then within the one bin in which p is reached.
class TopPSelector : public RowSelector {
 public:
  explicit TopPSelector(double p) : p_(p) {}

  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    thread_local Scratch scratch;
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      if (p_ >= 1)
        kept.keep(r, rows.first(r), rows.position(r) + 1);
      else
        select_row(rows, r, scratch, kept);
    }
  }

 private:
  static constexpr std::size_t kBins = 128;
  static constexpr float kBinWidth = 0.125F;  // scores more than 16 below the largest share the last bin

  struct Scratch {
    std::vector<float> weights;
    std::vector<std::uint8_t> bins;
    std::vector<std::int32_t> last;  // keys of the bin in which p is reached
  };

  void select_row(const HeadRows& rows, std::int64_t r, Scratch& scratch, KeptRows& kept) const {
    const std::span<const float> row(rows.row(r) + rows.first(r), static_cast<std::size_t>(rows.length(r)));
    const float largest = row_max(row);
    scratch.weights.assign(row.begin(), row.end());
    const double asked = p_ * exp_in_place(scratch.weights, largest);
    scratch.bins.resize(row.size());
    std::array<double, kBins> masses{};
    for (std::size_t j = 0; j < row.size(); ++j) {
      const float bin = std::min((largest - row[j]) / kBinWidth, static_cast<float>(kBins - 1));
      scratch.bins[j] = static_cast<std::uint8_t>(bin);
      masses[scratch.bins[j]] += static_cast<double>(scratch.weights[j]);
    }
    double mass = 0;
    std::size_t last = 0;
    while (last + 1 < kBins && mass + masses[last] < asked)
      mass += masses[last++];
    scratch.last.clear();
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (scratch.bins[j] < last) kept.keep(r, rows.first(r) + static_cast<std::int64_t>(j));
      if (scratch.bins[j] == last) scratch.last.push_back(static_cast<std::int32_t>(j));
    }
    // Among equal scores, the earliest comes first.
    std::stable_sort(scratch.last.begin(), scratch.last.end(), [row](std::int32_t a, std::int32_t b) {
      return row[static_cast<std::size_t>(a)] > row[static_cast<std::size_t>(b)];
    });
    for (const std::int32_t j : scratch.last) {
      kept.keep(r, rows.first(r) + j);
      mass += static_cast<double>(scratch.weights[static_cast<std::size_t>(j)]);
      if (mass >= asked) break;
    }
  }

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
