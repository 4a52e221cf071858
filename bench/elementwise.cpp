// What do the passes between matrix products cost? One row of a model of width 768, in cache.
#include "kernels/linear/elementwise.hpp"

#include <benchmark/benchmark.h>

#include "bench/random_floats.hpp"
#include "kernels/rows/convert.hpp"

namespace {

using namespace toptheta;
using bench::random_floats;

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
}

void norm(benchmark::State& state) {
  const std::vector<float> x = random_floats(768);
  std::vector<float> out(x.size());
  for (auto _ : state) {
    rms_norm(x, x, 1e-5F, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, 3 * 4 * x.size());
}
BENCHMARK(norm);

void rotary(benchmark::State& state) {
  const std::vector<float> x = random_floats(64);
  const std::vector<float> cos = random_floats(32, 2);
  std::vector<float> out(x.size());
  for (auto _ : state) {
    rotate_halves(x, cos, cos, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, 3 * 4 * x.size());
}
BENCHMARK(rotary);

void activation(benchmark::State& state) {
  const std::vector<float> gate = random_floats(2048);
  const std::vector<float> up = random_floats(2048, 2);
  std::vector<float> out(gate.size());
  for (auto _ : state) {
    silu_multiply(gate, up, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, 3 * 4 * gate.size());
}
BENCHMARK(activation);

void to_bfloat16(benchmark::State& state) {
  const std::vector<float> x = random_floats(2048);
  std::vector<std::uint16_t> out(x.size());
  for (auto _ : state) {
    bf16_from_floats(x, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, 6 * x.size());
}
BENCHMARK(to_bfloat16);

}  // namespace
