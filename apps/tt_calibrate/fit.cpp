// tt-calibrate fit: thresholds from dumps, or from a model and texts in one pass.
#include <fmt/format.h>

#include <memory>

#include "common/common_flags.hpp"
#include "common/embedded.hpp"
#include "common/model_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "eval/calibration_run.hpp"
#include "theta/smoothing.hpp"
#include "theta/table_file.hpp"
#include "tt_calibrate/commands.hpp"

namespace toptheta::app {

namespace {

struct FitFlags {
  std::vector<std::string> dumps{};
  std::string model{};
  std::vector<std::string> texts{};
  std::string k{};
  std::string layer_k{};
  std::string placement = "pre-softmax";
  double add_sigma = 0;
  double row_fraction = 1;
  bool tac = false;
  bool offline_sdc = false;
  double smooth = -1;
  std::int64_t context = 0;
  std::string output{};
};

// What the flags come to: checked, nothing left open.
struct FitPlan {
  std::vector<std::filesystem::path> dumps;  // empty: from a model
  std::filesystem::path model;
  std::vector<std::filesystem::path> texts;
  CalibrationOptions options;
  double smooth = -1;
  std::int64_t context = 0;
  std::filesystem::path output;

  [[nodiscard]] std::vector<std::filesystem::path> inputs() const {
    if (!dumps.empty()) return dumps;
    std::vector<std::filesystem::path> all{model};
    all.insert(all.end(), texts.begin(), texts.end());
    return all;
  }
};

FitPlan resolve(const FitFlags& flags, std::uint64_t seed) {
  if (!flags.dumps.empty() && (!flags.model.empty() || !flags.texts.empty()))
    throw UsageError({.where = "fit",
                      .what = "dumps and a model were given",
                      .next = "give either dumps or --model and --text"});
  if (!flags.dumps.empty() && flags.tac)
    throw UsageError(
        {.where = "--tac",
         .what = "top-k at calibration cannot be had from a dump: its later layers saw dense attention",
         .next = "calibrate from the model (--model, --text), or write the dump with --topk"});
  if (flags.output.empty())
    throw UsageError({.where = "-o", .what = "no output file", .next = "give -o theta.h5"});
  FitPlan plan;
  plan.options.k = parse_number_list(flags.k, "-k");
  if (!flags.layer_k.empty()) plan.options.layer_k = parse_layer_k(flags.layer_k);
  plan.options.placement = *placement_from_name(flags.placement);
  plan.options.add_sigma = flags.add_sigma;
  plan.options.row_fraction = flags.row_fraction;
  plan.options.seed = seed;
  plan.options.offline_sdc = flags.offline_sdc;
  plan.options.topk_at_calibration = flags.tac;
  plan.smooth = flags.smooth;
  plan.context = flags.context;
  plan.output = flags.output;
  plan.dumps.assign(flags.dumps.begin(), flags.dumps.end());
  if (plan.dumps.empty()) {
    plan.model = model_directory(flags.model);
    plan.texts.assign(flags.texts.begin(), flags.texts.end());
    if (plan.texts.empty() && !flags.model.empty())
      throw UsageError({.where = "--text",
                        .what = "no text to calibrate on",
                        .next = "give --text FILE, as often as you like"});
    if (plan.texts.empty()) plan.texts = find_embedded_data().files("calib-a", ".txt");
  }
  for (const auto& input : plan.inputs())
    require_distinct(plan.output, input, "-o");
  return plan;
}

CalibrationOutcome from_model(const FitPlan& plan) {
  const std::vector<TextDocument> texts = load_texts(plan.texts, "--text");
  LanguageModel model = load_language_model(plan.model);
  const std::int64_t limit = model.transformer.config().context;
  if (plan.context != 0 && (plan.context < 2 || plan.context > limit))
    throw UsageError({.where = "--context",
                      .what = "not a context length of this model",
                      .expected = fmt::format("2 to {} tokens", limit),
                      .found = fmt::format("{}", plan.context)});
  const auto windows = calibration_windows(model, texts, plan.context > 0 ? plan.context : limit);
  return calibrate_from_model(model, windows, plan.options);
}

class Fit final : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override {
    FitPlan plan = resolve(flags_, session.seed);
    plan.options.progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) {
      session.console.progress(stage, done, total, plan.dumps.empty() ? "windows" : "layers");
    };
    CalibrationOutcome outcome =
        plan.dumps.empty() ? from_model(plan) : calibrate_from_dumps(plan.dumps, plan.options);
    if (plan.smooth >= 0) outcome.table = smooth_lengths(outcome.table, plan.smooth);
    outcome.table.meta.provenance = session.provenance_of(plan.inputs());
    session.console.finish();
    for (const std::string& warning : outcome.warnings)
      session.console.warn(warning,
                           "calibrate on longer texts, or leave it dense with --layer-k LAYER:dense");
    save_table(outcome.table, plan.output);
  }

 private:
  FitFlags flags_;
};

void Fit::declare(CLI::App& app) {
  app.add_option("dumps", flags_.dumps,
                 "Attention dumps (HDF5, docs/formats.md), in place of --model and --text")
      ->type_name("FILE.h5");
  declare_model(app, flags_.model);
  app.add_option("--text", flags_.texts, "Text to calibrate on, one document per file; repeatable")
      ->type_name("FILE.txt")
      ->group(kModelGroup);
  app.add_option("--context", flags_.context,
                 "Tokens the model sees at once; 0 = its own limit. Longer texts are cut")
      ->type_name("TOKENS")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str()
      ->group(kModelGroup);
  app.add_flag(
         "--tac", flags_.tac,
         "Top-k at calibration: apply exact top-k to every row after observing it (model only; a pass per k)")
      ->group(kModelGroup);
  app.add_option("-k,--k", flags_.k,
                 "Elements to keep per row: one number, a list or a range (16,32,64 or 16-256*2)")
      ->type_name("LIST")
      ->required()
      ->group("Calibration");
  app.add_option("--layer-k", flags_.layer_k, "Other k for some layers: 0:512,1:dense")
      ->type_name("LAYER:K,...")
      ->group("Calibration");
  app.add_option("--placement", flags_.placement, "Where thresholds compare: scores or softmax weights")
      ->type_name("pre-softmax|post-softmax")
      ->check(CLI::IsMember({"pre-softmax", "post-softmax"}).description(""))
      ->capture_default_str()
      ->group("Calibration");
  app.add_option("--add-sigma", flags_.add_sigma,
                 "theta = mean + this * standard deviation over rows of a length")
      ->type_name("X")
      ->capture_default_str()
      ->group("Calibration");
  app.add_option("--row-fraction", flags_.row_fraction,
                 "Share of rows to use, drawn with --seed in favour of lengths seen least")
      ->type_name("0..1")
      ->capture_default_str()
      ->group("Calibration");
  app.add_flag("--sdc-offline", flags_.offline_sdc,
               "Also calibrate the offline SDC term (a second pass over the same rows)")
      ->group("Calibration");
  app.add_option("--smooth", flags_.smooth,
                 "Fill in lengths never seen and smooth along the length with this Gaussian sigma, in "
                 "positions; 0 only fills in")
      ->type_name("SIGMA")
      ->check(CLI::NonNegativeNumber.description(""))
      ->group("Calibration");
  declare_output(app, flags_.output, "Threshold table to write (HDF5)");
}

}  // namespace

CommandEntry fit_command() {
  return {"fit", "Fit thresholds from attention dumps, or from a model and texts",
          "  tt-calibrate fit -k 16,32,64 --tac --add-sigma 0.1 -o theta.h5          # the embedded model\n"
          "  tt-calibrate fit --model DIR --text a.txt --text b.txt -k 64 -o theta.h5\n"
          "  tt-calibrate fit dumps/*.h5 -k 64 --layer-k 0:512,1:512 -o theta.h5",
          [] { return std::make_unique<Fit>(); }};
}

}  // namespace toptheta::app
