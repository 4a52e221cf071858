// From attention rows to a threshold table. A second pass adds offline SDC terms: calibration/sdc_fitter.hpp.
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
  std::vector<LayerK> layer_k{};                 // layers with a k of their own, under every target
  Placement placement = Placement::pre_softmax;  // where the thresholds will stand
  Placement row_content = Placement::pre_softmax;  // what the rows hold; scores serve both placements
  double add_sigma = 0;                            // theta = mean + add_sigma * std
  KeptEnds kept{};  // in any case where the thresholds are used: theta is of the rest, k counts all kept
  std::int64_t length_bins = 0;  // to the octave; 0: thresholds for every row length
};

// Every row longer than its layer's k contributes its (k+1)-th largest value, of the scores or of
// their softmax, and the softmax mass that its k largest hold. Memory: 72 bytes per target, layer, query head
// and row length seen, or length bin. The result does not depend on how rows are grouped into blocks, nor on
// the order in which heads arrive.
class ThresholdFitter final : public CalibrationState {
 public:
  // Throws UsageError for a missing, repeated or non-positive k, a layer out of range, dense layers only,
  // add_sigma that is not finite, a k that what is kept in any case uses up,
  // and thresholds before the softmax from rows taken after it.
  ThresholdFitter(FitOptions options, const ModelShape& shape);
  ~ThresholdFitter() override;

  // Throws InputError naming layer, head and row for a value that is not finite, or that is no softmax weight
  // where the rows should hold them.
  void add(const RowBlock& block) override;
  // Rows meet only those of their own length, of which a sample has one.
  [[nodiscard]] bool is_order_free() const override { return true; }

  [[nodiscard]] const FitOptions& options() const { return options_; }

  // Adds what another fitter with the same options and shape has seen.
  void merge(const ThresholdFitter& other);

  void save(hdf5::Group& group) const override;
  void add_saved(const hdf5::Group& group) override;

  // Rows up to this length are dense under every target: nobody need read them.
  [[nodiscard]] std::int64_t smallest_k() const;

  // The table. Of `meta`, the caller fills in model, topk_at_calibration, row_fraction and provenance. Throws
  // InputError if there were no rows at all, UsageError if a target got no threshold because all rows were
  // too short.
  [[nodiscard]] ThresholdTable table(TableMeta meta) const;

  // How well the thresholds are known: over all targets and heads that had rows, the widest half of a 95%
  // interval, as a relative error of the softmax weight at the threshold (e^h - 1 for a threshold +- h before
  // the softmax, h / theta after it). Per head, rows of one length are taken as independent (each comes from
  // another sample) with one deviation s for all lengths, so that h = 1.96 s / sqrt(rows per length); of
  // length bins, neighbouring rows of a sample are not independent: a bin has its rows per length it spans.
  // Infinite as long as a head has fewer than 20 rows beyond the first of each length.
  [[nodiscard]] double widest_interval() const;

  // One sentence for each target and layer that is not dense and has heads without any threshold.
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  using Cell = ByLength<ThresholdStatistics>;
  // What a thread takes from a block before it adds it to the cells.
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
  std::vector<std::vector<std::int64_t>> k_;  // [layers][targets] the k in force
  std::vector<std::vector<Cell>> cells_;      // [targets][layers * heads]
  std::vector<std::int32_t> longest_;         // [layers * heads] longest row seen, 0 for none
  std::unique_ptr<Pool<Observations>> observations_;
  std::array<std::mutex, 64> guards_;  // of cells_ and longest_: [head % 64]
};

}  // namespace toptheta
