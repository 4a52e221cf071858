// Are our linear layers as fast as the library alone would be? Single products of the shapes that matter: a
// model of width 768, from one row (decode) to a prefill chunk. "Library" is one oneDNN matmul that picks its
// own layout and threads; "ours" is lib/kernels/linear.hpp in fp32 and with bfloat16 weights.
#include <benchmark/benchmark.h>
#include <dnnl_version.h>

#include <cmath>
#include <dnnl.hpp>
#include <string>

#include "bench/random_floats.hpp"
#include "kernels/linear/linear.hpp"

namespace {

using namespace toptheta;
using bench::random_floats;

// So many copies that decoding reads memory, not caches.
constexpr std::int64_t kBytes = std::int64_t{1} << 28;

std::int64_t copies(std::int64_t rows, std::int64_t in, std::int64_t out) {
  return rows == 1 ? std::max<std::int64_t>(1, kBytes / (4 * in * out)) : 1;
}

void report(benchmark::State& state, std::int64_t rows, std::int64_t in, std::int64_t out, double element) {
  const auto runs = static_cast<double>(state.iterations());
  const auto weights = static_cast<double>(in * out);
  state.counters["GFLOP/s"] =
      benchmark::Counter(2e-9 * static_cast<double>(rows) * weights * runs, benchmark::Counter::kIsRate);
  state.counters["weights GB/s"] =
      benchmark::Counter(1e-9 * element * weights * runs, benchmark::Counter::kIsRate);
}

void ours(benchmark::State& state, Compute compute) {
  const std::int64_t rows = state.range(0);
  const std::int64_t in = state.range(1);
  const std::int64_t out = state.range(2);
  const std::vector<float> weight = random_floats(in * out);
  std::vector<Linear> layers;
  for (std::int64_t i = 0; i < copies(rows, in, out); ++i)
    layers.emplace_back(weight, out, in, std::span<const float>(), compute);
  const std::vector<float> x = random_floats(rows * in, 2);
  std::vector<float> y(static_cast<std::size_t>(rows * out));
  std::size_t next = 0;
  for (auto _ : state) {
    layers[next].apply(x.data(), rows, y.data());
    benchmark::DoNotOptimize(y.data());
    next = (next + 1) % layers.size();
  }
  report(state, rows, in, out, compute == Compute::bf16 ? 2 : 4);
}

void library(benchmark::State& state) {
  using Desc = dnnl::memory::desc;
  using Tag = dnnl::memory::format_tag;
  constexpr auto kFloat = dnnl::memory::data_type::f32;
  const std::int64_t rows = state.range(0);
  const std::int64_t in = state.range(1);
  const std::int64_t out = state.range(2);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const Desc x_desc({rows, in}, kFloat, Tag::ab);
  const Desc any({in, out}, kFloat, Tag::any);
  const Desc y_desc({rows, out}, kFloat, Tag::ab);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc plan(engine, x_desc, any, y_desc);
#else
  const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(x_desc, any, y_desc), engine);
#endif
  std::vector<float> x = random_floats(rows * in, 2);
  std::vector<float> y(static_cast<std::size_t>(rows * out));
  std::vector<float> weight = random_floats(in * out);
  dnnl::memory source({{in, out}, kFloat, Tag::ba}, engine, weight.data());
  std::vector<dnnl::memory> layers;
  for (std::int64_t i = 0; i < copies(rows, in, out); ++i) {
    layers.emplace_back(plan.weights_desc(), engine);
    dnnl::reorder(source, layers.back()).execute(stream, source, layers.back());
  }
  dnnl::memory input(x_desc, engine, x.data());
  dnnl::memory output(y_desc, engine, y.data());
  const dnnl::matmul product(plan);

  // The same numbers, before anything is timed.
  product.execute(stream, {{DNNL_ARG_SRC, input}, {DNNL_ARG_WEIGHTS, layers[0]}, {DNNL_ARG_DST, output}});
  stream.wait();
  std::vector<float> expected(y.size());
  Linear(weight, out, in).apply(x.data(), rows, expected.data());
  for (std::size_t i = 0; i < y.size(); ++i)
    if (!(std::abs(y[i] - expected[i]) < 1e-3F)) {
      state.SkipWithError("ours and the library disagree");
      return;
    }

  std::size_t next = 0;
  for (auto _ : state) {
    product.execute(stream,
                    {{DNNL_ARG_SRC, input}, {DNNL_ARG_WEIGHTS, layers[next]}, {DNNL_ARG_DST, output}});
    stream.wait();
    next = (next + 1) % layers.size();
  }
  report(state, rows, in, out, 4);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "in", "out"})->UseRealTime();
  for (const std::int64_t rows : {1, 8, 64, 512}) {
    benchmark->Args({rows, 768, 2304});  // queries, keys, values
    benchmark->Args({rows, 768, 4096});  // gate and up
    benchmark->Args({rows, 2048, 768});  // down
  }
}

BENCHMARK_CAPTURE(ours, f32, Compute::f32)->Apply(shapes);
BENCHMARK_CAPTURE(ours, bf16, Compute::bf16)->Apply(shapes);
BENCHMARK(library)->Apply(shapes);

}  // namespace
