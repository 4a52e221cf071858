// XAttention (arXiv 2503.16428): keeps blocks of keys by the scores on some of their antidiagonals.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kXAttentionOptions[] = {
    {.name = "stride",
     .usual = 8,
     .least = 1,
     .most = 1024,
     .help = "only one in this many antidiagonals is looked at"},
    {.name = "block",
     .usual = 128,
     .least = 1,
     .most = 4096,
     .help = "keys of a block, and its rows in prefill"},
    {.name = "tau",
     .usual = 0.9,
     .least = 0,
     .most = 1,
     .whole = false,
     .help = "share of the estimated softmax mass that the kept blocks must reach"}};

class XAttentionSelector : public RowSelector {
 public:
  XAttentionSelector(std::int64_t stride, std::int64_t block, double tau)
      : stride_(stride), block_(block), tau_(tau) {}

  [[nodiscard]] std::int64_t block_rows() const override { return block_; }
  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    const std::int64_t first = rows.first(0) / block_;
    const std::int64_t own = rows.position(rows.rows - 1) / block_;
    thread_local std::vector<double> mass;  // [blocks] estimated softmax mass
    mass.assign(static_cast<std::size_t>(own + 1), 0);
    for (std::int64_t r = 0; r < rows.rows; r = next_group(rows, r))
      add_group(rows, r, std::min(next_group(rows, r), rows.rows), mass);
    // The first block and the rows' own block are always kept, and their mass counts; then the heaviest
    // follow.
    thread_local std::vector<std::int64_t> order;
    order.resize(static_cast<std::size_t>(own - first + 1));
    std::iota(order.begin(), order.end(), first);
    const auto always = [&](std::int64_t b) { return b == first || b == own; };
    std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      if (always(a) != always(b)) return always(a);
      const double x = mass[static_cast<std::size_t>(a)];
      const double y = mass[static_cast<std::size_t>(b)];
      return x > y || (x == y && a < b);
    });
    const double wanted = tau_ * std::accumulate(mass.begin(), mass.end(), 0.0);
    double reached = 0;
    for (const std::int64_t b : order) {
      if (!always(b) && tau_ < 1 && reached >= wanted) break;
      reached += mass[static_cast<std::size_t>(b)];
      for (std::int64_t r = 0; r < rows.rows; ++r)
        kept.keep(r, b * block_, std::min((b + 1) * block_, rows.position(r) + 1));
    }
  }

 private:
  // Groups of rows end at multiples of the stride.
  [[nodiscard]] std::int64_t next_group(const HeadRows& rows, std::int64_t r) const {
    return (rows.position(r) / stride_ + 1) * stride_ - rows.first_position;
  }

  // A group of rows and a group of keys, both of the length of the stride, meet on one antidiagonal: the
  // positions i and j with (i + j) mod stride = stride - 1. The mean score there stands for the whole pair of
  // groups. A softmax over the groups of keys turns these into masses, which are added up for each block.
  void add_group(const HeadRows& rows, std::int64_t begin, std::int64_t end,
                 std::vector<double>& mass) const {
    thread_local std::vector<double> means;  // [groups of keys]; -infinity where the rows see no pair
    const std::int64_t groups = rows.position(end - 1) / stride_ + 1;
    means.assign(static_cast<std::size_t>(groups), -std::numeric_limits<double>::infinity());
    double largest = -std::numeric_limits<double>::infinity();
    for (std::int64_t g = rows.first(begin) / stride_; g < groups; ++g) {
      double sum = 0;
      std::int64_t pairs = 0;
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t j = g * stride_ + stride_ - 1 - rows.position(r) % stride_;
        if (j > rows.position(r) || j < rows.first(r)) continue;
        sum += static_cast<double>(rows.row(r)[j]);
        ++pairs;
      }
      if (pairs == 0) continue;
      means[static_cast<std::size_t>(g)] = sum / static_cast<double>(pairs);
      largest = std::max(largest, means[static_cast<std::size_t>(g)]);
    }
    if (std::isinf(largest)) return;  // no pair is seen: one of the first rows
    double total = 0;
    for (double& mean : means) {
      mean = std::exp(mean - largest);
      total += mean;
    }
    for (std::int64_t g = 0; g < groups; ++g)
      mass[static_cast<std::size_t>(g * stride_ / block_)] += means[static_cast<std::size_t>(g)] / total;
  }

  std::int64_t stride_;
  std::int64_t block_;
  double tau_;
};

void check_xattention(const Policy& policy) {
  if (option_count(policy, "block") % option_count(policy, "stride") != 0)
    refuse(policy, "groups of keys do not fill the blocks", "give a block that is a multiple of the stride");
}

}  // namespace

extern const PolicyUnit kXAttentionPolicy;
const PolicyUnit kXAttentionPolicy{
    .name = "xattention",
    .keeps = "blocks of keys by the scores on some of their antidiagonals",
    .options = kXAttentionOptions,
    .check = check_xattention,
    .selector = [](const Policy& policy) -> std::unique_ptr<const RowSelector> {
      return std::make_unique<XAttentionSelector>(option_count(policy, "stride"),
                                                  option_count(policy, "block"), option_value(policy, "tau"));
    }};

}  // namespace toptheta
