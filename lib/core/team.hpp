// A team of threads that stay together for many short parallel loops, as one step of a model needs them.
//
// One thread leads: it runs the program between the loops and hands out the pieces of each loop. The others
// wait for pieces, at first awake and after a while asleep. A loop ends when all its pieces are done, whoever
// did them. So a thread that the system keeps from running delays nobody: others take its pieces.
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

// Which thread each piece is meant for. A thread that runs out of pieces takes some from the others.
enum class Deal {
  in_turn,  // piece i is for thread i mod threads
  in_runs,  // neighbouring pieces are for the same thread, the same in every loop of equally many pieces
};

// How long a thread waits awake before it sleeps. Waking a thread takes longer than the gap between two loops
// of a step. But a waiting thread that stays awake takes its processor from threads that have work. So a
// thread that was taken off its processor since it last looked halves its limit, and one that was not doubles
// it. The limit never falls to zero: on a busy machine, waking up for every loop takes longer than the loops.
class Patience {
 public:
  void look();  // adjusts limit(); asks the system, which takes 0.3 us
  [[nodiscard]] std::chrono::nanoseconds limit() const { return limit_; }

 private:
  std::chrono::nanoseconds limit_{0};
  std::int64_t taken_off_ = -1;  // how many times so far; -1 before the first look()
};

class Team {
 public:
  using Body = std::function<void(std::int64_t index)>;

  // `crowded`: there are more threads than processors, and nobody waits awake. The caller provides the
  // threads.
  Team(int threads, bool crowded);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  [[nodiscard]] int capacity() const { return capacity_; }
  [[nodiscard]] bool crowded() const { return crowded_; }

  // The leader calls lead(), with the number of threads in this region, at most the capacity; it runs
  // `program` and returns what that threw. Each other thread t, 1 <= t < threads, calls serve(t), which
  // returns when the program has ended. open() must be called before serve() is called again.
  std::exception_ptr lead(int threads, const std::function<void()>& program);
  void serve(int thread);
  void open();

  // The team that this thread leads, or null. Also null while the leader itself runs pieces of a loop.
  static Team* led();
  // Whether this thread leads or serves a team.
  static bool is_member();
  [[nodiscard]] int size() const { return size_; }
  // For the leader: runs body(index) for 0 <= index < count, where count < 2^31. Where pieces throw, it
  // throws the exception of the lowest index; later pieces may be skipped.
  void run(std::int64_t count, const Body& body, Deal deal);

 private:
  // The pieces that are meant for one thread and that nobody has begun: the lower half is the number of the
  // next one, the upper half is how many there are in all.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> pieces{0};
  };
  // The loop that the pieces belong to. The leader writes it while no piece is left; whoever has taken a
  // piece reads it.
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
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};  // pieces left; top bit: the leader sleeps
  alignas(64) std::atomic<std::uint32_t> sleepers_{0};
  std::atomic<std::uint32_t> bell_{0};  // sleepers wait for this to change
};

// Runs `program` with a team of thread_count() threads that serves all parallel loops in it: one parallel
// region instead of one for each loop. Within a team or another parallel loop it only calls `program`.
void with_team(const std::function<void()>& program);

// Like parallel_for (core/parallel.hpp), but neighbouring pieces go to the same thread, and to the same one
// in every loop of equally many pieces. What a thread wrote first then lies in memory near its processor, and
// some of what it read last is still in its cache.
void parallel_runs(std::int64_t count, const std::function<void(std::int64_t index)>& body);

}  // namespace toptheta
