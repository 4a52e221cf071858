// tt-calibrate convert: threshold tables between file formats.
#include <fmt/format.h>

#include <utility>

#include "calibration/retarget.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "common/thresholds.hpp"
#include "core/error.hpp"
#include "theta/formats/authors_text.hpp"
#include "theta/formats/curve_csv.hpp"
#include "theta/smoothing.hpp"
#include "theta/unused_entries.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_path.hpp"

namespace toptheta {

namespace app {
// What of a table is written.
enum class Written { theta, sdc, curve };
}  // namespace app

template <>
inline constexpr auto kNames<app::Written> = std::to_array<Named<app::Written>>(
    {{app::Written::theta, "theta"}, {app::Written::sdc, "sdc"}, {app::Written::curve, "curve"}});

}  // namespace toptheta

namespace toptheta::app {

namespace {

struct ConvertFlags {
  std::string input{};
  std::string output{};
  std::optional<TableFormat> format{};
  Written what = Written::theta;
  std::int64_t k = 0;
  std::optional<Placement> placement{};
  std::string sdc{};
  double smooth = -1;
};

struct ConvertPlan {
  std::filesystem::path input;
  TableFormat input_format = TableFormat::hdf5;
  std::filesystem::path output;
  TableFormat output_format = TableFormat::hdf5;
  bool sdc_only = false;
  bool curve_only = false;
};

void require_form_of(Written what, const ConvertPlan& plan) {
  if (what == Written::sdc && plan.output_format != TableFormat::authors_text)
    throw UsageError(
        {.where = "--what sdc",
         .what = "only writes the authors' sdc.txt; other formats hold the SDC terms together with theta",
         .next = "name an output that ends in .txt, or drop --what"});
  if (what == Written::curve && plan.output_format != TableFormat::csv)
    throw UsageError({.where = "--what curve",
                      .what = "only writes CSV; .h5 holds the curves together with theta",
                      .next = "name an output that ends in .csv, or drop --what"});
}

ConvertPlan resolve(const ConvertFlags& flags) {
  if (flags.input.empty())
    throw UsageError({.where = "convert",
                      .what = "no threshold table given",
                      .next = "tt-calibrate convert theta.h5 -o th.txt"});
  if (flags.output.empty())
    throw UsageError({.where = "-o", .what = "not given", .expected = "the file to write, as in -o th.txt"});
  ConvertPlan plan;
  plan.input = flags.input;
  plan.input_format = input_table_format(plan.input);
  plan.output = flags.output;
  plan.output_format = flags.format ? *flags.format : resolve_table_format(plan.output, "-o");
  plan.sdc_only = flags.what == Written::sdc;
  plan.curve_only = flags.what == Written::curve;
  require_form_of(flags.what, plan);
  if (plan.curve_only && (flags.k != 0 || flags.smooth >= 0 || !flags.sdc.empty()))
    throw UsageError({.where = "--what curve",
                      .what = "curves do not belong to a single k, and cannot be smoothed or compensated",
                      .next = "drop -k, --smooth and --sdc"});
  require_distinct(plan.output, plan.input, "-o");
  if (!flags.sdc.empty()) require_distinct(plan.output, flags.sdc, "-o");
  return plan;
}

// Thresholds of short rows, which are not used, stay in files that can be read back. They are taken out where
// they would pass for thresholds of longer rows: in smoothing, and in look-ups of other programs.
void take_out(ThresholdTable& table, const ConvertPlan& plan, bool smooth) {
  if (smooth || !can_be_read(plan.output_format))
    take_out_unused(table);
  else
    take_out_of_dense_heads(table);
}

class ConvertCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  ConvertFlags flags_;
};

void ConvertCommand::declare(CLI::App& app) {
  app.add_option("table", flags_.input, "Threshold table to read (.h5, .json, .csv or .txt)");
  app.add_option(
         "-k,--k", flags_.k,
         "Only this target; 0 = all. sdc.txt and .h hold a single one, so give it if the table has several")
      ->type_name("K")
      ->check(non_negative())
      ->capture_default_str();
  add_choice(app, "--what", flags_.what,
             "theta = the thresholds; sdc = the offline SDC terms, as the authors' sdc.txt; curve = the "
             "histograms of fit --curve, as CSV");
  add_choice(app, "--placement", flags_.placement,
             "The placement of a .txt or .csv table, which does not record it (default: pre-softmax)");
  app.add_option("--sdc", flags_.sdc, "Add the terms of this sdc.txt to the table")->type_name("FILE");
  app.add_option("--smooth", flags_.smooth,
                 "Interpolate missing row lengths, then smooth along the length with a Gaussian of this many "
                 "positions; 0 = interpolate only")
      ->type_name("SIGMA")
      ->check(non_negative());
  add_choice(app, "--format", flags_.format, "By default, the ending of -o decides")->group(kOutputGroup);
  declare_output(app, flags_.output, "The file to write");
}

void ConvertCommand::run(Session& session) {
  const ConvertPlan plan = resolve(flags_);
  ThresholdTable table =
      read_table(plan.input, plan.input_format, flags_.placement.value_or(Placement::pre_softmax));
  require_placement(table, flags_.placement);
  if (!flags_.placement && !says_placement(plan.input_format) && says_placement(plan.output_format))
    session.console.note(fmt::format(
        "{} does not record its placement, so its thresholds are written as {}; --placement sets another",
        plan.input.string(), name_of(table.meta.placement)));
  std::vector<std::filesystem::path> inputs = {plan.input};
  if (!flags_.sdc.empty()) {
    read_authors_sdc(flags_.sdc, flags_.k, table);
    inputs.emplace_back(flags_.sdc);
  }
  tell_unused(table, plan.input.string(), plan.input_format, session.console);
  take_out(table, plan, flags_.smooth >= 0);
  if (flags_.smooth >= 0) {
    ThresholdTable smooth = smooth_lengths(table, flags_.smooth);
    note_lost_laws(table, smooth, session);
    table = std::move(smooth);
  }
  // A table that brings no history of its own begins one here.
  if (table.meta.provenance.command.empty()) table.meta.provenance = session.provenance_of(inputs);
  if (plan.curve_only) require_curves(table, plan.input.string());
  if (plan.curve_only) return write_curve_csv(table, plan.output);
  if (plan.sdc_only)
    write_authors_sdc(table, flags_.k, plan.output, plan.input.string());
  else
    write_table(table, flags_.k, plan.output, plan.output_format);
  warn_of_losses(table, flags_.k, plan.output_format, session);
}

}  // namespace

std::unique_ptr<Command> make_convert_command() {
  return std::make_unique<ConvertCommand>();
}

}  // namespace toptheta::app
