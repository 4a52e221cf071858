#include "calibration/fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "calibration/row_checks.hpp"
#include "calibration/row_observer.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

void require_k(const std::vector<std::int64_t>& k) {
  std::vector<std::int64_t> sorted = k;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  const auto fail = [](std::string what, std::string found) {
    throw UsageError({.where = "-k",
                      .what = std::move(what),
                      .expected = "different whole numbers of at least 1: 16,32,64",
                      .found = std::move(found)});
  };
  if (k.empty()) fail("no k to calibrate for", "none");
  if (sorted.front() < 1) fail("not a number of elements to keep", fmt::format("{}", sorted.front()));
  if (repeated != sorted.end()) fail("the same k appears twice", format_k(*repeated));
}

void require_options(const FitOptions& options) {
  if (options.kept.first < 0 || options.kept.recent < 0)
    throw UsageError({.where = "--keep-first, --keep-recent",
                      .what = "a negative number of keys to keep",
                      .expected = "numbers of at least 0"});
  require_k(options.k);
  if (!std::isfinite(options.add_sigma))
    throw UsageError({.where = "--add-sigma",
                      .what = "not a finite number",
                      .expected = "standard deviations to add to the mean, such as 0.1",
                      .found = fmt::format("{}", options.add_sigma)});
  if (options.placement != Placement::post_softmax && options.row_content == Placement::post_softmax)
    throw UsageError({.where = fmt::format("--placement {}", name_of(options.placement)),
                      .what = "its thresholds cannot come from rows taken after the softmax",
                      .expected = "rows with placement pre-softmax, or queries and keys",
                      .found = "rows with placement post-softmax",
                      .next = "use --placement post-softmax, or write a new dump before the softmax"});
}

}  // namespace

ThresholdFitter::ThresholdFitter(FitOptions options, const ModelShape& shape)
    : options_(std::move(options)), shape_(shape), bins_(options_.length_bins) {
  require_options(options_);
  const auto heads = static_cast<std::size_t>(shape.num_layers * shape.num_heads);
  k_.resize(static_cast<std::size_t>(shape.num_layers));
  for (const std::int64_t k : options_.k) {
    const std::vector<std::int64_t> layer_k = resolve_layer_k(k, options_.layer_k, shape.num_layers);
    for (std::size_t layer = 0; layer < layer_k.size(); ++layer)
      k_[layer].push_back(layer_k[layer]);
    cells_.emplace_back(heads);
  }
  longest_.assign(heads, 0);
  observations_ = std::make_unique<Pool<Observations>>();
  if (smallest_k() <= options_.kept.count())
    throw UsageError(
        {.where = "--keep-first, --keep-recent",
         .what = "together they keep k positions or more, which leaves a threshold nothing to choose",
         .expected = fmt::format("together less than {}, the smallest k", smallest_k()),
         .found = fmt::format("{} and {}", options_.kept.first, options_.kept.recent),
         .next = "choose a larger k, or keep fewer"});
  if (smallest_k() == kDenseK)
    throw UsageError({.where = "--layer-k",
                      .what = "every layer is dense: there is nothing to calibrate",
                      .expected = "at least one layer with a k"});
}

std::int64_t ThresholdFitter::smallest_k() const {
  std::int64_t smallest = kDenseK;
  for (const auto& layer : k_)
    smallest = std::min(smallest, *std::min_element(layer.begin(), layer.end()));
  return smallest;
}

struct ThresholdFitter::Observations {
  RowObserver observer;
  std::vector<std::int64_t> rows;  // indices of the block's rows that are longer than some k
  std::vector<float> thresholds;   // [rows, targets]
  std::vector<double> masses;      // [rows, targets]
};

ThresholdFitter::~ThresholdFitter() = default;

// Fills `seen` from the block's rows.
void ThresholdFitter::observe(const RowBlock& block, Observations& seen) const {
  const std::vector<std::int64_t>& k = k_[static_cast<std::size_t>(block.layer)];
  const std::int64_t smallest = *std::min_element(k.begin(), k.end());
  seen.observer.look_for(options_.row_content, options_.placement, k);
  seen.observer.keep(options_.kept);
  seen.rows.clear();
  seen.thresholds.clear();
  seen.masses.clear();
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const std::int32_t length = block.lengths[static_cast<std::size_t>(r)];
    if (length <= smallest) continue;
    const auto place = static_cast<std::size_t>(r);
    const RowRange range = require_row(block, r, options_.row_content);
    seen.observer.stand_at(block.first_key(r), block.sink);
    if (place < block.exp_sums.size())
      seen.observer.observe(block.row(r), range, block.exp_sums[place]);
    else
      seen.observer.observe(block.row(r), range,
                            place < block.next.size() ? block.next[place] : std::span<const std::byte>());
    seen.rows.push_back(r);
    for (std::size_t target = 0; target < k.size(); ++target) {
      const bool sparse = length > k[target];
      seen.thresholds.push_back(sparse ? seen.observer.threshold(target) : 0);
      seen.masses.push_back(sparse ? seen.observer.kept_mass(target) : 0);
    }
  }
}

void ThresholdFitter::add(const RowBlock& block) {
  assert(block.layer >= 0 && block.layer < shape_.num_layers && block.head >= 0 &&
         block.head < shape_.num_heads);
  if (block.rows() == 0) return;
  const std::vector<std::int64_t>& k = k_[static_cast<std::size_t>(block.layer)];
  const std::size_t head = head_index(block.layer, block.head);
  observations_->lend([&](Observations& seen) {
    observe(block, seen);
    const std::lock_guard lock(guards_[head % guards_.size()]);
    longest_[head] = std::max(longest_[head], *std::max_element(block.lengths.begin(), block.lengths.end()));
    for (std::size_t i = 0; i < seen.rows.size(); ++i) {
      const std::int32_t length = block.lengths[static_cast<std::size_t>(seen.rows[i])];
      for (std::size_t target = 0; target < k.size(); ++target)
        if (length > k[target])
          cells_[target][head]
              .at(bins_.key(length))
              .add(seen.thresholds[i * k.size() + target], seen.masses[i * k.size() + target], length);
    }
  });
}

void ThresholdFitter::merge(const ThresholdFitter& other) {
  assert(k_ == other.k_ && shape_ == other.shape_ && options_.placement == other.options_.placement);
  for (std::size_t target = 0; target < cells_.size(); ++target)
    for (std::size_t head = 0; head < longest_.size(); ++head)
      cells_[target][head].merge(other.cells_[target][head]);
  for (std::size_t head = 0; head < longest_.size(); ++head)
    longest_[head] = std::max(longest_[head], other.longest_[head]);
}

ThresholdTable ThresholdFitter::table(TableMeta meta) const {
  meta.shape = shape_;
  meta.placement = options_.placement;
  meta.estimator = name_of(Estimator::exact);
  meta.add_sigma = options_.add_sigma;
  meta.length_bins = options_.length_bins;
  meta.kept = options_.kept;
  ThresholdTable result{std::move(meta), {}};
  if (longest_row() == 0)
    throw InputError({.where = "calibration", .what = "the input holds no attention rows"});
  for (std::size_t t = 0; t < options_.k.size(); ++t) {
    if (!has_thresholds(t))
      throw UsageError({.where = fmt::format("-k {}", options_.k[t]),
                        .what = "no row has more than k keys, so that all would stay dense",
                        .expected = fmt::format("rows of more than {} keys", options_.k[t]),
                        .found = fmt::format("at most {}", longest_row()),
                        .next = "choose a smaller k, or calibrate with longer texts"});
    Target target{options_.k[t], {}, std::vector<std::vector<ThresholdEntry>>(cells_[t].size())};
    for (const auto& layer : k_)
      target.layer_k.push_back(layer[t]);
    for (std::size_t head = 0; head < cells_[t].size(); ++head)
      cells_[t][head].for_each([&](std::int32_t /*key*/, const ThresholdStatistics& statistics) {
        target.cells[head].push_back(statistics.finish(options_.add_sigma));
      });
    result.targets.push_back(std::move(target));
  }
  return result;
}

std::vector<std::string> ThresholdFitter::warnings() const {
  std::vector<std::string> result;
  for (std::size_t target = 0; target < options_.k.size(); ++target) {
    for (std::int64_t layer = 0; layer < shape_.num_layers; ++layer) {
      const std::int64_t missing = heads_without_thresholds(target, layer);
      if (missing == 0) continue;
      const std::int64_t k = k_[static_cast<std::size_t>(layer)][target];
      const std::string why =
          longest_row(layer) == 0 ? "it is not in the input"
          : longest_row(layer) <= k
              ? fmt::format("its longest row has {} keys, its k is {}", longest_row(layer), k)
              : fmt::format("rows of more than {} keys came from other heads only", k);
      result.push_back(fmt::format("-k {}: layer {} has no thresholds for {} of {} heads: {}",
                                   options_.k[target], layer, missing, shape_.num_heads, why));
    }
  }
  return result;
}

bool ThresholdFitter::has_thresholds(std::size_t target) const {
  return std::any_of(cells_[target].begin(), cells_[target].end(),
                     [](const Cell& cell) { return !cell.empty(); });
}

std::int64_t ThresholdFitter::heads_without_thresholds(std::size_t target, std::int64_t layer) const {
  if (k_[static_cast<std::size_t>(layer)][target] == kDenseK) return 0;
  std::int64_t missing = 0;
  for (std::int64_t head = 0; head < shape_.num_heads; ++head)
    missing += cells_[target][head_index(layer, head)].empty() ? 1 : 0;
  return missing;
}

std::int32_t ThresholdFitter::longest_row(std::int64_t layer) const {
  const auto first = longest_.begin() + static_cast<std::ptrdiff_t>(head_index(layer, 0));
  return *std::max_element(first, first + shape_.num_heads);
}

std::int32_t ThresholdFitter::longest_row() const {
  return longest_.empty() ? 0 : *std::max_element(longest_.begin(), longest_.end());
}

}  // namespace toptheta
