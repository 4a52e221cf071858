// Threads that stay together for many short parallel loops, as a step of a model has them.
//
// One thread leads: it runs the program between the loops, and hands out the pieces of each. The others wait
// for pieces, awake for a while and then asleep. A loop ends when its pieces are done, whoever did them: a
// thread that the system keeps from running holds nobody up, because others take its pieces.
#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

namespace toptheta {

class FirstError;

// Which thread a piece is meant for. One that runs out of pieces takes from the others.
enum class Deal {
  in_turn,  // piece i for thread i mod threads
  in_runs,  // neighbours for the same thread; at every loop of as many pieces the same ones
};

// How long a thread waits awake before it sleeps. Waking takes longer than the loops of a step lie apart; but
// awake, a thread takes its processor from whoever has work. So one that was taken off its processor since it
// last looked waits half as long from then on, and twice as long again each time that it was not. It never
// sleeps at once: on a busy machine, waking up for every loop takes longer than the loops.
class Patience {
 public:
  void look();  // asks the system: 0.3 us
  [[nodiscard]] std::chrono::nanoseconds limit() const { return limit_; }

 private:
  std::chrono::nanoseconds limit_{0};
  std::int64_t taken_off_ = -1;  // times so far
};

class Team {
 public:
  using Body = std::function<void(std::int64_t index)>;

  // `crowded`: there are fewer processors than threads, and nobody waits awake. Threads are the caller's.
  Team(int threads, bool crowded);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  [[nodiscard]] int capacity() const { return capacity_; }
  [[nodiscard]] bool crowded() const { return crowded_; }

  // What one thread runs, as the leader of `threads`, at most the capacity; returns what `program` threw. The
  // others run serve() in the meantime, each as another of 1 ... threads - 1, and return when the program has
  // ended. Before serve() is called again, open() must be.
  std::exception_ptr lead(int threads, const std::function<void()>& program);
  void serve(int thread);
  void open();

  // The team that this thread leads, between the pieces of loops; else null.
  static Team* led();
  // Whether this thread leads or serves a team.
  static bool is_member();
  [[nodiscard]] int size() const { return size_; }
  // For the leader: runs body(index) for 0 <= index < count, less than 2^31. Where pieces throw, throws the
  // exception of the lowest index; later pieces may be skipped.
  void run(std::int64_t count, const Body& body, Deal deal);

 private:
  // Pieces meant for a thread that nobody has begun: the next one in the lower half, and how many there are
  // at all in the upper half.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> pieces{0};
  };
  // What the pieces of the shares are. Written when no piece is left, read by whoever has taken one.
  struct Loop {
    const Body* body = nullptr;
    FirstError* error = nullptr;
    std::int64_t count = 0;
    Deal deal = Deal::in_turn;
    int threads = 1;
  };

  bool take(int share, std::int64_t& index);
  std::int64_t work(int thread);
  void hand_out(std::int64_t count, const Body& body, Deal deal, FirstError& error);
  void wake_sleepers();
  void wait_for_pieces(int thread, std::chrono::nanoseconds awake);
  void finish(std::int64_t pieces);
  void wait_until_done(std::chrono::nanoseconds awake);
  [[nodiscard]] std::chrono::nanoseconds patience();

  int capacity_;
  bool crowded_;
  int size_ = 1;
  std::chrono::nanoseconds awake_{0};  // for the leader
  Loop loop_;
  std::unique_ptr<Share[]> shares_;
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};  // pieces; the highest bit: the leader sleeps
  alignas(64) std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<std::uint32_t> bell_{0};  // what sleepers wait for to change
};

// Runs `program` with a team of thread_count() threads for all parallel loops in it: one parallel region
// instead of one for each. Within a team, or another parallel loop, it just runs it.
void with_team(const std::function<void()>& program);

// As parallel_for (core/parallel.hpp), with neighbouring pieces for the same thread, and the same ones at
// every loop of as many pieces: what a thread wrote first lies in memory near to it, and some of what it read
// last is still in its cache.
void parallel_runs(std::int64_t count, const std::function<void(std::int64_t index)>& body);

}  // namespace toptheta
