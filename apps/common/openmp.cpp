#include "common/openmp.hpp"

#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace toptheta::app {

namespace {

// Where OMP_PROC_BIND is set the runtime has bound this thread to one place before main(): a program that
// starts from here would find no other processor.
void unbind() {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> processors(static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, processors.data());
    for (const int processor : processors)
      if (processor < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(processor), &all);
  }
  if (CPU_COUNT(&all) > 0) sched_setaffinity(0, sizeof(all), &all);
}

}  // namespace

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
