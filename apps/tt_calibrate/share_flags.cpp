#include "tt_calibrate/share_flags.hpp"

#include <fmt/format.h>

#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "common/shard_flag.hpp"
#include "core/error.hpp"

namespace toptheta::app {

void declare_share(CLI::App& app, ShareFlags& flags) {
  app.add_option("--shard", flags.shard,
                 "Calibrate on share I of N of the samples, counted from 1, and write a part for "
                 "tt-calibrate merge: 2/8. All shares take the same flags and inputs")
      ->type_name("I/N")
      ->group(kShareGroup);
  app.add_option(
         "--sdc-from", flags.sdc_from,
         "Take finished thresholds from this table and run only the second pass of --sdc. Without -k, "
         "those of any table with all their settings: of budget, retarget, or another fit. With -k and "
         "all flags of the first round: the second round of shares (docs/cluster.md)")
      ->type_name("FILE")
      ->group(kShareGroup);
  app.add_option("--checkpoint", flags.checkpoint,
                 "Save the state to this file while working. It is removed once the result is written")
      ->type_name("FILE")
      ->group(kShareGroup);
  app.add_option("--checkpoint-every", flags.checkpoint_every,
                 "Seconds between two checkpoints, which are written between samples; 0 = after each sample")
      ->type_name("SECONDS")
      ->check(non_negative())
      ->capture_default_str()
      ->group(kShareGroup);
  app.add_flag("--resume", flags.resume,
               "Continue from the --checkpoint file if it exists. The result is the same to the last bit")
      ->group(kShareGroup);
}

SharePlan resolve_share(const ShareFlags& flags, const std::filesystem::path& output, bool has_sdc,
                        const Communicator& cluster) {
  SharePlan plan;
  if (!flags.shard.empty()) {
    if (cluster.size() > 1)
      throw UsageError({.where = "--shard",
                        .what = "under mpirun or srun, the processes distribute the samples by themselves",
                        .found = fmt::format("{} processes", cluster.size()),
                        .next = "leave it out, or start each share without mpirun or srun"});
    plan.shard = parse_shard(flags.shard);
    plan.part = output;
  }
  if (!flags.sdc_from.empty() && !has_sdc)
    throw UsageError({.where = "--sdc-from",
                      .what = "only applies with --sdc or --sdc-offline",
                      .next = "say which terms to find: --sdc calibrated, for example"});
  plan.sdc_from = flags.sdc_from;
  if (flags.checkpoint.empty() && flags.resume)
    throw UsageError({.where = "--resume", .what = "needs --checkpoint FILE, the file to continue from"});
  plan.checkpoint = {flags.checkpoint, flags.checkpoint_every, flags.resume};
  const std::filesystem::path own = own_checkpoint(flags.checkpoint, cluster.rank(), cluster.size());
  if (!own.empty() && !flags.resume && std::filesystem::exists(own))
    throw UsageError({.where = "--checkpoint",
                      .what = "the file exists already",
                      .found = own.string(),
                      .next = "add --resume to continue from it, or remove it"});
  if (!flags.checkpoint.empty() &&
      std::filesystem::path(flags.checkpoint).lexically_normal() == output.lexically_normal())
    throw UsageError({.where = "--checkpoint", .what = "is the file of -o", .next = "name another file"});
  if (!flags.sdc_from.empty()) {
    require_distinct(output, flags.sdc_from, "-o");
    require_distinct(flags.checkpoint, flags.sdc_from, "--checkpoint");
  }
  return plan;
}

void remove_checkpoint(const SharePlan& plan, const Communicator& cluster) {
  std::error_code ignored;
  const std::filesystem::path own = own_checkpoint(plan.checkpoint.path, cluster.rank(), cluster.size());
  if (!own.empty()) std::filesystem::remove(own, ignored);
}

}  // namespace toptheta::app
