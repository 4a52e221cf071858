// --shard, --sdc-from, --checkpoint and --resume: calibration in shares, and in several sessions.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "calibrate/run.hpp"

namespace toptheta::app {

struct ShareFlags {
  std::string shard{};
  std::string sdc_from{};
  std::string checkpoint{};
  double checkpoint_every = 60;
  bool resume = false;
};

struct SharePlan {
  Shard shard{};
  std::filesystem::path part{};  // empty: the whole calibration
  std::filesystem::path sdc_from{};
  CheckpointPlan checkpoint{};

  [[nodiscard]] bool is_part() const { return !part.empty(); }
};

inline constexpr const char* kShareGroup = "Several machines, interruptions";

void declare_share(CLI::App& app, ShareFlags& flags);

// `output` is the file of -o, which is a part file if there is a shard. Throws UsageError.
SharePlan resolve_share(const ShareFlags& flags, const std::filesystem::path& output, bool has_sdc,
                        const Communicator& cluster);

// To be called once the result is written.
void remove_checkpoint(const SharePlan& plan, const Communicator& cluster);

}  // namespace toptheta::app
