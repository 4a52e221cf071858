#include "tt_calibrate/follow_flags.hpp"

#include "common/common_flags.hpp"
#include "core/error.hpp"

namespace toptheta::app {

namespace {

constexpr const char* kFollowGroup = "Live dumps";

}  // namespace

void declare_follow(CLI::App& app, FollowFlags& flags) {
  app.add_option("--follow", flags.dump,
                 "Take samples from this dump while another process is writing it, until that process marks "
                 "the end (docs/formats.md, \"Live dumps\")")
      ->type_name("DUMP")
      ->group(kFollowGroup);
  app.add_option("--follow-timeout", flags.timeout, "Stop after this many seconds without a new sample")
      ->type_name("SECONDS")
      ->check(non_negative())
      ->capture_default_str()
      ->group(kFollowGroup);
  app.add_option("--until-ci", flags.until_ci,
                 "Stop once every head's thresholds are known to within this share (95% interval), as a "
                 "relative error of the softmax weight at the threshold: 0.05; 0 = do not")
      ->type_name("REL")
      ->check(non_negative())
      ->capture_default_str()
      ->group(kFollowGroup);
}

FollowPlan resolve_follow(const FollowFlags& flags) {
  if (flags.dump.empty() && flags.until_ci > 0)
    throw UsageError({.where = "--until-ci", .what = "only applies with --follow"});
  return {flags.dump, {.timeout = flags.timeout, .until_interval = flags.until_ci}};
}

}  // namespace toptheta::app
