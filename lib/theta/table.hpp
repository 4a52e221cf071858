// The threshold table: what calibration produces and inference looks up. Both halves of the method meet here.
//
// Paper: arXiv 2502.08363, section 3.1; here: docs/method.md, "Calibrating".
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/kept_ends.hpp"
#include "core/number_list.hpp"
#include "core/provenance.hpp"
#include "core/shape.hpp"
#include "theta/curve.hpp"

namespace toptheta {

inline constexpr double kNotCalibrated = std::numeric_limits<double>::quiet_NaN();

// The threshold of rows of one length, for one (target k, layer, query head).
struct ThresholdEntry {
  std::int32_t length = 0;            // row length n = query position + 1
  double theta = 0;                   // mean + add_sigma * std of the rows' (k+1)-th largest values
  double std = 0;                     // population standard deviation of those values (0 for one row)
  std::int64_t count = 0;             // calibration rows of this length
  double sdc = kNotCalibrated;        // offline SDC term M: mean of the sum of e^(s-m) over dropped s
  double kept_mass = kNotCalibrated;  // mean of the softmax mass that the k largest hold
  // Calibrated SDC: exp of the mean over rows of ln(sum over dropped s of e^(s-theta) / their number).
  double rho = kNotCalibrated;
};

// All thresholds for one asked k.
struct Target {
  std::int64_t k = 0;                 // what -k asked for
  std::vector<std::int64_t> layer_k;  // [num_layers] k per layer; kDenseK where the layer stays dense
  std::vector<std::vector<ThresholdEntry>>
      cells;  // [num_layers * num_heads], each sorted by length, lengths unique
  // Where heads of one layer differ (tt-calibrate budget): [num_layers * num_heads] k per head, and layer_k
  // is the smallest of each layer. Empty: every head has the k of its layer.
  std::vector<std::int64_t> head_k{};

  // The k in force in a head, by its index among the cells; kDenseK where it stays dense.
  [[nodiscard]] std::int64_t k_of(std::size_t cell) const {
    return head_k.empty() ? layer_k[cell / (cells.size() / layer_k.size())] : head_k[cell];
  }
};

// How thresholds are found: as the mean of the rows' own, or as the one under which rows keep k on average.
enum class Estimator { exact, pooled };
template <>
inline constexpr auto kNames<Estimator> = std::to_array<Named<Estimator>>({{Estimator::exact, "exact"},
                                                                           {Estimator::pooled, "pooled"}});

struct TableMeta {
  ModelShape shape;
  std::string model;  // a name for people
  Placement placement = Placement::pre_softmax;
  std::string estimator{name_of(Estimator::exact)};  // the name of one, with what was done to it since
  double add_sigma = 0;
  bool topk_at_calibration = false;
  double row_fraction = 1;
  // 0: an entry for each row length; otherwise entries are of bins of lengths (theta/length_bins.hpp), this
  // many to the octave, at the mean length of their rows, and look-up interpolates between them.
  std::int64_t length_bins = 0;
  // Kept in any case where the thresholds are used, and not part of the rows that theta is fitted to.
  KeptEnds kept{};
  Provenance provenance;
};

struct ThresholdTable {
  TableMeta meta;
  std::vector<Target> targets;  // in the order asked for; k unique
  ScoreCurves curves{};         // every k at once, where calibrated with --curve

  [[nodiscard]] std::size_t cell_index(std::int64_t layer, std::int64_t head) const {
    return static_cast<std::size_t>(layer * meta.shape.num_heads + head);
  }
  // The target for k; k = 0 means "the only one". Throws UsageError listing the k there are.
  [[nodiscard]] const Target& target(std::int64_t k) const;
};

// The k that names a target of heads of their own: their mean, rounded, of those that are not dense; kDenseK
// where all are.
std::int64_t mean_k(const std::vector<std::int64_t>& head_k);
// The smallest k of each layer.
std::vector<std::int64_t> layer_k_of(const std::vector<std::int64_t>& head_k, std::int64_t num_heads);

// Throws InputError naming `path` unless the table was calibrated for a model of this shape. num_kv_heads and
// head_dim are compared only where both know them: 0 is unknown (a table read from the authors' text files
// knows neither).
void require_shape(const ThresholdTable& table, const ModelShape& model, const std::string& path);

}  // namespace toptheta
