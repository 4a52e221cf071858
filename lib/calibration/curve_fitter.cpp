#include "calibration/curve_fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "calibration/row_checks.hpp"
#include "core/error.hpp"
#include "kernels/attention_rows.hpp"

namespace toptheta {

namespace {

constexpr std::int32_t kPageBits = 6;
constexpr std::int32_t kPage = 1 << kPageBits;
constexpr std::int32_t kFirstPage = -kScoreBinLimit / kPage;

struct Tally {
  std::int64_t count = 0;
  std::int64_t mass = 0;
};

}  // namespace

// Pages of bins, taken when they are first hit; the directory spans what was seen.
class CurveFitter::Histogram {
 public:
  void start_row(std::int32_t length) {
    if (++rows > kMaxCurveRows)
      throw UnfinishedError({.where = "curves",
                             .what = "too many rows of one length bin",
                             .expected = fmt::format("at most {}", kMaxCurveRows),
                             .next = "calibrate on fewer rows with --row-fraction"});
    shortest = rows == 1 ? length : std::min(shortest, length);
    longest = std::max(longest, length);
  }
  Tally& at(std::int32_t bin) {
    const std::int32_t page = (bin >> kPageBits) - kFirstPage;
    if (page < first_ || page >= first_ + static_cast<std::int32_t>(pages_.size()) ||
        pages_[static_cast<std::size_t>(page - first_)] == nullptr)
      open(page);
    return (*pages_[static_cast<std::size_t>(page - first_)])[static_cast<std::size_t>(bin & (kPage - 1))];
  }
  void add(const ScoreCurve& curve) {
    shortest = rows == 0 ? curve.shortest : std::min(shortest, curve.shortest);
    longest = std::max(longest, curve.longest);
    rows += curve.rows;
    if (rows > kMaxCurveRows)
      throw UnfinishedError({.where = "curves", .what = "too many rows of one length bin together"});
    for (const CurveBin& bin : curve.bins) {
      Tally& tally = at(bin.bin);
      tally.count += bin.count;
      tally.mass += bin.mass;
    }
  }
  [[nodiscard]] ScoreCurve curve(std::int32_t length_bin) const {
    ScoreCurve result{length_bin, rows, shortest, longest, {}};
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (pages_[page] == nullptr) continue;
      for (std::int32_t i = 0; i < kPage; ++i) {
        const Tally& tally = (*pages_[page])[static_cast<std::size_t>(i)];
        if (tally.count == 0) continue;
        const std::int32_t bin = (first_ + static_cast<std::int32_t>(page) + kFirstPage) * kPage + i;
        result.bins.push_back({bin, tally.count, tally.mass});
      }
    }
    return result;
  }

  std::int64_t rows = 0;
  std::int32_t shortest = 0;
  std::int32_t longest = 0;

 private:
  using Page = std::array<Tally, kPage>;

  void open(std::int32_t page) {
    if (pages_.empty()) first_ = page;
    if (page < first_) {
      std::vector<std::unique_ptr<Page>> wider(static_cast<std::size_t>(first_ - page) + pages_.size());
      std::move(pages_.begin(), pages_.end(), wider.begin() + (first_ - page));
      pages_ = std::move(wider);
      first_ = page;
    }
    const auto at = static_cast<std::size_t>(page - first_);
    if (at >= pages_.size()) pages_.resize(at + 1);
    pages_[at] = std::make_unique<Page>();
  }

  std::int32_t first_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
};

CurveFitter::CurveFitter(Placement placement, Placement row_content, const ModelShape& shape,
                         const ScoreCurves& seen)
    : placement_(placement),
      row_content_(row_content),
      shape_(shape),
      cells_(static_cast<std::size_t>(shape.num_layers * shape.num_heads)) {
  if (placement == Placement::pre_softmax && row_content == Placement::post_softmax)
    throw UsageError({.where = "--placement pre-softmax",
                      .what = "curves of scores cannot come from rows taken after the softmax",
                      .next = "use --placement post-softmax, or write a new dump before the softmax"});
  assert(seen.empty() || seen.cells.size() == cells_.size());
  for (std::size_t head = 0; head < seen.cells.size(); ++head)
    for (const ScoreCurve& curve : seen.cells[head])
      histogram(head, curve.length_bin).add(curve);
}

CurveFitter::~CurveFitter() = default;

CurveFitter::Histogram& CurveFitter::histogram(std::size_t head, std::int32_t bin) {
  Cell& cell = cells_[head];
  const auto at = static_cast<std::size_t>(bin);
  if (at >= cell.size()) cell.resize(at + 1);
  if (cell[at] == nullptr) cell[at] = std::make_unique<Histogram>();
  return *cell[at];
}

void CurveFitter::add(const RowBlock& block) {
  const auto head = static_cast<std::size_t>(block.layer * shape_.num_heads + block.head);
  std::vector<float> weights;
  std::vector<std::int32_t> bins;
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    require_row(block, r, row_content_);
    const std::span<const float> row = block.row(r);
    weights.assign(row.begin(), row.end());
    bins.resize(row.size());
    double scale = 1 / kMassUnit;
    if (row_content_ == Placement::pre_softmax) scale /= exp_in_place(weights, row_max(row));
    if (placement_ == Placement::pre_softmax || row_content_ == Placement::post_softmax) {
      for (std::size_t j = 0; j < row.size(); ++j)
        bins[j] = value_bin(row[j], placement_);
    } else {
      const double weight_scale = scale * kMassUnit;
      for (std::size_t j = 0; j < row.size(); ++j)
        bins[j] = value_bin(static_cast<float>(static_cast<double>(weights[j]) * weight_scale), placement_);
    }
    Histogram& histogram_of_row = histogram(head, length_bin(static_cast<std::int32_t>(row.size())));
    histogram_of_row.start_row(static_cast<std::int32_t>(row.size()));
    for (std::size_t j = 0; j < row.size(); ++j) {
      Tally& tally = histogram_of_row.at(bins[j]);
      ++tally.count;
      tally.mass += static_cast<std::int64_t>(static_cast<double>(weights[j]) * scale + 0.5);
    }
  }
}

void CurveFitter::merge(const CurveFitter& other) {
  assert(placement_ == other.placement_ && shape_ == other.shape_);
  const ScoreCurves theirs = other.curves();
  for (std::size_t head = 0; head < cells_.size(); ++head)
    for (const ScoreCurve& curve : theirs.cells[head])
      histogram(head, curve.length_bin).add(curve);
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
