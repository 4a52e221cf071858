#include "core/parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <optional>

#include "core/team.hpp"

namespace toptheta {

namespace {

const int kDefaultThreads = omp_get_max_threads();
const int kProcessors = omp_get_num_procs();

// Runs `program` in one parallel region: this thread leads, the others serve.
void in_region(int threads, const std::function<void()>& program) {
  // The team is kept from one region to the next, so that a step of a model allocates nothing.
  static thread_local std::optional<Team> kept;
  const bool crowded = threads > kProcessors;
  if (!kept || kept->capacity() != threads || kept->crowded() != crowded) kept.emplace(threads, crowded);
  Team& team = *kept;
  team.open();
  std::exception_ptr error;
#pragma omp parallel num_threads(threads) default(none) shared(team, program, error)
  {
    if (omp_get_thread_num() == 0)
      error = team.lead(omp_get_num_threads(), program);
    else
      team.serve(omp_get_thread_num());
  }
  if (error) std::rethrow_exception(error);
}

void run_serially(std::int64_t count, const Team::Body& body) {
  for (std::int64_t i = 0; i < count; ++i)
    body(i);
}

bool is_in_loop() {
  return Team::is_member() || omp_in_parallel() != 0;
}

void run_loop(std::int64_t count, const Team::Body& body, int most_threads, Deal deal) {
  Team* const team = Team::led();
  const int all = team != nullptr ? team->size() : thread_count();
  const int threads = most_threads > 0 ? std::min(most_threads, all) : all;
  if (count <= 1 || threads == 1) return run_serially(count, body);
  // A team cannot keep some of its threads out of a loop.
  if (team != nullptr) return threads == all ? team->run(count, body, deal) : run_serially(count, body);
  if (is_in_loop()) return run_serially(count, body);
  in_region(threads, [&] { Team::led()->run(count, body, deal); });
}

}  // namespace

void set_thread_count(int threads) {
  omp_set_num_threads(threads > 0 ? threads : kDefaultThreads);
}

int thread_count() {
  const Team* const team = Team::led();
  return team != nullptr ? team->size() : omp_get_max_threads();
}

void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body, int most_threads) {
  run_loop(count, body, most_threads, Deal::in_turn);
}

void parallel_runs(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  run_loop(count, body, 0, Deal::in_runs);
}

void with_team(const std::function<void()>& program) {
  const int threads = thread_count();
  if (threads == 1 || is_in_loop()) return program();
  in_region(threads, program);
}

}  // namespace toptheta
