#include "core/team.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cassert>

#include "core/first_error.hpp"

namespace toptheta {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kMostAwake{200'000};
constexpr nanoseconds kLeastAwake{100'000};
constexpr std::uint32_t kLeaderSleeps = 1U << 31;
// Marks a share that will not be filled again.
constexpr std::uint64_t kOver = ~std::uint64_t{0};

thread_local Team* led_here = nullptr;
thread_local bool member_here = false;

std::uint64_t next_of(std::uint64_t pieces) {
  return pieces & 0xFFFFFFFFU;
}
std::uint64_t end_of(std::uint64_t pieces) {
  return pieces >> 32;
}
bool has_some(std::uint64_t pieces) {
  return next_of(pieces) < end_of(pieces);
}

// Tells the processor that this thread only waits, so that the other thread of its core gets more time.
void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Calls ready() until it is true or the time is over; returns whether it was true.
template <class Ready>
bool wait_awake(nanoseconds most, const Ready& ready) {
  if (ready()) return true;
  if (most == nanoseconds::zero()) return false;
  const auto end = std::chrono::steady_clock::now() + most;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

// The first piece of a thread's run of neighbouring pieces.
std::int64_t run_begin(std::int64_t count, int thread, int threads) {
  return count * thread / threads;
}

}  // namespace

void Patience::look() {
  rusage usage = {};
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return;
  const std::int64_t before = taken_off_;
  taken_off_ = usage.ru_nivcsw;
  if (before < 0)
    limit_ = kMostAwake;
  else
    limit_ = std::clamp(taken_off_ > before ? limit_ / 2 : limit_ * 2, kLeastAwake, kMostAwake);
}

Team::Team(int threads, bool crowded)
    : capacity_(threads),
      crowded_(crowded),
      shares_(std::make_unique<Share[]>(static_cast<std::size_t>(threads))) {
  assert(threads > 0);
}

Team::~Team() = default;

Team* Team::led() {
  return led_here;
}

bool Team::is_member() {
  return member_here;
}

nanoseconds Team::patience() {
  if (crowded_) return nanoseconds::zero();
  static thread_local Patience own;
  own.look();
  return own.limit();
}

void Team::open() {
  for (int i = 0; i < capacity_; ++i)
    shares_[static_cast<std::size_t>(i)].pieces.store(0, std::memory_order_relaxed);
}

std::exception_ptr Team::lead(int threads, const std::function<void()>& program) {
  assert(threads <= capacity_ && !member_here);
  size_ = threads;
  awake_ = patience();
  led_here = this;
  member_here = true;
  std::exception_ptr error;
  try {
    program();
  } catch (...) {
    error = std::current_exception();
  }
  led_here = nullptr;
  member_here = false;
  for (int i = 0; i < capacity_; ++i)
    shares_[static_cast<std::size_t>(i)].pieces.store(kOver, std::memory_order_release);
  wake_sleepers();
  return error;
}

void Team::serve(int thread) {
  const nanoseconds awake = patience();
  member_here = true;
  const std::atomic<std::uint64_t>& own = shares_[static_cast<std::size_t>(thread)].pieces;
  while (own.load(std::memory_order_acquire) != kOver) {
    const std::int64_t done = work(thread);
    if (done > 0) finish(done);
    wait_for_pieces(thread, awake);
  }
  member_here = false;
}

void Team::run(std::int64_t count, const Body& body, Deal deal) {
  assert(led_here == this && count < std::int64_t{kLeaderSleeps});
  FirstError error;
  hand_out(count, body, deal, error);
  led_here = nullptr;  // loops within a piece run serially
  const std::int64_t done = work(0);
  if (done > 0) finish(done);
  wait_until_done(awake_);
  led_here = this;
  error.rethrow();
}

void Team::hand_out(std::int64_t count, const Body& body, Deal deal, FirstError& error) {
  loop_ = {&body, &error, count, deal, size_};
  unfinished_.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  for (int i = 0; i < size_; ++i) {
    const std::int64_t share = deal == Deal::in_runs
                                   ? run_begin(count, i + 1, size_) - run_begin(count, i, size_)
                                   : (count - i + size_ - 1) / size_;
    shares_[static_cast<std::size_t>(i)].pieces.store(static_cast<std::uint64_t>(share) << 32,
                                                      std::memory_order_release);
  }
  wake_sleepers();
}

// Takes the next piece of a share; false where it has none left. Between the load and the exchange a share
// may have been used up and filled again for the next loop. The exchange then compares the whole new value,
// so it takes a piece of the new loop, which cannot end before that piece is done.
bool Team::take(int share, std::int64_t& index) {
  std::atomic<std::uint64_t>& pieces = shares_[static_cast<std::size_t>(share)].pieces;
  std::uint64_t seen = pieces.load(std::memory_order_acquire);
  do {
    if (!has_some(seen)) return false;
  } while (
      !pieces.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  const auto next = static_cast<std::int64_t>(next_of(seen));
  index = loop_.deal == Deal::in_runs ? run_begin(loop_.count, share, loop_.threads) + next
                                      : next * loop_.threads + share;
  return true;
}

// Runs the thread's own pieces and then those of others. Returns how many it ran.
std::int64_t Team::work(int thread) {
  std::int64_t done = 0;
  std::int64_t index = 0;
  for (int i = 0; i < capacity_; ++i)
    for (; take((thread + i) % capacity_, index); ++done) {
      if (loop_.error->makes_pointless(index)) continue;
      try {
        (*loop_.body)(index);
      } catch (...) {
        loop_.error->record(index, std::current_exception());
      }
    }
  return done;
}

void Team::finish(std::int64_t pieces) {
  const auto count = static_cast<std::uint32_t>(pieces);
  if (unfinished_.fetch_sub(count, std::memory_order_acq_rel) - count == kLeaderSleeps)
    unfinished_.notify_one();
}

void Team::wait_until_done(nanoseconds awake) {
  const auto done = [&] { return unfinished_.load(std::memory_order_acquire) == 0; };
  if (wait_awake(awake, done)) return;
  std::uint32_t left = unfinished_.fetch_or(kLeaderSleeps, std::memory_order_acq_rel) | kLeaderSleeps;
  for (; left != kLeaderSleeps; left = unfinished_.load(std::memory_order_acquire))
    unfinished_.wait(left, std::memory_order_acquire);
}

// A thread that goes to sleep first counts itself among the sleepers and then looks at its share once more.
// The leader first fills the shares and then reads the count, by an exchange. So either the thread sees its
// pieces or the leader sees the sleeper.
void Team::wake_sleepers() {
  if (sleepers_.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  bell_.fetch_add(1, std::memory_order_release);
  bell_.notify_all();
}

void Team::wait_for_pieces(int thread, nanoseconds awake) {
  const std::atomic<std::uint64_t>& own = shares_[static_cast<std::size_t>(thread)].pieces;
  const auto called = [&] {
    const std::uint64_t pieces = own.load(std::memory_order_acquire);
    return has_some(pieces) || pieces == kOver;
  };
  if (wait_awake(awake, called)) return;
  const std::uint32_t rung = bell_.load(std::memory_order_acquire);
  sleepers_.fetch_add(1, std::memory_order_acq_rel);
  if (!called()) bell_.wait(rung, std::memory_order_acquire);
  sleepers_.fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace toptheta
