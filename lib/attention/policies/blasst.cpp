// BLASST (arXiv 2512.12087): skips tiles in which the scores of all rows are far below the row's running
// maximum.
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kBlasstOptions[] = {
    {.name = "lambda",
     .usual = 0.001,
     .least = 0,
     .most = 1,
     .whole = false,
     .help =
         "a row skips a tile whose softmax weights, against the largest score so far, are all below this"},
    {.name = "tile",
     .usual = 128,
     .least = 1,
     .most = 4096,
     .help = "keys of a tile, and its rows in prefill"}};

class BlasstSelector : public RowSelector {
 public:
  BlasstSelector(double lambda, std::int64_t tile)
      : log_lambda_(lambda > 0 ? std::log(lambda) : -std::numeric_limits<double>::infinity()), tile_(tile) {}

  [[nodiscard]] std::int64_t block_rows() const override { return tile_; }
  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    constexpr float kLowest = -std::numeric_limits<float>::infinity();
    thread_local std::vector<float> running;
    running.assign(static_cast<std::size_t>(rows.rows), kLowest);
    const std::int64_t end = rows.position(rows.rows - 1) + 1;
    for (std::int64_t first = rows.first(0) / tile_ * tile_; first < end; first += tile_) {
      bool keep = false;
      for (std::int64_t r = 0; r < rows.rows; ++r) {
        const std::int64_t begin = std::max(first, rows.first(r));
        const std::int64_t last = std::min(first + tile_, rows.position(r) + 1);
        if (begin >= last) continue;
        const float largest = *std::max_element(rows.row(r) + begin, rows.row(r) + last);
        float& so_far = running[static_cast<std::size_t>(r)];
        so_far = std::max(so_far, largest);
        keep = keep || !(static_cast<double>(largest) - static_cast<double>(so_far) < log_lambda_);
      }
      if (!keep) continue;
      for (std::int64_t r = 0; r < rows.rows; ++r)
        kept.keep(r, first, std::min(first + tile_, rows.position(r) + 1));
    }
  }

 private:
  double log_lambda_;
  std::int64_t tile_;
};

}  // namespace

extern const PolicyUnit kBlasstPolicy;
const PolicyUnit kBlasstPolicy{.name = "blasst",
                               .keeps = "tiles in which some row comes near its largest score so far",
                               .options = kBlasstOptions,
                               .selector = [](const Policy& policy) -> std::unique_ptr<const RowSelector> {
                                 return std::make_unique<BlasstSelector>(option_value(policy, "lambda"),
                                                                         option_count(policy, "tile"));
                               }};

}  // namespace toptheta
