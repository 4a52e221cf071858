// What fit may take, and what it would: --max-memory, --dry-run, --digest.
#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "calibrate/dump_source.hpp"
#include "calibrate/inputs.hpp"
#include "calibrate/options.hpp"
#include "common/session.hpp"
#include "report/format.hpp"

namespace toptheta::app {

struct ResourceFlags {
  std::string max_memory{};
  bool dry_run = false;
  DigestPolicy digest = DigestPolicy::automatic;
};

struct ResourcePlan {
  std::int64_t max_memory = 0;  // bytes; 0: no limit
  bool dry_run = false;
  DigestPolicy digest = DigestPolicy::automatic;
};

void declare_resources(CLI::App& app, ResourceFlags& flags);

// `from_dumps`: whether the input is finished dumps. Throws UsageError.
ResourcePlan resolve_resources(const ResourceFlags& flags, bool from_dumps);

// Prints what the calibration will take.
void print_estimate(DumpSource& source, const CalibrationOptions& options, const Shard& shard,
                    ResultFormat format);

// Keeps reading within the memory that the calibration itself leaves. Throws UsageError, with the least that
// works, where that is too little.
void limit_memory(DumpSource& source, const CalibrationOptions& options, const Shard& shard,
                  std::int64_t most);

}  // namespace toptheta::app
