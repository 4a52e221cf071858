// Fits a threshold table to attention rows. A second pass adds SDC terms: calibration/sdc_fitter.hpp.
//
// Paper: arXiv 2502.08363, section 3.1; here: docs/method.md, "Calibrating".
#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "calibration/accumulator.hpp"
#include "calibration/state.hpp"
#include "core/pool.hpp"
#include "theta/length_bins.hpp"
#include "theta/table.hpp"

namespace toptheta {

struct FitOptions {
  std::vector<std::int64_t> k;                   // one target each, in the table's order; unique, at least 1
  std::vector<LayerK> layer_k{};                 // layers that have another k under every target
  Placement placement = Placement::pre_softmax;  // what the thresholds will be compared with
  Placement row_content = Placement::pre_softmax;  // what the rows hold; scores serve every placement
  double add_sigma = 0;                            // theta = mean + add_sigma * std
  KeptEnds kept{};  // positions kept in any case: theta is of the others, but k counts all that is kept
  std::int64_t length_bins = 0;  // bins of row lengths per octave; 0: a threshold for every row length
};

// Every row longer than its layer's k contributes its (k+1)-th largest value (a score, softmax weight or
// running weight, by placement) and the softmax mass that its k largest values hold. Memory: 72 bytes per
// target, layer, query head and row length (or length bin) seen. The result does not depend on how rows are
// grouped into blocks, nor on their order.
class ThresholdFitter final : public CalibrationState {
 public:
  // Throws UsageError for a missing, repeated or non-positive k, a layer out of range, only dense layers, an
  // add_sigma that is not finite, a k no larger than the number of positions kept in any case, and rows of
  // softmax weights unless the placement is post-softmax.
  ThresholdFitter(FitOptions options, const ModelShape& shape);
  ~ThresholdFitter() override;

  // Throws InputError naming layer, head and row for a value that is not finite, or for one that is no
  // softmax weight in rows that should hold weights. Threads may call this at the same time.
  void add(const RowBlock& block) override;
  // Sums are exact (calibration/accumulator.hpp), so blocks may come in any order.
  [[nodiscard]] bool is_order_free() const override { return true; }

  [[nodiscard]] const FitOptions& options() const { return options_; }

  // Adds what another fitter with the same options and shape has seen.
  void merge(const ThresholdFitter& other);

  void save(hdf5::Group& group) const override;
  void add_saved(const hdf5::Group& group) override;

  // Rows of up to this many keys are dense under every target and need not be read.
  [[nodiscard]] std::int64_t smallest_k() const;

  // The table of thresholds. The caller fills in `meta`'s model, topk_at_calibration, row_fraction and
  // provenance; this function sets the rest. Throws InputError if there were no rows at all, UsageError if a
  // target got no threshold because all rows were too short.
  [[nodiscard]] ThresholdTable table(TableMeta meta) const;

  // How precisely the thresholds are known: the largest half-width h of the 95% intervals of all targets and
  // heads that had rows, expressed as a relative error of the softmax weight at the threshold. That is e^h -
  // 1 for pre-softmax thresholds, else h / theta. For each head, rows of one length count as independent,
  // since each comes from another sample, with one standard deviation s for all lengths: h = 1.96 s /
  // sqrt(rows per length). With length bins, the rows of a bin are divided by the number of lengths that it
  // spans, because neighbouring rows of a sample are not independent. Infinite while any head has fewer than
  // 20 rows beyond the first of each length.
  [[nodiscard]] double widest_interval() const;

  // A sentence for each target and layer that is not dense and has heads without any threshold.
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  using Cell = ByLength<ThresholdStatistics>;
  // What a thread gathers from a block before it adds it to the cells.
  struct Observations;

  void observe(const RowBlock& block, Observations& seen) const;

  [[nodiscard]] std::size_t head_index(std::int64_t layer, std::int64_t head) const {
    return static_cast<std::size_t>(layer * shape_.num_heads + head);
  }
  [[nodiscard]] bool has_thresholds(std::size_t target) const;
  [[nodiscard]] std::int64_t heads_without_thresholds(std::size_t target, std::int64_t layer) const;
  [[nodiscard]] std::int32_t longest_row(std::int64_t layer) const;
  [[nodiscard]] std::int32_t longest_row() const;

  FitOptions options_;
  ModelShape shape_;
  LengthBins bins_;
  std::vector<std::vector<std::int64_t>> k_;  // [layers][targets] k of the layer under the target
  std::vector<std::vector<Cell>> cells_;      // [targets][layers * heads]
  std::vector<std::int32_t> longest_;         // [layers * heads] longest row seen, 0 for none
  std::unique_ptr<Pool<Observations>> observations_;
  std::array<std::mutex, 64> guards_;  // guard cells_ and longest_: [head % 64]
};

}  // namespace toptheta
