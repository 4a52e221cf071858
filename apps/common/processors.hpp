// What this process may run on.
#pragma once
#include <string>

#include "common/console.hpp"

namespace toptheta::app {

struct Processors {
  int cores = 0;        // physical ones among the processors that it may use; 0: the system does not tell
  std::string limit{};  // what keeps it from using more: "this machine has", "the affinity leaves", ...
};

// By the system's topology (/sys), the affinity of the process and its group's share of processor time
// (cpu.max, rounded up). Two threads of one core count as one core.
Processors usable_processors();

// Warns where there are more threads than cores.
void warn_about_threads(int threads, Console& console);

}  // namespace toptheta::app
