#include "eval/machine_limits.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>

#include "core/fresh_array.hpp"
#include "core/parallel.hpp"
#include "kernels/linear/product_library.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "eval/machine_limits.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Enough independent chains that two units with a latency of 4 cycles never wait for a result, and few enough
// for 16 registers.
constexpr std::size_t kChains = 12;

std::size_t FmasARound() {
  return kChains * hn::Lanes(Floats());
}

float FmaChains(std::int64_t rounds) {
  const Floats d;
  const Vec factor = hn::Set(d, 0.999F);
  const Vec term = hn::Set(d, 0.001F);
  Vec a0 = hn::Iota(d, 0), a1 = hn::Iota(d, 1), a2 = hn::Iota(d, 2), a3 = hn::Iota(d, 3);
  Vec a4 = hn::Iota(d, 4), a5 = hn::Iota(d, 5), a6 = hn::Iota(d, 6), a7 = hn::Iota(d, 7);
  Vec a8 = hn::Iota(d, 8), a9 = hn::Iota(d, 9), a10 = hn::Iota(d, 10), a11 = hn::Iota(d, 11);
  for (std::int64_t i = 0; i < rounds; ++i) {
    a0 = hn::MulAdd(a0, factor, term);
    a1 = hn::MulAdd(a1, factor, term);
    a2 = hn::MulAdd(a2, factor, term);
    a3 = hn::MulAdd(a3, factor, term);
    a4 = hn::MulAdd(a4, factor, term);
    a5 = hn::MulAdd(a5, factor, term);
    a6 = hn::MulAdd(a6, factor, term);
    a7 = hn::MulAdd(a7, factor, term);
    a8 = hn::MulAdd(a8, factor, term);
    a9 = hn::MulAdd(a9, factor, term);
    a10 = hn::MulAdd(a10, factor, term);
    a11 = hn::MulAdd(a11, factor, term);
  }
  const Vec low = hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)), hn::Add(a4, a5));
  const Vec high = hn::Add(hn::Add(hn::Add(a6, a7), hn::Add(a8, a9)), hn::Add(a10, a11));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
}

// Adds up memory that it reads as four streams, which is faster than one (kernels/linear). `count` must be a
// multiple of 16 vectors.
float ReadAll(const float* from, std::size_t count) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t quarter = count / 4;
  Vec s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  for (std::size_t i = 0; i < quarter; i += 4 * lanes)
    for (std::size_t stream = 0; stream < 4; ++stream) {
      const float* const at = from + stream * quarter + i;
      s0 = hn::Add(s0, hn::LoadU(d, at));
      s1 = hn::Add(s1, hn::LoadU(d, at + lanes));
      s2 = hn::Add(s2, hn::LoadU(d, at + 2 * lanes));
      s3 = hn::Add(s3, hn::LoadU(d, at + 3 * lanes));
    }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
}

const char* TargetName() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(FmasARound);
HWY_EXPORT(FmaChains);
HWY_EXPORT(ReadAll);
HWY_EXPORT(TargetName);

namespace {

constexpr int kRuns = 15;

// Results are stored here so that the compiler cannot remove computations that only serve to be timed.
std::atomic<float> sink;

template <typename Work>
double best_seconds(Work work) {
  double best = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

double fma_rate(int threads) {
  constexpr std::int64_t kRounds = 200'000;
  constexpr std::int64_t kPiecesPerThread = 16;
  const std::int64_t pieces = kPiecesPerThread * threads;
  const double seconds = best_seconds(
      [&] { parallel_for(pieces, [&](std::int64_t) { sink = HWY_DYNAMIC_DISPATCH(FmaChains)(kRounds); }); });
  const auto fmas = static_cast<double>(HWY_DYNAMIC_DISPATCH(FmasARound)());
  return static_cast<double>(pieces * kRounds * 2) * fmas / seconds;
}

constexpr std::size_t kPiece = std::size_t{1} << 18;  // 1 MiB

// Written, or reading it would read one page of zeros again and again; by all threads, near which it then
// lies.
FreshArray<float> memory_to_read() {
  FreshArray<float> memory(std::size_t{1} << 26);  // 256 MiB
  parallel_for(static_cast<std::int64_t>(memory.size() / kPiece), [&](std::int64_t i) {
    std::fill_n(memory.data() + static_cast<std::size_t>(i) * kPiece, kPiece, 1.0F);
  });
  return memory;
}

double read_rate(const FreshArray<float>& memory) {
  const std::size_t pieces = memory.size() / kPiece;
  const double seconds = best_seconds([&] {
    parallel_for(static_cast<std::int64_t>(pieces), [&](std::int64_t i) {
      sink = HWY_DYNAMIC_DISPATCH(ReadAll)(memory.data() + static_cast<std::size_t>(i) * kPiece, kPiece);
    });
  });
  return static_cast<double>(memory.size() * sizeof(float)) / seconds;
}

}  // namespace

MachineLimits measure_machine_limits(int threads, std::span<const int> only) {
  const int before = thread_count();
  const FreshArray<float> memory = memory_to_read();
  MachineLimits limits;
  limits.instruction_set = HWY_DYNAMIC_DISPATCH(TargetName)();
  limits.products = product_library();
  limits.flops.assign(static_cast<std::size_t>(threads), std::numeric_limits<double>::quiet_NaN());
  limits.read_bytes = limits.flops;
  for (int t = 1; t <= threads; ++t) {
    if (!only.empty() && std::find(only.begin(), only.end(), t) == only.end()) continue;
    set_thread_count(t);
    const auto at = static_cast<std::size_t>(t - 1);
    limits.flops[at] = fma_rate(t);
    limits.read_bytes[at] = read_rate(memory);
  }
  set_thread_count(before);
  return limits;
}

void keep_larger(MachineLimits& limits, const MachineLimits& other) {
  for (std::size_t t = 0; t < limits.flops.size(); ++t) {
    limits.flops[t] = std::max(limits.flops[t], other.flops[t]);
    limits.read_bytes[t] = std::max(limits.read_bytes[t], other.read_bytes[t]);
  }
}

}  // namespace toptheta
#endif  // HWY_ONCE
