// Reads the settings of a sweep as tt-eval run reads its flags.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tt_eval/run_flags.hpp"

namespace toptheta::app {

// The declared flags of run and --seed. Cannot be moved, because the declarations refer to the object.
struct RunParser {
  explicit RunParser(std::uint64_t usual_seed) : seed(usual_seed) {
    declare_run(app, flags);
    app.add_option("--seed", seed);
  }
  RunParser(const RunParser&) = delete;
  RunParser& operator=(const RunParser&) = delete;
  ~RunParser() = default;

  CLI::App app;
  RunFlags flags{};
  std::uint64_t seed;
};

// The flags and the seed that these settings give. Throws UsageError for anything that run refuses.
std::pair<RunFlags, std::uint64_t> parse_settings(
    const std::vector<std::pair<std::string, std::string>>& settings, std::uint64_t seed = 0);

}  // namespace toptheta::app
