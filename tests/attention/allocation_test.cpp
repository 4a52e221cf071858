// Decoding asks for no memory once a sequence has stopped to grow. The program's operator new counts; not
// inlined, or gcc takes malloc and free for a mismatch.
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "attention/attention.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"

namespace {
std::atomic<long> allocations{0};
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
// Its own too: sanitizers would take theirs for it, and then miss its partner.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

using namespace toptheta;

TEST_CASE("a decode step allocates nothing", "[attention]") {
  constexpr ModelShape kShape{1, 4, 2, 32};
  constexpr std::int64_t kKeys = 1300;
  Random random(3);
  std::vector<float> q(4 * 32);
  std::vector<float> k(static_cast<std::size_t>(kKeys * 2 * 32));
  for (auto* values : {&q, &k})
    for (float& x : *values)
      x = static_cast<float>(random.uniform() - 0.5);
  ThresholdTable table;
  table.meta.shape = kShape;
  table.targets.push_back({8, {8}, std::vector<std::vector<ThresholdEntry>>(4, {{kKeys, 0.4, 0, 1, 0, 0}})});
  set_thread_count(1);  // every thread has memory of its own, made when its first turn comes
  for (const KvType type : {KvType::f32, KvType::f16, KvType::int8}) {
    for (const Prefilter prefilter : {Prefilter::none, Prefilter::automatic}) {
      KvCache cache(kShape, kKeys, prefilter, type);
      cache.append(0, kKeys - 1, k.data(), k.data());
      cache.advance(kKeys - 1);
      const ResolvedPolicy theta({.selection = Selection::theta, .vmc = true, .prefilter = prefilter}, kShape,
                                 kKeys, &table, "test");
      const ResolvedPolicy dense = dense_policy(kShape);
      std::vector<float> out(q.size());
      long before = 0;
      for (int round = 0; round < 4; ++round) {  // the first makes the memory
        if (round == 2) before = allocations;
        cache.append(0, 1, k.data(), k.data());
        for (const ResolvedPolicy* policy : {&theta, &dense})
          attend({.first_position = kKeys - 1, .rows = 1, .q = q.data(), .scale = 0.3F, .out = out.data()},
                 cache, *policy);
      }
      const long after = allocations;  // the test's own words take memory too
      INFO(name_of(type) << ", " << name_of(prefilter));
      CHECK(after == before);
    }
  }
  set_thread_count(0);
}
