#include "common/processors.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "common/openmp.hpp"

namespace toptheta::app {

namespace {

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

// The cores of the processors that the affinity leaves.
int allowed_cores(const cpu_set_t& allowed) {
  std::set<std::pair<std::string, std::string>> cores;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) == 0) continue;
    const std::string topology = fmt::format("/sys/devices/system/cpu/cpu{}/topology/", cpu);
    const auto core = first_line(topology + "core_id");
    const auto package = first_line(topology + "physical_package_id");
    // Where the system does not say, a processor counts as a core.
    cores.emplace(package.value_or(""), core ? *core : fmt::format("cpu {}", cpu));
  }
  return static_cast<int>(cores.size());
}

// Processors' worth of time of this process's group; nullopt: as much as there is.
std::optional<double> time_share() {
  std::ifstream groups("/proc/self/cgroup");
  std::string group;
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::")) group = line.substr(3);
  for (const std::string& folder : {group, std::string()}) {
    const auto line = first_line("/sys/fs/cgroup" + folder + "/cpu.max");
    if (!line || line->starts_with("max")) continue;
    double quota = 0;
    double period = 0;
    if (std::istringstream(*line) >> quota >> period && period > 0) return quota / period;
  }
  return std::nullopt;
}

}  // namespace

Processors usable_processors() {
  const cpu_set_t allowed = usable_by_threads();
  if (CPU_COUNT(&allowed) == 0) return {};
  const bool all = CPU_COUNT(&allowed) >= sysconf(_SC_NPROCESSORS_ONLN);
  Processors usable{allowed_cores(allowed), all ? "this machine has" : "the affinity of this process leaves"};
  if (const auto share = time_share(); share && std::ceil(*share) < usable.cores)
    usable = {static_cast<int>(std::ceil(*share)), "the control group of this process has"};
  return usable;
}

void warn_about_threads(int threads, Console& console) {
  const Processors usable = usable_processors();
  if (usable.cores == 0 || threads <= usable.cores) return;
  console.warn(fmt::format("{} threads, but {} {} physical core{}", threads, usable.limit, usable.cores,
                           usable.cores == 1 ? "" : "s"),
               "more threads than cores rarely make a program faster");
}

}  // namespace toptheta::app
