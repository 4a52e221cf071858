// The threshold table: what calibration produces and inference looks up. The two halves of the method meet
// here.
//
// Paper: arXiv 2502.08363, section 3.1. See docs/method.md, "Calibrating".
#pragma once
#include <algorithm>
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
#include "theta/rho_law.hpp"

namespace toptheta {

inline constexpr double kNotCalibrated = std::numeric_limits<double>::quiet_NaN();

// The threshold of rows of one length, for one (target k, layer, query head).
struct ThresholdEntry {
  std::int32_t length = 0;            // row length n: the keys that the query sees
  double theta = 0;                   // mean + add_sigma * std of the rows' (k+1)-th largest values
  double std = 0;                     // population standard deviation of those values (0 for one row)
  std::int64_t count = 0;             // calibration rows of this length
  double sdc = kNotCalibrated;        // offline SDC term M: mean of the sum of e^(s-m) over dropped scores s
  double kept_mass = kNotCalibrated;  // mean over rows of the softmax mass of the k largest scores
  // Calibrated SDC: exp of the mean over rows of ln(sum over dropped s of e^(s-theta) / number dropped).
  double rho = kNotCalibrated;
};

// All thresholds for one k.
struct Target {
  std::int64_t k = 0;                 // the k that -k asked for
  std::vector<std::int64_t> layer_k;  // [num_layers] the k of each layer; kDenseK where it stays dense
  std::vector<std::vector<ThresholdEntry>>
      cells;  // [num_layers * num_heads], each sorted by length, lengths unique
  // Where heads of one layer differ (tt-calibrate budget): [num_layers * num_heads] the k of each head, and
  // layer_k holds the smallest of each layer. Empty: every head has the k of its layer.
  std::vector<std::int64_t> head_k{};
  // The law for rho of each head, [num_layers * num_heads]; it takes the place of the entries' rho. Empty: no
  // head has one.
  std::vector<RhoLaw> rho_laws{};

  // The law of a head, by its index among the cells; one without coefficients where the head has none.
  [[nodiscard]] RhoLaw rho_law_of(std::size_t cell) const {
    return rho_laws.empty() ? RhoLaw{} : rho_laws[cell];
  }
  [[nodiscard]] bool has_rho_laws() const {
    return std::any_of(rho_laws.begin(), rho_laws.end(), [](const RhoLaw& law) { return law.any(); });
  }
  // The k that applies to a head, by its index among the cells; kDenseK where it stays dense.
  [[nodiscard]] std::int64_t k_of(std::size_t cell) const {
    return head_k.empty() ? layer_k[cell / (cells.size() / layer_k.size())] : head_k[cell];
  }
};

// How thresholds are estimated: as the mean of each row's own threshold (exact), or as the threshold under
// which rows keep k on average (pooled).
enum class Estimator { exact, pooled };
template <>
inline constexpr auto kNames<Estimator> = std::to_array<Named<Estimator>>({{Estimator::exact, "exact"},
                                                                           {Estimator::pooled, "pooled"}});

struct TableMeta {
  ModelShape shape;
  std::string model;  // a name for people to read
  Placement placement = Placement::pre_softmax;
  std::string estimator{
      name_of(Estimator::exact)};  // an estimator's name, and what was done to the table since
  double add_sigma = 0;
  bool topk_at_calibration = false;
  double row_fraction = 1;
  // 0: each entry belongs to one row length. Otherwise each entry belongs to a bin of row lengths
  // (theta/length_bins.hpp), with this many bins per octave; its length is the mean length of its rows, and
  // look-up interpolates between entries.
  std::int64_t length_bins = 0;
  // Positions that are always kept where the thresholds are used, and that are not part of the rows that
  // theta is fitted to.
  KeptEnds kept{};
  Provenance provenance;
};

struct ThresholdTable {
  TableMeta meta;
  std::vector<Target> targets;  // in the order in which they were asked for; each k once
  ScoreCurves curves{};         // for every k at once, where calibrated with --curve

  [[nodiscard]] std::size_t cell_index(std::int64_t layer, std::int64_t head) const {
    return static_cast<std::size_t>(layer * meta.shape.num_heads + head);
  }
  // Whether some entry has a rho.
  [[nodiscard]] bool has_rho() const;
  // The target for k; k = 0 means the only one. Throws UsageError listing the k that the table has.
  [[nodiscard]] const Target& target(std::int64_t k) const;
};

// The k that names a target whose heads have different k: the rounded mean over the heads that are not dense;
// kDenseK where all are.
std::int64_t mean_k(const std::vector<std::int64_t>& head_k);
// [num_layers] the smallest k of each layer. `head_k` is [num_layers * num_heads].
std::vector<std::int64_t> layer_k_of(const std::vector<std::int64_t>& head_k, std::int64_t num_heads);

// Throws InputError naming `path` unless the table was calibrated for a model of this shape. num_kv_heads and
// head_dim are compared only where both are known; 0 means unknown, as in a table that was read from the
// authors' text files.
void require_shape(const ThresholdTable& table, const ModelShape& model, const std::string& path);

}  // namespace toptheta
