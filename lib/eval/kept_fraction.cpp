#include "eval/kept_fraction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "calibration/row_threshold.hpp"
#include "calibration/running_row.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kRowsPerLength = 4;
constexpr std::int64_t kShortest = 16;
constexpr double kGridStep = 1.2;

// Groups of kRowsPerLength neighbouring rows are observed. Returns the position of each group's first row,
// ascending.
std::vector<std::int64_t> grid(std::int64_t tokens, const std::vector<std::int64_t>& asked) {
  std::set<std::int64_t> lengths;
  const std::int64_t last = std::max<std::int64_t>(tokens - kRowsPerLength, 0);
  double length = kShortest;
  while (length < static_cast<double>(last)) {
    lengths.insert(static_cast<std::int64_t>(length));
    length *= kGridStep;
  }
  for (const std::int64_t n : asked)
    lengths.insert(std::clamp<std::int64_t>(n, 0, last));
  lengths.insert(last);
  std::vector<std::int64_t> apart;  // groups that do not overlap
  for (const std::int64_t n : lengths)
    if (apart.empty() || n >= apart.back() + kRowsPerLength) apart.push_back(n);
  return apart;
}

// Sums up the thresholds of the rows that it receives, per fraction, layer and head.
class FractionSink final : public RowSink {
 public:
  FractionSink(std::span<const double> fractions, const ModelShape& shape, Placement placement)
      : fractions_(fractions),
        shape_(shape),
        placement_(placement),
        sums_(fractions.size() * static_cast<std::size_t>(shape.num_layers * shape.num_heads), 0.0) {}

  void add(const RowBlock& block) override {
    std::vector<float> weights;
    SelectionScratch scratch;
    for (std::int64_t r = 0; r < block.rows(); ++r) {
      std::span<const float> row = block.row(r);
      RowRange range = row_range(row);
      if (placement_ == Placement::post_softmax) {
        weights.resize(row.size());
        softmax(row, range.largest, weights, sink_exponential(block.sink, range.largest));
        row = weights;
        range = row_range(row);
      }
      std::vector<std::int64_t> k;
      for (const double fraction : fractions_)
        k.push_back(std::min<std::int64_t>(std::ssize(row) - 1,
                                           std::llround(fraction * static_cast<double>(row.size()))));
      std::vector<float> thresholds(k.size());
      row_thresholds(row, range, k, scratch, thresholds);
      for (std::size_t f = 0; f < k.size(); ++f)
        sums_[index(f, block.layer, block.head)] += static_cast<double>(thresholds[f]);
    }
  }

  // Adds the mean over the rows since the last call to the tables, as the threshold for rows of `length`.
  void flush(std::int64_t length, std::int64_t rows, std::vector<ThresholdTable>& tables) {
    for (std::size_t f = 0; f < tables.size(); ++f)
      for (std::int64_t layer = 0; layer < shape_.num_layers; ++layer)
        for (std::int64_t head = 0; head < shape_.num_heads; ++head) {
          ThresholdEntry entry;
          entry.length = static_cast<std::int32_t>(length);
          entry.theta = sums_[index(f, layer, head)] / static_cast<double>(rows);
          entry.count = rows;
          tables[f].targets.front().cells[tables[f].cell_index(layer, head)].push_back(entry);
        }
    std::fill(sums_.begin(), sums_.end(), 0.0);
  }

 private:
  [[nodiscard]] std::size_t index(std::size_t fraction, std::int64_t layer, std::int64_t head) const {
    return (fraction * static_cast<std::size_t>(shape_.num_layers) + static_cast<std::size_t>(layer)) *
               static_cast<std::size_t>(shape_.num_heads) +
           static_cast<std::size_t>(head);
  }

  std::span<const double> fractions_;
  ModelShape shape_;
  Placement placement_;
  std::vector<double> sums_;
};

ThresholdTable empty_table(const ModelConfig& config, Placement placement) {
  const auto layers = static_cast<std::size_t>(config.shape.num_layers);
  ThresholdTable table;
  table.meta.shape = config.shape;
  table.meta.model = config.name;
  table.meta.placement = placement;
  table.meta.estimator = "kept fraction";
  table.targets.push_back({.k = 1, .layer_k = std::vector<std::int64_t>(layers, 1), .cells = {}});
  table.targets.front().cells.resize(layers * static_cast<std::size_t>(config.shape.num_heads));
  return table;
}

}  // namespace

std::vector<ThresholdTable> thresholds_for_kept_fractions(Transformer& model, KvCache& cache,
                                                          std::span<const std::int32_t> tokens,
                                                          std::span<const double> fractions,
                                                          const KeptFractionOptions& options) {
  if (options.placement == Placement::running_softmax)
    throw UsageError({.where = fmt::format("placement {}", name_of(options.placement)),
                      .what = "thresholds for a kept fraction are not fitted for it",
                      .expected = "placement pre-softmax or post-softmax",
                      .next = "calibrate a table for it: tt-calibrate fit"});
  const ModelConfig& config = model.config();
  const ResolvedPolicy dense = dense_policy(config.shape);
  const std::int64_t count = std::ssize(tokens);
  FractionSink sink(fractions, config.shape, options.placement);
  std::vector<ThresholdTable> tables(fractions.size(), empty_table(config, options.placement));
  cache.truncate(0);
  const auto feed_to = [&](std::int64_t end, const AttentionListeners& listeners) {
    const std::int64_t rows = end - cache.length();
    if (rows <= 0) return;
    model.forward(tokens.subspan(static_cast<std::size_t>(cache.length()), static_cast<std::size_t>(rows)),
                  cache, dense, {.attention = listeners, .first_logit_row = rows});
    if (options.progress) options.progress(cache.length(), count);
  };
  for (const std::int64_t first : grid(count, options.lengths)) {
    feed_to(first, {});
    const std::int64_t rows = std::min(kRowsPerLength, count - first);
    for (std::int64_t r = 1; r <= rows; ++r)
      feed_to(first + r, {.scores = &sink});
    sink.flush(first + (rows + 1) / 2, rows, tables);
  }
  feed_to(count, {});
  return tables;
}

std::int64_t prefill_k(double fraction, std::int64_t n) {
  // n k - k^2 / 2 = f n^2 / 2
  const double k = static_cast<double>(n) * (1 - std::sqrt(1 - fraction));
  return std::max<std::int64_t>(1, std::llround(k));
}

}  // namespace toptheta
