// tt-calibrate fit: thresholds from dumps, or from a model and texts.
#include <fmt/format.h>

#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "eval/calibrate_from_dumps.hpp"
#include "eval/calibrate_from_model.hpp"
#include "eval/observe_curves.hpp"
#include "report/thresholds.hpp"
#include "tt_calibrate/calibration_source.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

namespace {

struct FitFlags {
  std::vector<std::string> dumps{};
  SourceFlags source{};
  std::string k{};
  std::string layer_k{};
  std::string placement = "pre-softmax";
  double add_sigma = 0;
  double row_fraction = 1;
  bool tac = false;
  bool sdc_offline = false;
  bool curve = false;
  std::string estimator = "exact";
  std::string format = "table";
  std::string output{};
};

// The flags, checked; either dumps or a source.
struct FitPlan {
  std::vector<std::filesystem::path> dumps;
  CalibrationSource source;
  std::int64_t context = 0;
  CalibrationOptions options;
  bool tac = false;
  bool curve = false;
  bool pooled = false;
  TableFormat table_format = TableFormat::hdf5;
  ResultFormat summary_format = ResultFormat::table;
  std::filesystem::path output;
};

void require_one_source(const FitFlags& flags) {
  const bool from_model = !flags.source.model.empty() || !flags.source.texts.empty();
  if (!flags.dumps.empty() && from_model)
    throw UsageError({.where = "fit",
                      .what = "dumps and a model at the same time",
                      .next = "give either dump files, or --model and --text"});
  if (!flags.dumps.empty() && flags.tac)
    throw UsageError(
        {.where = "--tac",
         .what = "top-k cannot be applied in a dump that has been taken",
         .next = "calibrate with --model and --text, or take the dump with tt-calibrate dump --tac"});
  if (!flags.dumps.empty() && flags.source.context != 0)
    throw UsageError({.where = "--context", .what = "has no meaning for dumps", .next = "drop it"});
}

// Curves see dense rows, all of them.
void require_curves_possible(const FitFlags& flags) {
  const bool pooled = flags.estimator == "pooled";
  if (!pooled && !flags.curve) return;
  const std::string flag = pooled ? "--estimator pooled" : "--curve";
  const auto fail = [&flag](const char* what, const char* next) {
    throw UsageError({.where = flag, .what = what, .next = next});
  };
  if (flags.tac) fail("sees rows as dense attention leaves them, not as --tac does", "drop --tac");
  if (pooled && flags.sdc_offline)
    fail("has no row thresholds for --sdc-offline to follow",
         "use --estimator exact, or --sdc exact at inference");
  if (pooled && flags.add_sigma != 0)
    fail("meets k on average: --add-sigma has nothing to correct", "drop --add-sigma");
}

FitPlan resolve(const FitFlags& flags, Session& session) {
  if (flags.k.empty())
    throw UsageError(
        {.where = "-k", .what = "not given", .expected = "how many keys to keep per row: -k 16,32,64"});
  if (flags.output.empty())
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "the threshold table to write: -o theta.h5"});
  require_one_source(flags);
  require_curves_possible(flags);
  FitPlan plan;
  plan.options.k = parse_number_list(flags.k, "-k");
  if (!flags.layer_k.empty()) plan.options.layer_k = parse_layer_k(flags.layer_k);
  plan.options.placement = placement_from_name(flags.placement).value();
  plan.options.add_sigma = flags.add_sigma;
  plan.options.row_fraction = flags.row_fraction;
  plan.options.seed = session.seed;
  plan.options.offline_sdc = flags.sdc_offline;
  plan.options.progress = [&session](std::string_view stage, std::int64_t done, std::int64_t total,
                                     std::string_view unit) {
    session.console.progress(std::string(stage), done, total, std::string(unit));
  };
  plan.output = flags.output;
  plan.table_format = resolve_table_format(plan.output, "", "-o");
  plan.summary_format = result_format_from_name(flags.format).value();
  plan.tac = flags.tac;
  plan.pooled = flags.estimator == "pooled";
  plan.curve = flags.curve || plan.pooled;
  plan.context = flags.source.context;
  plan.dumps.assign(flags.dumps.begin(), flags.dumps.end());
  for (const auto& dump : plan.dumps)
    require_distinct(plan.output, dump, "-o");
  if (plan.dumps.empty()) plan.source = resolve_source(flags.source, session);
  for (const auto& text : plan.source.texts)
    require_distinct(plan.output, text, "-o");
  return plan;
}

Calibration calibrate(const FitPlan& plan, Session& session) {
  if (!plan.dumps.empty()) {
    Calibration calibration = calibrate_from_dumps(plan.dumps, plan.options);
    calibration.table.meta.provenance = session.provenance_of(plan.dumps);
    if (plan.curve) calibration.table.curves = curves_from_dumps(plan.dumps, plan.options);
    if (plan.pooled) refit_pooled(calibration.table, plan.options.layer_k);
    return calibration;
  }
  LanguageModel model = load_language_model(plan.source.model);
  const std::vector<TextWindow> windows = text_windows(model, plan.source.texts, plan.context);
  Calibration calibration = calibrate_from_model(model, windows, plan.options, plan.tac);
  calibration.table.meta.provenance = provenance_of(plan.source, model, session);
  if (plan.curve) calibration.table.curves = curves_from_model(model, windows, plan.options);
  if (plan.pooled) refit_pooled(calibration.table, plan.options.layer_k);
  return calibration;
}

class FitCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override {
    const FitPlan plan = resolve(flags_, session);
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

void FitCommand::declare(CLI::App& app) {
  app.add_option("dumps", flags_.dumps, "Attention dumps (HDF5); without them, --model and --text")
      ->group(kSourceGroup);
  declare_source(app, flags_.source);
  app.add_option("-k,--k", flags_.k, "Keys to keep per row; one target each: 64, or 16,32,64, or 16-256*2")
      ->type_name("LIST");
  app.add_option("--layer-k", flags_.layer_k,
                 "Layers with a k of their own under every target: 0:512,1:dense")
      ->type_name("LAYER:K,...");
  app.add_option("--placement", flags_.placement, "Where thresholds stand: on scores or on softmax weights")
      ->type_name("pre-softmax|post-softmax")
      ->check(CLI::IsMember({"pre-softmax", "post-softmax"}).description(""))
      ->capture_default_str();
  app.add_option("--add-sigma", flags_.add_sigma,
                 "theta = mean + this many standard deviations of the row thresholds")
      ->type_name("X")
      ->capture_default_str();
  app.add_option(
         "--row-fraction", flags_.row_fraction,
         "Share of the rows to use, drawn by --seed in favour of the lengths seen least; above 0, up to 1")
      ->type_name("F")
      ->capture_default_str();
  app.add_flag(
      "--tac", flags_.tac,
      "Top-k at calibration: apply exact top-k after observing a row, so that later layers are observed as "
      "they will be. One pass for each k; with --model only");
  app.add_flag("--sdc-offline", flags_.sdc_offline,
               "Also calibrate the offline denominator compensation, in a second pass over the same rows");
  app.add_flag(
      "--curve", flags_.curve,
      "Also store curves, from which tt-calibrate retarget finds any other k without the data (.h5 only); a "
      "second pass over all rows");
  app.add_option(
         "--estimator", flags_.estimator,
         "exact = mean of the rows' own thresholds; pooled = the threshold under which rows keep k on "
         "average, from curves: keeps k on unseen text where exact keeps more")
      ->type_name("exact|pooled")
      ->check(CLI::IsMember({"exact", "pooled"}).description(""))
      ->capture_default_str();
  declare_format(app, flags_.format, {"table", "json", "csv", "md"}, "Form of the summary on standard output")
      ->capture_default_str();
  declare_output(app, flags_.output,
                 "The threshold table: .h5 (complete), .json, .csv or .txt (the authors' form)");
}

}  // namespace

std::unique_ptr<Command> make_fit_command() {
  return std::make_unique<FitCommand>();
}

}  // namespace toptheta::app
