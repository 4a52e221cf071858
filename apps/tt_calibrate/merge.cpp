// tt-calibrate merge: the parts of one calibration, joined.
#include "calibrate/run.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/fit_result.hpp"

namespace toptheta::app {

namespace {

class MergeCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  std::vector<std::string> parts_;
  std::string sdc_from_;
  ResultFormat format_ = table_format();
  std::string output_;
};

void MergeCommand::declare(CLI::App& app) {
  app.add_option("parts", parts_,
                 "Part files written by tt-calibrate fit --shard: all of one calibration, in any order");
  app.add_option("--sdc-from", sdc_from_,
                 "If the parts are of the second round (fit --sdc-from): the table of the first round")
      ->type_name("FILE");
  add_format(app, format_, "Format of the summary on standard output");
  declare_output(app, output_,
                 "The threshold table to write: .h5 (complete), .json, .csv, .txt (the authors' format), "
                 ".npz, .safetensors or .h");
}

void MergeCommand::run(Session& session) {
  if (parts_.empty())
    throw UsageError(
        {.where = "merge", .what = "no parts given", .next = "tt-calibrate merge part-*.h5 -o theta.h5"});
  if (output_.empty())
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "the threshold table to write: -o theta.h5"});
  for (const std::string& part : parts_)
    require_distinct(output_, part, "-o");
  const FitOutput output{output_, resolve_table_format(output_, "-o"), format_};
  const Calibration calibration =
      merge_calibration_parts({parts_.begin(), parts_.end()}, std::filesystem::path(sdc_from_));
  write_fit_result(calibration, output, session);
}

}  // namespace

std::unique_ptr<Command> make_merge_command() {
  return std::make_unique<MergeCommand>();
}

}  // namespace toptheta::app
