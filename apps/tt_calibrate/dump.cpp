// tt-calibrate dump: a model's attention on texts, as a dump.
#include <fmt/format.h>

#include <memory>

#include "common/common_flags.hpp"
#include "common/embedded.hpp"
#include "common/model_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "core/provenance.hpp"
#include "eval/calibration_run.hpp"
#include "eval/dump_run.hpp"
#include "tt_calibrate/commands.hpp"

namespace toptheta::app {

namespace {

class Dump final : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  std::string model_{};
  std::vector<std::string> texts_{};
  std::string content_ = "qk";
  std::string element_ = "float32";
  int gzip_ = 0;
  double row_fraction_ = 1;
  std::int64_t topk_ = 0;
  std::string output_{};
};

void Dump::declare(CLI::App& app) {
  declare_model(app, model_);
  app.add_option("--text", texts_, "Text to run the model on, one document per file; repeatable")
      ->type_name("FILE.txt")
      ->group(kModelGroup);
  app.add_option("--topk", topk_,
                 "Top-k at calibration: keep only the k largest of every row after recording it; 0 = dense")
      ->type_name("K")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str()
      ->group(kModelGroup);
  app.add_option("--content", content_, "Queries and keys (linear in the length) or scores (quadratic)")
      ->type_name("qk|scores")
      ->check(CLI::IsMember({"qk", "scores"}).description(""))
      ->capture_default_str()
      ->group(kOutputGroup);
  app.add_option("--element", element_, "Element type")
      ->type_name("float16|bfloat16|float32|float64")
      ->check(CLI::IsMember({"float16", "bfloat16", "float32", "float64"}).description(""))
      ->capture_default_str()
      ->group(kOutputGroup);
  app.add_option("--gzip", gzip_, "Compression level; 0 = none")
      ->type_name("0..9")
      ->check(CLI::Range(0, 9).description(""))
      ->capture_default_str()
      ->group(kOutputGroup);
  app.add_option("--row-fraction", row_fraction_,
                 "Share of rows to record, drawn with --seed in favour of lengths seen least")
      ->type_name("0..1")
      ->capture_default_str()
      ->group(kOutputGroup);
  declare_output(app, output_, "Dump to write (HDF5)");
}

void Dump::run(Session& session) {
  if (output_.empty()) throw UsageError({.where = "-o", .what = "no output file", .next = "give -o dump.h5"});
  std::vector<std::filesystem::path> files(texts_.begin(), texts_.end());
  if (files.empty() && !model_.empty())
    throw UsageError({.where = "--text", .what = "no text to run the model on", .next = "give --text FILE"});
  if (files.empty()) files = find_embedded_data().files("calib-a", ".txt");
  for (const auto& file : files)
    require_distinct(output_, file, "-o");
  const std::vector<TextDocument> texts = load_texts(files, "--text");
  LanguageModel model = load_language_model(model_directory(model_));
  DumpPlan plan;
  plan.content = *dump_content_from_name(content_);
  plan.file = {*dump_element_from_name(element_), gzip_};
  plan.row_fraction = row_fraction_;
  plan.seed = session.seed;
  plan.topk_at_calibration = topk_;
  plan.producer = fmt::format("tt-calibrate {} ({})", version(), commit());
  plan.progress = [&](std::int64_t done, std::int64_t total) {
    session.console.progress("dumping", done, total, "windows");
  };
  dump_attention(model, calibration_windows(model, texts, model.transformer.config().context), plan, output_);
}

}  // namespace

CommandEntry dump_command() {
  return {"dump", "Write a model's attention on texts to a dump",
          "  tt-calibrate dump -o dump.h5                                   # the embedded model and texts\n"
          "  tt-calibrate dump --model DIR --text calib.txt --content scores --row-fraction 0.1 -o dump.h5",
          [] { return std::make_unique<Dump>(); }};
}

}  // namespace toptheta::app
