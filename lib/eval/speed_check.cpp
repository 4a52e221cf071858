#include "eval/speed_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "core/error.hpp"
#include "core/running_tiles.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kTokens = 320;
constexpr std::int64_t kDecodeRows = 4;
constexpr double kTolerance = 1e-4;
// Scores this near to the edge of the selection, in units of the largest |score|, may fall on either side.
constexpr double kEdge = 1e-5;

using Doubles = std::vector<double>;

// Copies the inputs of attention in one layer during a forward pass.
struct LayerCopy : LayerObserver {
  LayerCopy(std::int64_t which, const ModelShape& model) : layer(which), shape(model) {}
  void on_layer(const LayerInputs& in) override {
    if (in.layer != layer) return;
    const std::int64_t kv = in.rows * shape.num_kv_heads * shape.head_dim;
    q.insert(q.end(), in.q, in.q + in.rows * shape.num_heads * shape.head_dim);
    k.insert(k.end(), in.k, in.k + kv);
    v.insert(v.end(), in.v, in.v + kv);
    scale = in.scale;
    rows += in.rows;
  }
  std::int64_t layer;
  ModelShape shape;
  std::int64_t rows = 0;
  float scale = 1;
  std::vector<float> q, k, v;
};

struct Selected {
  std::vector<bool> kept;
  bool doubtful = false;
};

// What a policy keeps of a row. `x` is what the selection compares: scores or softmax weights.
Selected select(const Doubles& x, const ResolvedPolicy& resolved, std::int64_t layer, std::int64_t head) {
  const Policy& policy = resolved.policy();
  const auto n = static_cast<std::int64_t>(x.size());
  const std::int64_t k = resolved.k(layer, head);
  const std::int64_t first = std::min(policy.keep_first, n);
  const std::int64_t end = n - std::min(policy.keep_recent, n - first);
  Selected result{std::vector<bool>(x.size(), true), false};
  const bool chooses = policy.selection == Selection::theta || end - first > k;
  if (policy.selection == Selection::dense || n <= k || !chooses) return result;
  double edge = 0;
  std::int64_t room = n;
  if (policy.selection == Selection::theta) {
    edge = static_cast<double>(resolved.theta(layer, head)[static_cast<std::size_t>(n)]);
    if (policy.cap_k) room = k;
  } else {
    Doubles sorted(x.begin() + first, x.begin() + end);
    const auto next = sorted.begin() + k;
    std::nth_element(sorted.begin(), next, sorted.end(), std::greater<>());
    edge = *next;
    // Take the middle between the smallest value kept and the largest dropped, so that neither is doubtful
    // unless they nearly tie.
    edge = (edge + *std::min_element(sorted.begin(), next)) / 2;
  }
  double size = 0;
  for (const double value : x)
    size = std::max(size, std::abs(value));
  for (std::int64_t j = end; j-- > first;) {
    const double value = x[static_cast<std::size_t>(j)];
    result.doubtful = result.doubtful || std::abs(value - edge) < kEdge * size;
    result.kept[static_cast<std::size_t>(j)] = value > edge && room-- > 0;
  }
  return result;
}

// What the selection of a placement compares: scores; their exponentials `e` over the sum of all, `all`; or
// over the sum of those that a running softmax has seen.
Doubles compared(Placement placement, const Doubles& scores, const Doubles& e, double all) {
  if (placement == Placement::pre_softmax) return scores;
  Doubles p(e.size());
  double seen = 0;
  const auto share = [&](std::int64_t begin, std::int64_t end) {
    seen = std::accumulate(e.begin() + begin, e.begin() + end, seen);
    const double sum = placement == Placement::running_softmax ? seen : all;
    for (auto j = static_cast<std::size_t>(begin); j < static_cast<std::size_t>(end); ++j)
      p[j] = e[j] / sum;
  };
  for_each_running_tile(0, std::ssize(e), share);
  return p;
}

// The same where calibrated SDC estimates the denominator of a running softmax: every tile but those at the
// two ends of the row is compared with the sum known before it, to which it adds what it keeps and an
// estimate of what it drops. `all` becomes the sum that results.
Doubles compared_early(const Doubles& e, const ResolvedPolicy& resolved, std::int64_t layer,
                       std::int64_t head, double& all) {
  const Policy& policy = resolved.policy();
  const std::int64_t n = std::ssize(e);
  const double theta = static_cast<double>(resolved.theta(layer, head)[e.size()]);
  const double estimate =
      policy.sdc_scale * static_cast<double>(resolved.rho(layer, head)[e.size()]) * std::max(theta, 0.0);
  Doubles shares(e.size());
  all = 0;
  int visited = 0;
  for_each_running_tile(0, n, [&](std::int64_t begin, std::int64_t end) {
    const bool read = visited++ < kTilesRead;
    if (read) all = std::accumulate(e.begin() + begin, e.begin() + end, all);
    const double before = all;
    for (std::int64_t j = begin; j < end; ++j) {
      const double value = e[static_cast<std::size_t>(j)];
      double& share = shares[static_cast<std::size_t>(j)];
      share = value / before;
      const bool kept = j < policy.keep_first || j >= n - policy.keep_recent || share > theta;
      if (!read) all += kept ? value : estimate * before;
    }
  });
  return shares;
}

// rho of a row of n keys of which `kept` are kept.
double rho_in(const ResolvedPolicy& resolved, std::int64_t layer, std::int64_t head, std::size_t n,
              std::int64_t kept) {
  const RhoLaw law = resolved.rho_law(layer, head);
  if (!law.any()) return static_cast<double>(resolved.rho(layer, head)[n]);
  return rho_of_law(law.at_length(static_cast<std::int64_t>(n)), law.of_kept, kept);
}

// Computes the output of one row in double precision. Returns false if rounding may decide what is kept.
bool reference_row(const LayerCopy& in, const ResolvedPolicy& resolved, std::int64_t head, std::int64_t row,
                   Doubles& out) {
  const Policy& policy = resolved.policy();
  const ModelShape& shape = in.shape;
  const std::int64_t dim = shape.head_dim;
  const std::int64_t kv_head = head / (shape.num_heads / shape.num_kv_heads);
  const auto n = static_cast<std::size_t>(row + 1);
  const float* q = in.q.data() + (row * shape.num_heads + head) * dim;
  const auto kv_row = [&](const std::vector<float>& all, std::size_t j) {
    return all.data() + (static_cast<std::int64_t>(j) * shape.num_kv_heads + kv_head) * dim;
  };
  Doubles scores(n);
  for (std::size_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i < dim; ++i)
      scores[j] +=
          static_cast<double>(in.scale) * static_cast<double>(q[i]) * static_cast<double>(kv_row(in.k, j)[i]);
  const double largest = *std::max_element(scores.begin(), scores.end());
  Doubles e(n);
  for (std::size_t j = 0; j < n; ++j)
    e[j] = std::exp(scores[j] - largest);
  double all = std::accumulate(e.begin(), e.end(), 0.0);
  const bool post = policy.placement != Placement::pre_softmax;
  const bool early = policy.placement == Placement::running_softmax && policy.sdc == Sdc::calibrated &&
                     row + 1 > resolved.k(in.layer, head);
  const Doubles x =
      early ? compared_early(e, resolved, in.layer, head, all) : compared(policy.placement, scores, e, all);
  const Selected selected = select(x, resolved, in.layer, head);
  if (selected.doubtful) return false;

  double kept = 0;
  std::int64_t dropped = 0;
  for (std::size_t j = 0; j < n; ++j) {
    kept += selected.kept[j] ? e[j] : 0;
    dropped += selected.kept[j] ? 0 : 1;
  }
  double term = 0;
  if (dropped > 0 && policy.sdc == Sdc::exact) term = all - kept;
  if (dropped > 0 && policy.sdc == Sdc::exp_threshold)
    term = static_cast<double>(dropped) *
           std::exp(static_cast<double>(resolved.theta(in.layer, head)[n]) - largest);
  if (dropped > 0 && policy.sdc == Sdc::calibrated)
    term = rho_in(resolved, in.layer, head, n, static_cast<std::int64_t>(n) - dropped) *
           static_cast<double>(dropped) *
           std::exp(static_cast<double>(resolved.theta(in.layer, head)[n]) - largest);
  if (policy.sdc == Sdc::offline && row + 1 > resolved.k(in.layer, head))
    term = static_cast<double>(resolved.sdc(in.layer, head)[n]);
  // If nothing survives, the denominator may be 0, but then no weight is divided by it.
  const double denominator =
      std::max(post ? all : kept + policy.sdc_scale * term, std::numeric_limits<double>::min());
  const double lost = policy.vmc ? 1 - kept / denominator : 0;
  out.assign(static_cast<std::size_t>(dim), 0);
  for (std::size_t j = 0; j < n; ++j) {
    const double weight = (selected.kept[j] ? e[j] / denominator : 0) + lost / static_cast<double>(n);
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] += weight * static_cast<double>(kv_row(in.v, j)[i]);
  }
  return true;
}

// The outputs of attend() for the same inputs: all rows but the last few as a prefill, those as decode steps.
std::vector<float> attended(const LayerCopy& in, const ResolvedPolicy& policy, KvCache& cache) {
  const ModelShape& shape = in.shape;
  const std::int64_t q_size = shape.num_heads * shape.head_dim;
  const std::int64_t kv_size = shape.num_kv_heads * shape.head_dim;
  std::vector<float> out(in.q.size());
  for (std::int64_t first = 0; first < in.rows;) {
    const std::int64_t rows = first == 0 ? std::max<std::int64_t>(in.rows - kDecodeRows, 1) : 1;
    for (std::int64_t l = 0; l < shape.num_layers; ++l)
      cache.append(l, rows, in.k.data() + first * kv_size, in.v.data() + first * kv_size);
    attend({.layer = in.layer,
            .first_position = first,
            .rows = rows,
            .q = in.q.data() + first * q_size,
            .scale = in.scale,
            .out = out.data() + first * q_size},
           cache, policy);
    cache.advance(rows);
    first += rows;
  }
  return out;
}

void compare(const LayerCopy& in, const SpeedCase& one, KvCache& cache, SpeedCheck& check) {
  const ModelShape& shape = in.shape;
  const std::vector<float> found = attended(in, one.policy, cache);
  double unit = std::numeric_limits<double>::min();
  for (const float v : in.v)
    unit = std::max(unit, std::abs(static_cast<double>(v)));
  Doubles expected;
  for (std::int64_t row = 0; row < in.rows; ++row)
    for (std::int64_t head = 0; head < shape.num_heads; ++head) {
      if (!reference_row(in, one.policy, head, row, expected)) {
        ++check.skipped;
        continue;
      }
      ++check.rows;
      const float* out = found.data() + (row * shape.num_heads + head) * shape.head_dim;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const double error = std::abs(static_cast<double>(out[i]) - expected[i]) / unit;
        if (!(error <= kTolerance))
          throw Error(ExitStatus::check_failed,
                      {.where = fmt::format("{}: layer {}, head {}, row {}", one.name, in.layer, head, row),
                       .what = "attention differs from its formulas in double precision",
                       .expected = fmt::format("a difference of at most {:g} of the largest |V|", kTolerance),
                       .found = fmt::format("{:g}", error),
                       .next = "report it with this command line"});
        check.largest_error = std::max(check.largest_error, error);
      }
    }
}

}  // namespace

SpeedCheck check_attention(Transformer& model, std::span<const std::int32_t> tokens, const SpeedCase& policy,
                           KvType kv) {
  const ModelShape& shape = model.config().shape;
  const std::int64_t count = std::min<std::int64_t>(kTokens, std::ssize(tokens));
  SpeedCheck check;
  for (const std::int64_t layer : {std::int64_t{0}, shape.num_layers - 1}) {
    KvCache cache = model.new_cache(count);
    LayerCopy copy(layer, shape);
    model.forward(tokens.first(static_cast<std::size_t>(count)), cache, dense_policy(shape),
                  {.layers = &copy, .first_logit_row = count});
    KvCache fresh = model.new_cache(count, policy.policy.policy().prefilter, kv);
    round_rows(kv, copy.shape.head_dim, copy.k);
    round_rows(kv, copy.shape.head_dim, copy.v);
    if (fresh.rounds_queries()) round_rows(kv, copy.shape.head_dim, copy.q);
    compare(copy, policy, fresh, check);
    if (shape.num_layers == 1) break;
  }
  return check;
}

}  // namespace toptheta
