#include "calibration/curve_fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "calibration/bin_window.hpp"
#include "calibration/curve_histogram.hpp"
#include "calibration/row_checks.hpp"
#include "core/error.hpp"
#include "kernels/row_mass.hpp"
#include "theta/curve_file.hpp"

namespace toptheta {

namespace {

constexpr ScoreBinning kScoreBinning = {static_cast<float>(1 / kScoreBin),
                                        static_cast<float>(kScoreBinLimit)};
constexpr WeightBinning kWeightBinning = {kWeightShift, kWeightOne, kLowestWeightBin - 1};

// Weights of 8-bit mantissas may add up to this.
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

CurveFitter::CurveFitter(Placement placement, Placement row_content, const ModelShape& shape)
    : placement_(placement),
      row_content_(row_content),
      shape_(shape),
      cells_(static_cast<std::size_t>(shape.num_layers * shape.num_heads)) {
  if (placement == Placement::pre_softmax && row_content == Placement::post_softmax)
    throw UsageError({.where = "--placement pre-softmax",
                      .what = "curves of scores cannot come from rows taken after the softmax",
                      .next = "use --placement post-softmax, or write a new dump before the softmax"});
}

CurveFitter::~CurveFitter() = default;

CurveHistogram& CurveFitter::histogram(std::size_t head, std::int32_t bin) {
  Cell& cell = cells_[head];
  const auto at = static_cast<std::size_t>(bin);
  if (at >= cell.size()) cell.resize(at + 1);
  if (cell[at] == nullptr) cell[at] = std::make_unique<CurveHistogram>();
  return *cell[at];
}

// The rows of one block on their way into histograms; what it holds besides the window is memory to reuse.
class CurveFitter::RowCounter {
 public:
  // What an exception left in the window is not counted.
  void start(Placement placement, Placement content) {
    window_.drain([](std::int32_t, std::int64_t, std::int64_t) {});
    placement_ = placement;
    content_ = content;
    into_ = nullptr;
  }
  RowFacts count(const RowBlock& block, std::int64_t r, CurveHistogram& into);
  void flush() {
    if (into_ == nullptr) return;
    window_.drain([this](std::int32_t bin, std::int64_t elements, std::int64_t mass) {
      Tally& tally = into_->at(bin);
      tally.count += elements;
      tally.mass += mass;
    });
  }

 private:
  struct Row {
    std::span<const float> values;  // scores, where these are counted
    std::span<const float> masses;  // softmax weights but for their scale
    RowFacts facts;
    double sum;           // of the masses
    std::int32_t lowest;  // bins
    std::int32_t highest;
  };
  Row look_at(const RowBlock& block, std::int64_t r);
  void count_piece(const Row& row, std::size_t first, std::size_t size);
  void count_wide(const Row& row);

  Placement placement_ = Placement::pre_softmax;
  Placement content_ = Placement::pre_softmax;
  BinWindow window_;
  std::vector<float> exponentials_;
  CurveHistogram* into_ = nullptr;
};

CurveFitter::RowCounter::Row CurveFitter::RowCounter::look_at(const RowBlock& block, std::int64_t r) {
  const RowRange range = require_row(block, r, content_);
  const std::span<const float> values = block.row(r);
  if (content_ == Placement::post_softmax) {
    const double sum = sum_above(values, -std::numeric_limits<float>::infinity()).sum;
    if (sum > kLargestSum) refuse_sum(block, r, sum);
    return {values,
            values,
            {range, 0},
            1,
            value_bin(range.smallest, placement_),
            value_bin(range.largest, placement_)};
  }
  exponentials_.resize(values.size());
  const double sum = exponentials(values, range.largest, exponentials_);
  if (placement_ == Placement::pre_softmax)
    return {values,
            exponentials_,
            {range, sum},
            sum,
            value_bin(range.smallest, placement_),
            value_bin(range.largest, placement_)};
  return {values, exponentials_, {range, sum}, sum, kLowestWeightBin - 1, value_bin(1, placement_)};
}

void CurveFitter::RowCounter::count_piece(const Row& row, std::size_t first, std::size_t size) {
  const auto elements = static_cast<std::int64_t>(size);
  if (!window_.takes(row.lowest, row.highest, elements)) {
    flush();
    window_.open(row.lowest, row.highest);
  }
  window_.add(row.lowest, row.highest, elements);
  const double mass_unit = 1 / kMassUnit / row.sum;
  const std::span<const float> masses = row.masses.subspan(first, size);
  if (placement_ == Placement::pre_softmax)
    count_scores(row.values.subspan(first, size), masses, mass_unit, kScoreBinning, window_.first(),
                 window_.words());
  else
    count_weights(masses, static_cast<float>(1 / row.sum), mass_unit, kWeightBinning, window_.first(),
                  window_.words());
}

// Scores further apart than the window is wide, as a mask of finite values makes them.
void CurveFitter::RowCounter::count_wide(const Row& row) {
  for (std::size_t j = 0; j < row.values.size(); ++j) {
    Tally& tally = into_->at(value_bin(row.values[j], placement_));
    ++tally.count;
    tally.mass += static_cast<std::int64_t>(
        std::nearbyint(static_cast<double>(row.masses[j]) * (1 / kMassUnit / row.sum)));
  }
}

RowFacts CurveFitter::RowCounter::count(const RowBlock& block, std::int64_t r, CurveHistogram& into) {
  const Row row = look_at(block, r);
  if (&into != into_) flush();
  into_ = &into;
  into.start_row(static_cast<std::int32_t>(row.values.size()));
  if (row.highest - row.lowest >= BinWindow::kBins) {
    count_wide(row);
    return row.facts;
  }
  for (std::size_t first = 0; first < row.values.size(); first += BinWindow::kElements)
    count_piece(row, first,
                std::min(row.values.size() - first, static_cast<std::size_t>(BinWindow::kElements)));
  return row.facts;
}

void CurveFitter::add(const RowBlock& block, std::span<RowFacts> facts) {
  const auto head = static_cast<std::size_t>(block.layer * shape_.num_heads + block.head);
  thread_local RowCounter counter;
  counter.start(placement_, row_content_);
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const auto row = static_cast<std::size_t>(r);
    const RowFacts found = counter.count(block, r, histogram(head, length_bin(block.lengths[row])));
    if (!facts.empty()) facts[row] = found;
  }
  counter.flush();
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
