#include "common/openmp.hpp"

#include <unistd.h>

#include <cstdlib>

namespace toptheta::app {

void wait_passively(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("OMP_WAIT_POLICY", "passive", 0) != 0) return;
  execv("/proc/self/exe", argv);  // returns only where it failed: then the threads spin
}

}  // namespace toptheta::app
