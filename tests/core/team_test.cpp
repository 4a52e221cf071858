#include "core/team.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/parallel.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

// A team of threads of our own, which a sanitizer sees through.
void with_threads(Team& team, int threads, const std::function<void()>& program) {
  team.open();
  std::exception_ptr error;
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < threads; ++t)
      others.emplace_back([&team, t] { team.serve(t); });
    error = team.lead(threads, program);
  }
  if (error) std::rethrow_exception(error);
}

// Loops of all sizes, each of which needs what the one before it left behind.
void check_loops(Team& team, int loops) {
  std::vector<std::int64_t> values(97, 0);
  std::vector<std::int64_t> expected = values;
  for (int loop = 0; loop < loops; ++loop) {
    const std::int64_t count = 1 + loop * 7 % std::ssize(values);
    const auto body = [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      values[at] = values[values.size() - 1 - at] * 3 + loop;
    };
    // A piece reads what another one of the same loop must not write.
    const std::int64_t half = std::min(count, std::ssize(values) / 2);
    team.run(half, body, loop % 2 == 0 ? Deal::in_turn : Deal::in_runs);
    for (std::int64_t i = 0; i < half; ++i)
      expected[static_cast<std::size_t>(i)] =
          expected[expected.size() - 1 - static_cast<std::size_t>(i)] * 3 + loop;
    const auto turn = [&](std::int64_t i) { values[static_cast<std::size_t>(i + 48)] ^= i + loop; };
    team.run(49, turn, Deal::in_turn);
    for (std::int64_t i = 0; i < 49; ++i)
      expected[static_cast<std::size_t>(i + 48)] ^= i + loop;
  }
  CHECK(values == expected);
}

}  // namespace

TEST_CASE("a loop of a team has ended when it returns, at any number of threads", "[team]") {
  const bool crowded = GENERATE(false, true);
  const int threads = GENERATE(1, 2, 3, 7, 32);
  CAPTURE(crowded, threads);
  Team team(threads, crowded);
  for (int round = 0; round < 3; ++round)
    with_threads(team, threads, [&] {
      CHECK(Team::led() == &team);
      CHECK(team.size() == threads);
      check_loops(team, 150);
    });
  CHECK(Team::led() == nullptr);
}

TEST_CASE("every piece of a team's loop runs once", "[team]") {
  for (const Deal deal : {Deal::in_turn, Deal::in_runs}) {
    Team team(5, false);
    with_threads(team, 5, [&] {
      for (const std::int64_t count : {0, 1, 2, 4, 5, 6, 11, 1000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
        team.run(
            count, [&](std::int64_t i) { ++seen[static_cast<std::size_t>(i)]; }, deal);
        for (const auto& times : seen)
          REQUIRE(times == 1);
      }
    });
  }
}

TEST_CASE("a team does not wait for threads that never come, nor for fewer than it has room for", "[team]") {
  Team team(8, false);
  team.open();
  std::int64_t sum = 0;
  std::jthread late;
  const std::exception_ptr error = team.lead(4, [&] {
    std::vector<std::int64_t> squares(100);
    team.run(
        100, [&](std::int64_t i) { squares[static_cast<std::size_t>(i)] = i * i; }, Deal::in_runs);
    for (const std::int64_t square : squares)
      sum += square;
    late = std::jthread([&team] { team.serve(1); });
  });
  CHECK(!error);
  CHECK(sum == 328350);
}

TEST_CASE("errors leave a team's loop and its program, and the team goes on", "[team]") {
  Team team(4, false);
  const auto error_of = [&](const std::function<void()>& program) {
    try {
      with_threads(team, 4, program);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  const auto fails = [](std::int64_t i) {
    if (i >= 7) throw std::runtime_error(std::to_string(i));
  };
  for (int repeat = 0; repeat < 20; ++repeat) {
    CHECK(error_of([&] { team.run(50, fails, Deal::in_turn); }) == "7");
    CHECK(error_of([&] { team.run(50, fails, Deal::in_runs); }) == "7");
  }
  CHECK(error_of([] { throw std::runtime_error("program"); }) == "program");
  CHECK(error_of([&] {
          CHECK_THROWS_AS(team.run(50, fails, Deal::in_turn), std::runtime_error);
          check_loops(team, 5);
        }) == "none");
}

TEST_CASE("loops within a program share one team", "[team]") {
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    std::vector<std::atomic<int>> seen(100);
    bool whole = true;
    with_team([&] {
      whole = whole && thread_count() == threads;
      with_team([&] {
        parallel_for(10, [&](std::int64_t i) {
          with_team([&] {
            parallel_runs(10, [&](std::int64_t j) { ++seen[static_cast<std::size_t>(10 * i + j)]; });
          });
        });
      });
      parallel_for(
          100, [&](std::int64_t i) { ++seen[static_cast<std::size_t>(i)]; }, 2);
    });
    CHECK(whole);
    for (const auto& times : seen)
      REQUIRE(times == 2);
    CHECK_THROWS_AS(with_team([] { throw std::runtime_error("out"); }), std::runtime_error);
    CHECK(Team::led() == nullptr);
  }
  set_thread_count(0);
}
