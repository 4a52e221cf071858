// tt-calibrate fit: thresholds from dumps, or from a model and texts.
#include <fmt/format.h>

#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "report/listing.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/fit_job.hpp"
#include "tt_calibrate/fit_result.hpp"

namespace toptheta::app {

namespace {

Listing summarize(const FitPlan& plan, const CalibrationOutcome& outcome) {
  Listing listing;
  listing.schema = "toptheta.part-summary/1";
  listing.columns = {{"path", "part", false},
                     {"shard", "shard"},
                     {"shards", "of"},
                     {"samples", "samples"},
                     {"bytes", "bytes"}};
  listing.rows.push_back({plan.output.string(), plan.share.shard.index + 1, plan.share.shard.count,
                          outcome.samples.last - outcome.samples.first,
                          std::filesystem::file_size(plan.output)});
  return listing;
}

class FitCommand : public Command {
 public:
  void declare(CLI::App& app) override { declare_fit(app, flags_); }
  [[nodiscard]] bool is_parallel() const override { return true; }
  void run(Session& session) override {
    const FitPlan plan = resolve_fit(flags_, session);
    if (plan.resources.dry_run) {
      DumpSource source(plan.dumps);
      if (session.cluster.rank() == 0)
        print_estimate(source, plan.options, plan.share.shard, plan.summary_format);
      return;
    }
    const CalibrationOutcome outcome = run_fit(plan, session);
    session.console.finish();
    if (outcome.calibration)
      write_fit_result(*outcome.calibration, {plan.output, plan.table_format, plan.summary_format}, session);
    else if (plan.share.is_part())
      write_summary(plan.output, format_listing(summarize(plan, outcome), plan.summary_format, layout_of({})),
                    session.console.quiet());
    remove_checkpoint(plan.share, session.cluster);
  }

 private:
  FitFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_fit_command() {
  return std::make_unique<FitCommand>();
}

}  // namespace toptheta::app
