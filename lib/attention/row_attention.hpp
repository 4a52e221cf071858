// One attention row: from its scores to its output, by the rule of one head. This is the whole method at
// inference.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attention/policy.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

// The rule for one query head of one layer and one row length n.
struct RowRule {
  Selection selection = Selection::dense;  // also dense where n <= k
  Placement placement = Placement::pre_softmax;
  Sdc sdc = Sdc::none;
  float sdc_scale = 1;  // gamma
  bool vmc = false;
  bool cap_k = false;
  std::int64_t k = 0;
  std::int64_t keep_first = 0;                           // how many of the row's first keys are always kept
  std::int64_t keep_recent = 0;                          // how many of its last keys; together at most n
  float theta = 0;                                       // top-theta
  float sdc_m = 0;                                       // offline SDC term M
  float rho = 1;                                         // calibrated SDC; exp-threshold's is 1
  bool has_rho_law = false;                              // where the head has one, it replaces rho:
  double law_at_length = 0;                              // c0 + c1 ln n
  double law_of_kept = 0;                                // c2
  float sink = -std::numeric_limits<float>::infinity();  // a logit in the denominator; -infinity: none

  // Whether the row's denominator is estimated while tiles are visited: calibrated SDC under running-softmax
  // placement.
  [[nodiscard]] bool estimates_denominator() const {
    return placement == Placement::running_softmax && sdc == Sdc::calibrated;
  }
  // Whether some keys are always kept.
  [[nodiscard]] bool keeps_more() const { return keep_first + keep_recent > 0; }
  [[nodiscard]] bool has_sink() const { return sink != -std::numeric_limits<float>::infinity(); }
};

// rho of a row that keeps n_kept keys, as finally counted: with those that are always kept, and after cap-k.
double rho_of(const RowRule& rule, std::int64_t n_kept);

// The keys that a query sees: n keys from position first_key on.
struct RowExtent {
  std::int64_t first_key = 0;
  std::int64_t n = 0;
};

// The rule for a row; `sink` as in RowRule.
RowRule row_rule(const ResolvedPolicy& policy, std::int64_t layer, std::int64_t head, const RowExtent& row,
                 float sink = -std::numeric_limits<float>::infinity());

// The sink's term in a denominator whose exponentials are relative to `shift`.
double sink_term(const RowRule& rule, float shift);

// The factor on an offline SDC term where exponentials are relative to m, the largest of the kept scores. It
// is 1, except where no score is above the threshold: the threshold then stands in for the row's largest
// score.
double offline_scale(const RowRule& rule, float m);

// A row with no score above the threshold has no weights. Without a sink all of it is lost. With one, the
// denominator is the sink plus SDC's term for the dropped scores. The threshold stands in for the row's
// largest score, which a prefilter does not know. Both arguments are relative to the threshold: gamma * M,
// and the sum over the dropped scores, where it is known.
struct NothingKept {
  double sink_share = 0;
  double lost_mass = 1;
};
NothingKept against_sink(const RowRule& rule, double dropped_term, double dropped_sum);

// Post-softmax placement compares e^(s - m) / sum with theta, which is the same as comparing s with m +
// ln(theta * sum). This returns that threshold. `largest` is m; full_sum is the row's sum of e^(s - m).
float score_threshold(float theta, float largest, double full_sum);

// The same for running-softmax placement: a threshold for each tile in which the row is visited
// (core/running_tiles.hpp), in the order of positions. Each compares with the sum of the tiles visited so
// far, including the sink's term. No threshold is above that of the whole denominator, which the caller
// knows; so what post-softmax placement would keep is kept here too.
void running_thresholds(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                        float largest, double denominator, std::vector<float>& thresholds);

// The same with calibrated SDC: the tiles at the two ends of the row are known in full, but each one between
// them is decided by what is known before it is read, and what it drops is estimated. Returns ln of the
// denominator that results, with the sink (docs/method.md, "Running softmax").
double estimated_thresholds(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                            std::vector<float>& thresholds);

// Working memory that a thread reuses from row to row.
struct RowScratch {
  std::vector<float> scores;          // a tile's scores
  std::vector<float> weights;         // [kept] softmax weights of the kept keys
  std::vector<std::int32_t> indices;  // [kept] their positions, ascending
  float theta = 0;                    // the threshold that was used; for top-k the (k + 1)-th largest score
  SelectScratch select{};             // top-k
  std::vector<float> probabilities;   // [n] post-softmax placement
  std::vector<float> thresholds;      // running-softmax placement: one for each of the row's tiles
  std::vector<std::uint64_t> kept_bits;
};

// Selects from a row's scores as in pre-softmax placement, or under running-softmax placement by
// scratch.thresholds; applies cap-k, and adds the keys that are always kept. Writes the positions and scores
// of the kept keys, ascending, to scratch.indices and scratch.weights, which must have room for n +
// kKeyBlock, and returns their number.
std::int64_t select_scores(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                           RowScratch& scratch);

struct RowOutcome {
  bool all_kept = false;  // dense: `indices` is not written
  std::int64_t kept = 0;
  double lost_mass = 0;   // sum of the dropped p; only if want_lost_mass
  double sink_share = 0;  // the sink's share of the denominator, which is neither kept nor lost
};

// Selects from the row's n pre-softmax `scores`, and writes the positions of the kept keys and their weights
// w to `scratch`. w is defined in docs/method.md, "Compensating". first_key: the position of the first
// score's key, which running-softmax placement needs. Time: O(n) for every policy.
RowOutcome select_and_weigh(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                            bool want_lost_mass, RowScratch& scratch);

}  // namespace toptheta
