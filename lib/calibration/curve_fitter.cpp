#include "calibration/curve_fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "calibration/bin_window.hpp"
#include "calibration/curve_histogram.hpp"
#include "calibration/row_checks.hpp"
#include "calibration/running_row.hpp"
#include "core/error.hpp"
#include "kernels/rows/row_mass.hpp"
#include "theta/formats/curve_file.hpp"

namespace toptheta {

namespace {

constexpr ScoreBinning kScoreBinning = {static_cast<float>(1 / kScoreBin),
                                        static_cast<float>(kScoreBinLimit)};
constexpr WeightBinning kWeightBinning = {kWeightShift, kWeightOne, kLowestWeightBin - 1};

// Weights rounded to bfloat16, with a mantissa of 8 bits, may add up to this much.
constexpr double kLargestSum = 1.1;

[[noreturn]] void refuse_sum(const RowBlock& block, std::int64_t r, double sum) {
  throw InputError({.where = fmt::format("layer {}, head {}, row of {} keys", block.layer, block.head,
                                         block.lengths[static_cast<std::size_t>(r)]),
                    .what = "its softmax weights add up to more than 1",
                    .expected = "weights that a softmax has normalised",
                    .found = fmt::format("{:.4g}", sum),
                    .next = "if these are scores before the softmax, say placement pre-softmax"});
}

}  // namespace

CurveHistogram& CurveFitter::histogram(std::size_t head, std::int32_t bin) {
  Cell& cell = cells_[head];
  const auto at = static_cast<std::size_t>(bin);
  if (at >= cell.size()) cell.resize(at + 1);
  if (cell[at] == nullptr) cell[at] = std::make_unique<CurveHistogram>();
  return *cell[at];
}

// Counts the rows of one block. The fitter's histograms are locked only while flush() adds the counts to
// them. The buffers are kept for the next block.
class CurveFitter::RowCounter {
 public:
  void start(CurveFitter& fitter, std::size_t head) {
    fitter_ = &fitter;
    head_ = head;
  }
  void count(const RowBlock& block, std::int64_t r);
  void flush();

  // Of the last row counted: its range, and, where rows hold scores, its exp_sum().
  [[nodiscard]] const RowRange& range() const { return range_; }
  [[nodiscard]] double exp_sum() const { return exp_sum_; }

 private:
  struct Row {
    std::span<const float> values;  // what the row holds: scores, or weights
    std::span<const float> masses;  // proportional to the softmax weights
    double weight_unit;             // softmax weight = mass * weight_unit
    std::int32_t lowest;            // the range of bins that the values fall into
    std::int32_t highest;
  };
  Row look_at(const RowBlock& block, std::int64_t r);
  // A factor that keeps rounding from counting a weight of 1, as a row's only key has, in the bin below 1.
  [[nodiscard]] double weight_slack() const {
    return fitter_->row_content_ == Placement::pre_softmax ? 1 + 0x1p-22 : 1;
  }
  void note_row(std::int32_t length);
  void count_piece(const Row& row, std::size_t first, std::size_t size);
  void count_wide(const Row& row);

  BinWindow window_;
  std::vector<float> exponentials_;
  RowRange range_{};
  double exp_sum_ = 0;
  CurveFitter* fitter_ = nullptr;
  std::size_t head_ = 0;
  std::int32_t length_bin_ = 0;
  std::int64_t rows_ = 0;  // rows since the last flush, with their range of lengths
  std::int32_t shortest_ = 0;
  std::int32_t longest_ = 0;
};

CurveFitter::CurveFitter(Placement placement, Placement row_content, const ModelShape& shape)
    : placement_(placement),
      row_content_(row_content),
      shape_(shape),
      cells_(static_cast<std::size_t>(shape.num_layers * shape.num_heads)),
      counters_(std::make_unique<Pool<RowCounter>>()) {
  if (placement == Placement::running_softmax)
    throw UsageError({.where = "--placement running-softmax",
                      .what = "has no curves, because a value's running weight is not its softmax mass",
                      .next = "leave --curve and --estimator pooled out, or use --placement post-softmax"});
  if (placement == Placement::pre_softmax && row_content == Placement::post_softmax)
    throw UsageError({.where = "--placement pre-softmax",
                      .what = "curves of scores cannot come from rows taken after the softmax",
                      .next = "use --placement post-softmax, or write a new dump before the softmax"});
}

CurveFitter::~CurveFitter() = default;

void CurveFitter::RowCounter::flush() {
  const std::lock_guard lock(fitter_->guards_[head_ % fitter_->guards_.size()]);
  CurveHistogram& into = fitter_->histogram(head_, length_bin_);
  if (rows_ > 0) into.add_rows(rows_, shortest_, longest_);
  rows_ = 0;
  window_.drain([&into](std::int32_t bin, std::int64_t elements, std::int64_t mass) {
    Tally& tally = into.at(bin);
    tally.count += elements;
    tally.mass += mass;
  });
}

void CurveFitter::RowCounter::note_row(std::int32_t length) {
  const std::int32_t bin = length_bin(length);
  if (bin != length_bin_ && (rows_ > 0 || !window_.empty())) flush();
  length_bin_ = bin;
  shortest_ = rows_ == 0 ? length : std::min(shortest_, length);
  longest_ = rows_ == 0 ? length : std::max(longest_, length);
  ++rows_;
}

CurveFitter::RowCounter::Row CurveFitter::RowCounter::look_at(const RowBlock& block, std::int64_t r) {
  const Placement content = fitter_->row_content_;
  const Placement placement = fitter_->placement_;
  range_ = require_row(block, r, content);
  const std::span<const float> values = block.row(r);
  const auto bin = [placement](float value) { return value_bin(value, placement); };
  if (content == Placement::post_softmax) {
    const double sum = sum_above(values, -std::numeric_limits<float>::infinity()).sum;
    if (sum > kLargestSum) refuse_sum(block, r, sum);
    return {values, values, 1, bin(range_.smallest), bin(range_.largest)};
  }
  exponentials_.resize(values.size());
  const auto [sum, unit] = exponentials(values, range_, exponentials_);
  exp_sum_ = sum;
  const double total = sum + sink_exponential(block.sink, range_.largest);
  if (placement == Placement::post_softmax)
    return {values, exponentials_, unit / total, kLowestWeightBin - 1, bin(1)};
  return {values, exponentials_, unit / total, bin(range_.smallest), bin(range_.largest)};
}

void CurveFitter::RowCounter::count_piece(const Row& row, std::size_t first, std::size_t size) {
  const auto elements = static_cast<std::int64_t>(size);
  if (!window_.takes(row.lowest, row.highest, elements)) {
    flush();
    window_.open(row.lowest, row.highest);
  }
  window_.add(row.lowest, row.highest, elements);
  const std::span<const float> masses = row.masses.subspan(first, size);
  if (fitter_->placement_ == Placement::pre_softmax)
    count_scores(row.values.subspan(first, size), masses, row.weight_unit / kMassUnit, kScoreBinning,
                 window_.first(), window_.words());
  else
    count_weights(masses, static_cast<float>(row.weight_unit * weight_slack()), row.weight_unit / kMassUnit,
                  kWeightBinning, window_.first(), window_.words());
}

// Counts a row whose scores are further apart than the window is wide, as finite mask values make them.
void CurveFitter::RowCounter::count_wide(const Row& row) {
  flush();
  const std::lock_guard lock(fitter_->guards_[head_ % fitter_->guards_.size()]);
  CurveHistogram& into = fitter_->histogram(head_, length_bin_);
  for (std::size_t j = 0; j < row.values.size(); ++j) {
    Tally& tally = into.at(value_bin(row.values[j], fitter_->placement_));
    ++tally.count;
    tally.mass += static_cast<std::int64_t>(
        std::nearbyint(static_cast<double>(row.masses[j]) * (row.weight_unit / kMassUnit)));
  }
}

void CurveFitter::RowCounter::count(const RowBlock& block, std::int64_t r) {
  const Row row = look_at(block, r);
  note_row(static_cast<std::int32_t>(row.values.size()));
  if (row.highest - row.lowest >= BinWindow::kBins) {
    count_wide(row);
    return;
  }
  for (std::size_t first = 0; first < row.values.size(); first += BinWindow::kElements)
    count_piece(row, first,
                std::min(row.values.size() - first, static_cast<std::size_t>(BinWindow::kElements)));
}

void CurveFitter::add(const RowBlock& block, std::span<RowRange> ranges, std::span<double> exp_sums) {
  if (block.rows() == 0) return;
  counters_->lend([&](RowCounter& counter) {
    counter.start(*this, static_cast<std::size_t>(block.layer * shape_.num_heads + block.head));
    for (std::int64_t r = 0; r < block.rows(); ++r) {
      counter.count(block, r);
      if (!ranges.empty()) ranges[static_cast<std::size_t>(r)] = counter.range();
      if (!exp_sums.empty()) exp_sums[static_cast<std::size_t>(r)] = counter.exp_sum();
    }
    counter.flush();
  });
}

void CurveFitter::merge(const CurveFitter& other) {
  assert(placement_ == other.placement_ && shape_ == other.shape_);
  add(other.curves());
}

void CurveFitter::add(const ScoreCurves& curves) {
  for (std::size_t head = 0; head < cells_.size(); ++head)
    for (const ScoreCurve& curve : curves.cells[head])
      histogram(head, curve.length_bin).add(curve);
}

void CurveFitter::save(hdf5::Group& group) const {
  write_curves(group, curves(), shape_.num_heads);
}

void CurveFitter::add_saved(const hdf5::Group& group) {
  add(read_curves(group, shape_));
}

ScoreCurves CurveFitter::curves() const {
  ScoreCurves result{std::vector<std::vector<ScoreCurve>>(cells_.size())};
  for (std::size_t head = 0; head < cells_.size(); ++head)
    for (std::size_t bin = 0; bin < cells_[head].size(); ++bin)
      if (cells_[head][bin] != nullptr)
        result.cells[head].push_back(cells_[head][bin]->curve(static_cast<std::int32_t>(bin)));
  return result;
}

}  // namespace toptheta
