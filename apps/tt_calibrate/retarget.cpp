// tt-calibrate retarget: thresholds for another k from a table's curves, without the data.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/length_law.hpp"
#include "calibration/retarget.hpp"
#include "calibration/smooth_rho.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "report/thresholds.hpp"
#include "theta/formats/table_file.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

namespace {

class RetargetCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] std::vector<std::int64_t> wanted_k(const ThresholdTable& table) const;
  [[nodiscard]] bool wants_rho(const ThresholdTable& table) const;
  void warn_of_limits(const ThresholdTable& table, Session& session) const;

  std::string table_;
  std::string k_;
  std::string layer_k_;
  double fraction_ = 0;
  double mass_ = 0;
  std::int32_t extend_to_ = 0;
  std::string sdc_ = "auto";
  ResultFormat format_ = table_format();
  std::string output_;
  CLI::Option* fraction_option_ = nullptr;
  CLI::Option* mass_option_ = nullptr;
};

void RetargetCommand::declare(CLI::App& app) {
  app.add_option("table", table_, "Threshold table with curves (.h5, from fit --curve)");
  app.add_option("-k,--k", k_, "Keys to keep per row, one target for each: 48, or 16,32,64, or 16-256*2")
      ->type_name("LIST");
  fraction_option_ = app.add_option("--kept-fraction", fraction_,
                                    "Instead of -k: find the k that keeps this share of the visible elements "
                                    "of the calibration rows; above 0, below 1")
                         ->type_name("F");
  mass_option_ = app.add_option("--kept-mass", mass_,
                                "Instead of -k: find the smallest k with which rows keep this share of their "
                                "softmax mass, averaged over heads and rows; above 0, below 1")
                     ->type_name("M");
  app.add_option("--layer-k", layer_k_, "Layers with a k of their own: 0:512,1:dense")
      ->type_name("LAYER:K,...");
  app.add_option("--extend-to", extend_to_,
                 "Also write thresholds for rows of up to this many keys, beyond the calibrated lengths, "
                 "extrapolated by each head's law (show --law); 0 = do not")
      ->type_name("N")
      ->check(non_negative())
      ->capture_default_str();
  add_choice(
      app, "--sdc", {"auto", "none", "calibrated"}, [this](std::string_view name) { sdc_ = name; },
      [this] { return sdc_; },
      "calibrated = find rho of calibrated SDC from the curves, corrected by the rho that the table has for "
      "its own k, if any; auto = do so if the table has rho. Curves of scores only: those of weights do not "
      "tell rho");
  add_format(app, format_, "Format of the summary on standard output");
  declare_output(
      app, output_,
      "The threshold table to write: .h5 (with the curves), .json, .csv, .txt, .npz, .safetensors or .h");
}

std::vector<std::int64_t> RetargetCommand::wanted_k(const ThresholdTable& table) const {
  const int asked =
      (k_.empty() ? 0 : 1) + (fraction_option_->count() > 0 ? 1 : 0) + (mass_option_->count() > 0 ? 1 : 0);
  if (asked != 1)
    throw UsageError({.where = "retarget",
                      .what = asked == 0 ? "no target given" : "more than one kind of target",
                      .expected = "one of -k, --kept-fraction and --kept-mass"});
  if (!k_.empty()) return parse_number_list(k_, "-k");
  return {mass_option_->count() > 0 ? k_of_kept_mass(table, mass_) : k_of_kept_fraction(table, fraction_)};
}

bool RetargetCommand::wants_rho(const ThresholdTable& table) const {
  if (sdc_ != "auto") return sdc_ == "calibrated";
  return table.meta.placement == Placement::pre_softmax && table.has_rho();
}

void RetargetCommand::warn_of_limits(const ThresholdTable& table, Session& session) const {
  const std::int32_t longest = table.curves.longest_row();
  std::int64_t fewest = kMaxCurveRows;
  for (const auto& cell : table.curves.cells)
    for (const ScoreCurve& curve : cell)
      fewest = std::min(fewest, curve.rows);
  if (extend_to_ > 0)
    session.console.warn(
        fmt::format("thresholds of rows of more than {} keys are extrapolated; no such rows were calibrated",
                    longest),
        "audit them, or calibrate with longer texts");
  else
    session.console.note(fmt::format(
        "the curves cover rows of up to {} keys; longer rows get the threshold of that length", longest));
  if (fewest < 30)
    session.console.warn(fmt::format("one curve holds only {} rows", fewest),
                         "calibrate on more documents if rows of such lengths matter");
  if (table.meta.topk_at_calibration)
    session.console.warn(
        "the curves were made with top-k at calibration, and belong to the k of that calibration",
        "calibrate again with --tac if the new k differs much from it");
}

void RetargetCommand::run(Session& session) {
  if (table_.empty())
    throw UsageError({.where = "retarget",
                      .what = "no threshold table given",
                      .next = "tt-calibrate retarget theta.h5 -k 48 -o t48.h5"});
  if (output_.empty())
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "the threshold table to write: -o t48.h5"});
  require_distinct(output_, table_, "-o");
  const TableFormat format = resolve_table_format(output_, "-o");
  const ThresholdTable source = read_thresholds(table_, session.console);
  require_curves(source, table_);
  const std::vector<LayerK> layer_k = layer_k_.empty() ? std::vector<LayerK>() : parse_layer_k(layer_k_);
  ThresholdTable result{source.meta, {}, source.curves};
  const bool rho = wants_rho(source);
  for (const std::int64_t k : wanted_k(source)) {
    result.targets.push_back(pooled_target(source, k, layer_k));
    if (rho) fill_rho_from_curves(result.targets.back(), source);
  }
  result.meta.estimator = "pooled";
  result.meta.add_sigma = 0;
  if (extend_to_ > 0) extend_lengths(result, extend_to_);
  result.meta.provenance = session.provenance_of({table_});
  warn_of_limits(source, session);
  note_lost_laws(source, result, session);
  if (sdc_ == "auto") note_lost_rho(source, result, session);
  const std::string summary = format_listing(thresholds_listing(result, {}), format_, layout_of({}));
  write_table(result, 0, output_, format);
  warn_of_losses(result, 0, format, session);
  write_summary(output_, summary, session.console.quiet());
}

}  // namespace

std::unique_ptr<Command> make_retarget_command() {
  return std::make_unique<RetargetCommand>();
}

}  // namespace toptheta::app
