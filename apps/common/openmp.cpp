#include "common/openmp.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <vector>

#include "core/error.hpp"

namespace toptheta::app {

namespace {

// The processors of the runtime's places; none where it knows no places.
cpu_set_t processors_of_places() {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> processors(static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, processors.data());
    for (const int processor : processors)
      if (processor < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(processor), &all);
  }
  return all;
}

// Where OMP_PROC_BIND is set the runtime has bound this thread to one place before main(): a program that
// starts from here would find no other processor.
void unbind() {
  const cpu_set_t all = processors_of_places();
  if (CPU_COUNT(&all) > 0) sched_setaffinity(0, sizeof(all), &all);
}

// A size as OMP_STACKSIZE has it: a number of kilobytes, or with a unit B, K, M or G behind it; 0 where it is
// none.
unsigned long long stack_size(const char* text) {
  char* end = nullptr;
  const unsigned long long number = std::strtoull(text, &end, 10);
  if (end == text) return 0;
  while (std::isspace(static_cast<unsigned char>(*end)) != 0)
    ++end;
  switch (std::toupper(static_cast<unsigned char>(*end))) {
    case 'B':
      return number;
    case 'M':
      return number << 20;
    case 'G':
      return number << 30;
    default:
      return number << 10;
  }
}

void* wait_for_the_others(void* all_started) {
  static_cast<std::latch*>(all_started)->wait();
  return nullptr;
}

}  // namespace

cpu_set_t usable_by_threads() {
  cpu_set_t usable = processors_of_places();
  if (CPU_COUNT(&usable) == 0 && sched_getaffinity(0, sizeof(usable), &usable) != 0) CPU_ZERO(&usable);
  return usable;
}

void grow_thread_stacks(char** argv) {
  constexpr unsigned long long kLeast = 4ULL << 20;
  for (const char* name : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
    const char* const asked = std::getenv(name);
    if (asked == nullptr || stack_size(asked) == 0 || stack_size(asked) >= kLeast) continue;
    if (setenv(name, "4M", 1) == 0) execv("/proc/self/exe", argv);
  }
}

void require_threads(int threads) {
  std::latch all_started(1);
  std::vector<pthread_t> started;
  int error = 0;
  while (error == 0 && static_cast<int>(started.size()) + 1 < threads) {
    pthread_t thread = {};
    error = pthread_create(&thread, nullptr, wait_for_the_others, &all_started);
    if (error == 0) started.push_back(thread);
  }
  all_started.count_down();
  for (const pthread_t thread : started)
    pthread_join(thread, nullptr);
  if (error != 0)
    throw UnfinishedError(
        {.where = fmt::format("thread {} of {}", started.size() + 2, threads),
         .what = "the system does not let it start",
         .found = std::strerror(error),
         .next = fmt::format("use --threads {}, or raise the limits on processes and memory",
                             started.size() + 1)});
}

void bind_threads() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("OMP_PROC_BIND", "true", 0);
}

void wait_passively(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("OMP_WAIT_POLICY", "passive", 0) != 0) return;
  // Sleeping and waking takes longer than the loops of a decode step lie apart, so idle threads of GCC's
  // runtime spin for some microseconds before. That is too short to be felt where processors are shared.
  setenv("GOMP_SPINCOUNT", "1000", 0);
  unbind();
  execv("/proc/self/exe", argv);  // returns only where it failed: then the threads spin
}

}  // namespace toptheta::app
