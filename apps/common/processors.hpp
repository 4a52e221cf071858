// The processors that this process may use.
#pragma once
#include <string>

#include "common/console.hpp"

namespace toptheta::app {

struct Processors {
  int cores = 0;        // physical cores that it may use; 0: the system does not say
  std::string limit{};  // what limits the number: "this machine has", "the affinity leaves", ...
};

// From the topology of the system (/sys), the affinity of the process, and the share of processor time of its
// control group (cpu.max, rounded up). Two hardware threads of one core count as one core.
Processors usable_processors();

// Warns if there are more threads than cores.
void warn_about_threads(int threads, Console& console);

}  // namespace toptheta::app
