#include "tt_calibrate/curve_flags.hpp"

#include "core/error.hpp"

namespace toptheta::app {

void declare_curves(CLI::App& app, CurveFlags& flags) {
  app.add_flag(
      "--curve", flags.curve,
      "Also store curves, from which tt-calibrate retarget finds any other k without the data (.h5 only); a "
      "second pass over all rows");
  app.add_option(
         "--estimator", flags.estimator,
         "exact = mean of the rows' own thresholds; pooled = the threshold under which rows keep k on "
         "average, from curves: keeps k on unseen text where exact keeps more")
      ->type_name("exact|pooled")
      ->check(CLI::IsMember({"exact", "pooled"}).description(""))
      ->capture_default_str();
}

CurvePlan resolve_curves(const CurveFlags& flags, const CurveCompany& company) {
  const bool pooled = flags.estimator == "pooled";
  if (!pooled && !flags.curve) return {};
  const std::string flag = pooled ? "--estimator pooled" : "--curve";
  const auto fail = [&flag](const char* what, const char* next) {
    throw UsageError({.where = flag, .what = what, .next = next});
  };
  if (company.tac) fail("sees rows as dense attention leaves them, not as --tac does", "drop --tac");
  if (company.follow) fail("reads finished dumps", "drop --follow, or wait until the dump is complete");
  if (company.shared)
    fail("is not kept in parts, checkpoints or over several processes",
         "run it in one process, without --shard, --sdc-from and --checkpoint");
  if (pooled && company.sdc_offline)
    fail("has no row thresholds for --sdc-offline to follow",
         "use --estimator exact, or --sdc exact at inference");
  if (pooled && company.add_sigma)
    fail("meets k on average: --add-sigma has nothing to correct", "drop --add-sigma");
  return {true, pooled};
}

}  // namespace toptheta::app
