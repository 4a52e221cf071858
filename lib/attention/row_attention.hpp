// One attention row: from its scores to its output, by one head's rule. The whole method at inference is
// here.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attention/policy.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

// What holds for one query head of one layer and one row length n.
struct RowRule {
  Selection selection = Selection::dense;  // dense also where n <= k
  Placement placement = Placement::pre_softmax;
  Sdc sdc = Sdc::none;
  float sdc_scale = 1;  // gamma
  bool vmc = false;
  bool cap_k = false;
  std::int64_t k = 0;
  std::int64_t keep_first = 0;                           // the row's first keys that are kept in any case
  std::int64_t keep_recent = 0;                          // and its last ones; together at most n
  float theta = 0;                                       // top-theta
  float sdc_m = 0;                                       // offline SDC term M
  float rho = 1;                                         // calibrated SDC; exp-threshold's is 1
  float sink = -std::numeric_limits<float>::infinity();  // a logit in the denominator; -infinity: none

  // Whether something is kept in any case.
  [[nodiscard]] bool keeps_more() const { return keep_first + keep_recent > 0; }
  [[nodiscard]] bool has_sink() const { return sink != -std::numeric_limits<float>::infinity(); }
};

// What a query sees: n keys from position first_key on.
struct RowExtent {
  std::int64_t first_key = 0;
  std::int64_t n = 0;
};

// The rule of a row; `sink` as above.
RowRule row_rule(const ResolvedPolicy& policy, std::int64_t layer, std::int64_t head, const RowExtent& row,
                 float sink = -std::numeric_limits<float>::infinity());

// The sink's term of a denominator whose exponentials are relative to `shift`.
double sink_term(const RowRule& rule, float shift);

// What an offline SDC term is multiplied by where exponentials are relative to m, the largest of the kept
// scores: 1, but where none is above the threshold, which then stands in for the row's largest score.
double offline_scale(const RowRule& rule, float m);

// A row of which nothing is above the threshold has no weights. Without a sink all of it is lost. With one,
// the denominator is the sink and what SDC puts there for the dropped, for which the threshold stands in as
// the row's largest score: a prefilter does not know that. Both arguments are relative to the threshold:
// gamma * M, and the sum over the dropped, where it is known.
struct NothingKept {
  double sink_share = 0;
  double lost_mass = 1;
};
NothingKept against_sink(const RowRule& rule, double dropped_term, double dropped_sum);

// Post-softmax placement compares e^(s - m) / sum with theta; so does s with m + ln(theta * sum). `largest`
// is m, full_sum the row's sum of e^(s - m).
float score_threshold(float theta, float largest, double full_sum);

// The same of running-softmax placement, for each tile that a row is visited in (core/running_tiles.hpp), in
// the order of positions: against the sum of the tiles up to it, the sink's term included. None is above that
// of the whole denominator, which the caller has: what is kept beside it is kept here too.
void running_thresholds(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                        float largest, double denominator, std::vector<float>& thresholds);

// Memory that a thread reuses from row to row.
struct RowScratch {
  std::vector<float> scores;          // a tile's scores
  std::vector<float> weights;         // [kept] softmax weights of the kept
  std::vector<std::int32_t> indices;  // [kept] their positions, ascending
  float theta = 0;                    // what was compared with: top-k's is the (k + 1)-th largest
  SelectScratch select{};             // top-k
  std::vector<float> probabilities;   // [n] post-softmax placement
  std::vector<float> thresholds;      // running-softmax placement: of the row's tiles
  std::vector<std::uint64_t> kept_bits;
};

// Selects from a row's scores as if placement were pre-softmax, under running-softmax placement by
// scratch.thresholds; cap-k and what is kept in any case included. Leaves positions and scores of the kept,
// ascending, in scratch.indices and scratch.weights (which must have room for n + kKeyBlock) and returns how
// many.
std::int64_t select_scores(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                           RowScratch& scratch);

struct RowOutcome {
  bool all_kept = false;  // dense: `indices` were not written
  std::int64_t kept = 0;
  double lost_mass = 0;   // sum of the dropped p; only where asked for
  double sink_share = 0;  // what the sink has of the denominator: neither kept nor lost
};

// Selects from `scores` (n pre-softmax scores) and leaves the weights w and positions of the kept in
// `scratch`. w follows docs/method.md, "Compensating". first_key: position of the first score's key, which
// running-softmax placement goes by. Time: O(n), expected, for every policy.
RowOutcome select_and_weigh(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                            bool want_lost_mass, RowScratch& scratch);

}  // namespace toptheta
