// What it costs to start and to end a parallel loop: in a region of its own, and as one of many that a team
// runs. Pieces do nothing, or compute for some microseconds each.
#include <benchmark/benchmark.h>

#include "core/parallel.hpp"
#include "core/team.hpp"

namespace {

using namespace toptheta;

void compute(std::int64_t rounds) {
  for (std::int64_t i = 0; i < rounds; ++i)
    benchmark::DoNotOptimize(i);
}

void declare(benchmark::internal::Benchmark* cases) {
  cases->ArgNames({"threads", "rounds"});
  for (const int threads : {1, 2, 4, 8, 16, 32, 64})
    if (threads <= 2 * thread_count())
      for (const int rounds : {0, 10'000})
        cases->Args({threads, rounds});
  cases->UseRealTime();
}

void loop_in_a_region(benchmark::State& state) {
  set_thread_count(static_cast<int>(state.range(0)));
  const auto body = [&](std::int64_t) { compute(state.range(1)); };
  for (auto _ : state)
    parallel_for(state.range(0), body);
  set_thread_count(0);
}
BENCHMARK(loop_in_a_region)->Apply(declare);

void loop_of_a_team(benchmark::State& state) {
  set_thread_count(static_cast<int>(state.range(0)));
  const auto body = [&](std::int64_t) { compute(state.range(1)); };
  with_team([&] {
    for (auto _ : state)
      parallel_for(state.range(0), body);
  });
  set_thread_count(0);
}
BENCHMARK(loop_of_a_team)->Apply(declare);

}  // namespace
