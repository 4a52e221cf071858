// tt-calibrate fit: thresholds from dumps, or from a model and texts.
#include "common/output.hpp"
#include "eval/calibrate_from_dumps.hpp"
#include "eval/calibrate_from_model.hpp"
#include "report/thresholds.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/fit_flags.hpp"

namespace toptheta::app {

namespace {

Calibration calibrate(const FitPlan& plan, Session& session) {
  if (!plan.dumps.empty()) {
    Calibration calibration = calibrate_from_dumps(plan.dumps, plan.options);
    calibration.table.meta.provenance = session.provenance_of(plan.dumps);
    return calibration;
  }
  LanguageModel model = load_language_model(plan.source.model);
  const std::vector<TextWindow> windows = text_windows(model, plan.source.texts, plan.context);
  Calibration calibration = calibrate_from_model(model, windows, plan.options, plan.tac);
  calibration.table.meta.provenance = provenance_of(plan.source, model, session);
  return calibration;
}

class FitCommand : public Command {
 public:
  void declare(CLI::App& app) override { declare_fit(app, flags_); }
  void run(Session& session) override {
    const FitPlan plan = resolve_fit(flags_, session);
    const Calibration calibration = calibrate(plan, session);
    session.console.finish();
    for (const std::string& warning : calibration.warnings)
      session.console.warn(warning,
                           "use a smaller k or longer texts, or leave such layers dense with --layer-k");
    const std::string summary =
        format_listing(thresholds_listing(calibration.table, {}), plan.summary_format);
    write_table(calibration.table, 0, plan.output, plan.table_format);
    write_stdout(summary);
  }

 private:
  FitFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_fit_command() {
  return std::make_unique<FitCommand>();
}

}  // namespace toptheta::app
