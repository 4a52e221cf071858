// tt-calibrate show: what a threshold table holds.
#include "calibration/retarget.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "report/length_laws.hpp"
#include "report/thresholds.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta::app {

namespace {

class ShowCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  std::string table_;
  std::int64_t k_ = 0;
  std::int64_t layer_ = -1;
  std::int64_t head_ = -1;
  CLI::Option* layer_option_ = nullptr;
  CLI::Option* head_option_ = nullptr;
  bool law_ = false;
  std::optional<ResultFormat> format_{};
  std::string output_;
};

void ShowCommand::declare(CLI::App& app) {
  app.add_option("table", table_, "Threshold table (.h5, .json, .csv or .txt)");
  app.add_option("-k,--k", k_, "Only this target; 0 = all")
      ->type_name("K")
      ->check(non_negative())
      ->capture_default_str();
  layer_option_ = app.add_option("--layer", layer_, "One row for each head of this layer")->type_name("L");
  head_option_ =
      app.add_option("--head", head_,
                     "One row for each layer of this query head; with --layer, one for each row length")
          ->type_name("H");
  app.add_flag("--law", law_,
               "Show how each head's theta moves with the row length n, as theta = a + b ln n with its error "
               "(for ln theta after the softmax). Needs a table with curves");
  add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
  declare_output(app, output_, "Write to this file instead of standard output");
}

void ShowCommand::run(Session& session) {
  if (table_.empty())
    throw UsageError(
        {.where = "show", .what = "no threshold table given", .next = "tt-calibrate show theta.h5"});
  require_distinct(output_, table_, "-o");
  const ResultFormat format = format_.value_or(result_format_of(output_));
  ThresholdView view{.k = k_};
  if (layer_option_->count() > 0) view.layer = layer_;
  if (head_option_->count() > 0) view.head = head_;
  const ThresholdTable table = read_thresholds(table_, session.console);
  if (law_) require_curves(table, table_);
  write_output(output_,
               format_listing(law_ ? length_laws_listing(table, view) : thresholds_listing(table, view),
                              format, layout_of(output_)));
}

}  // namespace

std::unique_ptr<Command> make_show_command() {
  return std::make_unique<ShowCommand>();
}

}  // namespace toptheta::app
