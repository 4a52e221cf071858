// tt-calibrate convert: threshold tables from one format to another.
#include <fmt/format.h>

#include <memory>

#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "theta/authors_text.hpp"
#include "theta/csv.hpp"
#include "theta/json.hpp"
#include "theta/smoothing.hpp"
#include "theta/table_file.hpp"
#include "theta/target_choice.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_input.hpp"

namespace toptheta::app {

namespace {

class Convert final : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] std::string format() const;
  void write_table(const ThresholdTable& table) const;

  std::string input_{};
  std::string output_{};
  std::string format_{};
  std::string what_ = "thresholds";
  std::string placement_ = "pre-softmax";
  std::string sdc_{};
  std::int64_t k_ = 0;
  double smooth_ = -1;
};

void Convert::declare(CLI::App& app) {
  app.add_option("table", input_, "Threshold table: .h5, .json, or .txt (the authors' th.txt)")
      ->type_name("FILE")
      ->required();
  app.add_option("-k,--k", k_, "The target to write; 0 = all of them")
      ->type_name("K")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str();
  app.add_option("--what", what_, "Thresholds, or the offline SDC terms as the authors' sdc.txt")
      ->type_name("thresholds|sdc")
      ->check(CLI::IsMember({"thresholds", "sdc"}).description(""))
      ->capture_default_str();
  app.add_option("--sdc", sdc_, "An sdc.txt whose terms join the thresholds read")->type_name("FILE");
  app.add_option("--placement", placement_, "Placement of a th.txt, which does not say")
      ->type_name("pre-softmax|post-softmax")
      ->check(CLI::IsMember({"pre-softmax", "post-softmax"}).description(""))
      ->capture_default_str();
  app.add_option(
         "--smooth", smooth_,
         "Fill in lengths never seen and smooth along the length with this Gaussian sigma, in positions")
      ->type_name("SIGMA")
      ->check(CLI::NonNegativeNumber.description(""));
  declare_format(app, format_, {"h5", "txt", "csv", "json"},
                 "Format to write; by default the output's extension decides");
  declare_output(app, output_, "File to write: .h5, .txt (th.txt), .csv or .json")->required();
}

std::string Convert::format() const {
  if (!format_.empty()) return format_;
  const std::string extension = std::filesystem::path(output_).extension().string();
  for (const char* known : {"h5", "txt", "csv", "json"})
    if (extension == std::string(".") + known) return known;
  if (extension == ".hdf5") return "h5";
  throw UsageError({.where = "-o",
                    .what = "the extension names no format",
                    .expected = ".h5, .txt, .csv or .json, or --format",
                    .found = output_});
}

void Convert::write_table(const ThresholdTable& table) const {
  const std::string to = format();
  if (to == "txt") return write_authors_thresholds(table, k_, output_);
  if (to == "csv") return write_csv(table, k_, output_);
  if (to == "json") return write_json(table, k_, output_);
  ThresholdTable chosen{table.meta, {}};
  for (const Target* target : choose_targets(table, k_))
    chosen.targets.push_back(*target);
  save_table(chosen, output_);
}

void Convert::run(Session& session) {
  require_distinct(output_, input_, "-o");
  const std::string to = format();
  ThresholdTable table = read_any_table(input_, *placement_from_name(placement_));
  if (table.meta.provenance.command.empty()) table.meta.provenance = session.provenance_of({input_});
  if (!sdc_.empty()) read_authors_sdc(sdc_, k_, table);
  if (smooth_ >= 0) table = smooth_lengths(table, smooth_);
  if (what_ == "thresholds") return write_table(table);
  if (to != "txt")
    throw UsageError({.where = "--what sdc",
                      .what = "SDC terms alone are written as sdc.txt only",
                      .next = "give -o sdc.txt"});
  write_authors_sdc(table, k_, output_, input_);
}

}  // namespace

CommandEntry convert_command() {
  return {"convert", "Convert a threshold table: HDF5, the authors' text files, CSV, JSON",
          "  tt-calibrate convert theta.h5 -k 64 -o th.txt\n"
          "  tt-calibrate convert theta.h5 --what sdc -o sdc.txt\n"
          "  tt-calibrate convert th.txt --placement post-softmax -o theta.h5",
          [] { return std::make_unique<Convert>(); }};
}

}  // namespace toptheta::app
