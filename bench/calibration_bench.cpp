// Speed of what calibration does with a row: selection, softmax mass, widening. Bytes per second are of the
// rows' floats. Every selection is checked against std::nth_element before it is timed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <vector>

#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"
#include "calibration/joint_sink.hpp"
#include "calibration/row_observer.hpp"
#include "core/half.hpp"
#include "core/random.hpp"
#include "kernels/rows/row_mass.hpp"
#include "kernels/rows/select.hpp"
#include "kernels/rows/widen.hpp"

namespace {

using namespace toptheta;

// Different rows in turn, so that branches cannot be learnt by heart: 8 MB, out of the second-level cache.
struct Rows {
  std::size_t length;
  std::vector<float> values;
  std::size_t next = 0;

  explicit Rows(std::size_t n) : length(n), values(std::size_t{2} << 20) {
    Random random(n);
    for (float& value : values) {
      const double angle = 6.283185307179586 * random.uniform();
      value = static_cast<float>(std::sqrt(-2 * std::log(1 - random.uniform())) * std::cos(angle));
    }
  }
  std::span<const float> row() {
    if (next + length > values.size()) next = 0;
    const std::span<const float> row(values.data() + next, length);
    next += length;
    return row;
  }
};

void count_bytes(benchmark::State& state, std::size_t floats) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(floats * sizeof(float)));
}

float by_nth_element(std::span<const float> row, std::int64_t k, std::vector<float>& copy) {
  copy.assign(row.begin(), row.end());
  std::nth_element(copy.begin(), copy.begin() + k, copy.end(), std::greater<>());
  return copy[static_cast<std::size_t>(k)];
}

void nth_element(benchmark::State& state) {
  Rows rows(static_cast<std::size_t>(state.range(0)));
  std::vector<float> copy;
  for (auto _ : state)
    benchmark::DoNotOptimize(by_nth_element(rows.row(), state.range(1), copy));
  count_bytes(state, rows.length);
}

// As a fit selects: row after row of one head, each beginning where the one before ended.
void select(benchmark::State& state) {
  Rows rows(static_cast<std::size_t>(state.range(0)));
  SelectScratch scratch;
  std::vector<float> copy;
  for (int i = 0; i < 20; ++i) {
    const std::span<const float> row = rows.row();
    if (kth_largest(row, state.range(1), scratch) != by_nth_element(row, state.range(1), copy))
      throw std::logic_error("kth_largest is wrong");
  }
  for (auto _ : state)
    benchmark::DoNotOptimize(kth_largest(rows.row(), state.range(1), scratch));
  count_bytes(state, rows.length);
}

void range(benchmark::State& state) {
  Rows rows(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(row_range(rows.row()));
  count_bytes(state, rows.length);
}

void exponentials(benchmark::State& state) {
  Rows rows(static_cast<std::size_t>(state.range(0)));
  const RowRange range = row_range(rows.values);
  for (auto _ : state)
    benchmark::DoNotOptimize(exp_sum(rows.row(), range));
  count_bytes(state, rows.length);
}

// Everything that a fit does with a row of scores.
void observe(benchmark::State& state) {
  Rows rows(static_cast<std::size_t>(state.range(0)));
  constexpr std::array<std::int64_t, 8> kAll = {8, 16, 32, 48, 64, 96, 128, 256};
  constexpr std::array<std::int64_t, 1> kOne = {64};
  const std::span<const std::int64_t> k =
      state.range(1) == 1 ? std::span<const std::int64_t>(kOne) : std::span<const std::int64_t>(kAll);
  RowObserver observer(Placement::pre_softmax, Placement::pre_softmax, k);
  for (auto _ : state) {
    const std::span<const float> row = rows.row();
    observer.observe(row, row_range(row));
    for (std::size_t target = 0; target < k.size(); ++target)
      benchmark::DoNotOptimize(observer.kept_mass(target));
  }
  count_bytes(state, rows.length);
}

// What a pass does with blocks of 64 Ki scores: exact thresholds of one k, curves, or both.
void pass(benchmark::State& state, bool exact, bool curve, Placement placement) {
  Rows rows(std::size_t{64} * 1024);
  const auto n = static_cast<std::int32_t>(state.range(0));
  const std::vector<std::int32_t> lengths(rows.length / static_cast<std::size_t>(n), n);
  const ModelShape shape = {1, 1, 1, 1};
  ThresholdFitter thresholds({.k = {64}, .placement = placement}, shape);
  CurveFitter curves(placement, Placement::pre_softmax, shape);
  JointSink joint(thresholds, curves);
  for (auto _ : state) {
    const RowBlock block{0, 0, rows.row().data(), n, lengths};
    if (exact && curve)
      joint.add(block);
    else if (exact)
      thresholds.add(block);
    else
      curves.add(block);
  }
  count_bytes(state, lengths.size() * static_cast<std::size_t>(n));
}

void widen_half(benchmark::State& state) {
  const Rows rows(4096);
  std::vector<std::uint16_t> halves;
  for (const float value : rows.values)
    halves.push_back(f16_from_float(value));
  std::vector<float> floats(4096);
  std::size_t place = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(toptheta::widen_f16(std::span(halves).subspan(place, floats.size()), floats));
    benchmark::DoNotOptimize(floats.data());
    place = (place + floats.size()) % halves.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 2 * 4096);
}

BENCHMARK(nth_element)->ArgNames({"n", "k"})->Args({1024, 64})->Args({4096, 64})->Args({65536, 64});
BENCHMARK(select)
    ->ArgNames({"n", "k"})
    ->Args({256, 64})
    ->Args({1024, 64})
    ->Args({1536, 64})
    ->Args({2048, 64})
    ->Args({4096, 64})
    ->Args({4096, 512})
    ->Args({4096, 2048})
    ->Args({16384, 64})
    ->Args({65536, 64})
    ->Args({65536, 4096});
BENCHMARK(range)->ArgName("n")->Arg(1024)->Arg(4096)->Arg(65536);
BENCHMARK(exponentials)->ArgName("n")->Arg(1024)->Arg(4096)->Arg(65536);
BENCHMARK(observe)
    ->ArgNames({"n", "targets"})
    ->Args({1024, 1})
    ->Args({1024, 8})
    ->Args({4096, 1})
    ->Args({4096, 8})
    ->Args({65536, 1})
    ->Args({65536, 8});
BENCHMARK_CAPTURE(pass, exact, true, false, Placement::pre_softmax)
    ->ArgName("n")
    ->Arg(256)
    ->Arg(1024)
    ->Arg(4096);
BENCHMARK_CAPTURE(pass, curve, false, true, Placement::pre_softmax)
    ->ArgName("n")
    ->Arg(256)
    ->Arg(1024)
    ->Arg(4096);
BENCHMARK_CAPTURE(pass, both, true, true, Placement::pre_softmax)
    ->ArgName("n")
    ->Arg(256)
    ->Arg(1024)
    ->Arg(4096);
BENCHMARK_CAPTURE(pass, exact_weights, true, false, Placement::post_softmax)->ArgName("n")->Arg(1024);
BENCHMARK_CAPTURE(pass, curve_weights, false, true, Placement::post_softmax)->ArgName("n")->Arg(1024);
BENCHMARK(widen_half);

}  // namespace

BENCHMARK_MAIN();
