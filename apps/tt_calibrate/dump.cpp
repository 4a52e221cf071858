// tt-calibrate dump: records attention while the model reads texts.
#include <fmt/format.h>

#include "calibrate/dump_from_model.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "report/listing.hpp"
#include "tt_calibrate/calibration_source.hpp"
#include "tt_calibrate/commands.hpp"

namespace toptheta::app {

namespace {

struct DumpFlags {
  SourceFlags source{};
  DumpContent content = DumpContent::qk;
  DumpElement element = DumpElement::f32;
  int gzip = 0;
  bool values = false;
  double row_fraction = 1;
  std::int64_t k = 0;
  std::string layer_k{};
  bool tac = false;
  ResultFormat format = table_format();
  std::string output{};
};

struct DumpPlan {
  CalibrationSource source;
  std::int64_t context = 0;
  ModelDumpOptions options;
  ResultFormat summary_format = table_format();
  std::filesystem::path output;
};

DumpPlan resolve(const DumpFlags& flags, Session& session) {
  if (flags.output.empty())
    throw UsageError({.where = "-o", .what = "not given", .expected = "the dump to write: -o dump.h5"});
  if (flags.tac && flags.k == 0)
    throw UsageError({.where = "--tac", .what = "needs a k to apply", .next = "give -k"});
  if (!flags.layer_k.empty() && !flags.tac)
    throw UsageError(
        {.where = "--layer-k", .what = "only applies with --tac", .next = "drop it, or add --tac"});
  if (flags.values && flags.content == DumpContent::scores)
    throw UsageError(
        {.where = "--values", .what = "a dump of scores holds no values", .next = "use --content qk"});
  DumpPlan plan;
  plan.source = resolve_source(flags.source, session);
  plan.context = flags.source.context;
  plan.output = flags.output;
  for (const auto& text : plan.source.files())
    require_distinct(plan.output, text, "-o");
  plan.summary_format = flags.format;
  plan.options.content = flags.content;
  plan.options.file = {.element = flags.element, .gzip_level = flags.gzip};
  plan.options.values = flags.values;
  plan.options.row_fraction = flags.row_fraction;
  plan.options.min_k = flags.k;
  plan.options.topk = flags.tac ? flags.k : 0;
  if (!flags.layer_k.empty()) plan.options.layer_k = parse_layer_k(flags.layer_k);
  plan.options.seed = session.seed;
  plan.options.progress = session.stage_progress();
  return plan;
}

Listing summarize(const DumpPlan& plan, const ModelDump& dump) {
  Listing listing;
  listing.schema = "toptheta.dump-summary/1";
  listing.columns = {{"path", "dump", false},   {"content", "content", false}, {"samples", "samples"},
                     {"rows", "rows per head"}, {"topk", "top-k applied"},     {"bytes", "bytes"}};
  listing.rows.push_back({plan.output.string(), name_of(plan.options.content), dump.samples, dump.rows,
                          plan.options.topk > 0 ? nlohmann::ordered_json(plan.options.topk) : nullptr,
                          std::filesystem::file_size(plan.output)});
  return listing;
}

class DumpCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override {
    const DumpPlan plan = resolve(flags_, session);
    LanguageModel model = load_model(plan.source, session);
    const std::vector<TextWindow> windows =
        text_windows(model, plan.source.texts, plan.context, plan.source.ids);
    const ModelDump dump = dump_from_model(model, windows, plan.output, plan.options);
    session.console.finish();
    write_summary(plan.output, format_listing(summarize(plan, dump), plan.summary_format, layout_of({})),
                  session.console.quiet());
  }

 private:
  DumpFlags flags_;
};

void DumpCommand::declare(CLI::App& app) {
  declare_source(app, flags_.source);
  add_choice(app, "--content", flags_.content,
             "qk = queries and keys, linear in the length; scores = pre-softmax scores, quadratic");
  add_choice(app, "--element", flags_.element,
             "Element type; 16-bit types halve the file and round the scores");
  app.add_option("--gzip", flags_.gzip, "Compression level; 0 = none")
      ->type_name("0-9")
      ->check(CLI::Range(0, 9).description(""))
      ->capture_default_str();
  app.add_flag("--values", flags_.values, "Also record values (qk only)");
  app.add_option("--row-fraction", flags_.row_fraction,
                 "Share of the rows to record, drawn by --seed, favouring the row lengths drawn least so "
                 "far; above 0, up to 1")
      ->type_name("F")
      ->capture_default_str();
  app.add_option(
         "-k,--k", flags_.k,
         "Record only rows of more than this many keys: the smallest k you will calibrate for; 0 = all rows")
      ->type_name("K")
      ->check(non_negative())
      ->capture_default_str();
  app.add_flag("--tac", flags_.tac, "Attend by exact top-k while recording, with the k given by -k");
  app.add_option("--layer-k", flags_.layer_k, "Layers with a k of their own under --tac: 0:512,1:dense")
      ->type_name("LAYER:K,...");
  add_format(app, flags_.format, "Format of the summary on standard output");
  declare_output(app, flags_.output, "The dump to write (HDF5)");
}

}  // namespace

std::unique_ptr<Command> make_dump_command() {
  return std::make_unique<DumpCommand>();
}

}  // namespace toptheta::app
