#include "tt_calibrate/fit_flags.hpp"

#include "calibrate/setup.hpp"
#include "calibration/sdc_fitter.hpp"
#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "theta/formats/table_file.hpp"
#include "theta/length_bins.hpp"

namespace toptheta::app {

namespace {

void require_one_source(const FitFlags& flags) {
  const bool from_model = flags.source.any();
  if (!flags.dumps.empty() && from_model)
    throw UsageError({.where = "fit",
                      .what = "dumps and a model at the same time",
                      .next = "give either dump files, or --model and --text"});
  const bool live = !flags.follow.dump.empty();
  if (live && (from_model || !flags.dumps.empty()))
    throw UsageError({.where = "--follow",
                      .what = "cannot be combined with other inputs",
                      .next = "give either --follow DUMP, or dump files, or --model and --text"});
  if (live &&
      (!flags.share.shard.empty() || !flags.share.checkpoint.empty() || !flags.share.sdc_from.empty()))
    throw UsageError(
        {.where = "--follow",
         .what = "a live dump is read by a single process, without interruption",
         .next = "leave out --shard, --checkpoint and --sdc-from, or wait until the dump is complete"});
  if ((live || !flags.dumps.empty()) && flags.tac)
    throw UsageError(
        {.where = "--tac",
         .what = "top-k cannot be applied to a dump that is already recorded",
         .next = "calibrate with --model and --text, or record the dump with tt-calibrate dump --tac"});
  if ((live || !flags.dumps.empty()) && flags.source.context != 0)
    throw UsageError({.where = "--context", .what = "has no meaning for dumps", .next = "drop it"});
  if ((live || !flags.dumps.empty()) && flags.source.strict)
    throw UsageError({.where = "--strict",
                      .what = "concerns the files of a model, and has no meaning for dumps",
                      .next = "drop it"});
}

// What --precision does not go with.
void require_one_process(const FitFlags& flags, const Communicator& cluster) {
  if (flags.precision == 0) return;
  if (cluster.size() > 1 || !flags.share.shard.empty() || !flags.share.sdc_from.empty() ||
      !flags.follow.dump.empty())
    throw UsageError({.where = "--precision",
                      .what = "needs another pass over all rows, in a single process",
                      .next = "drop it, and run tt-calibrate audit on the finished table"});
}

void resolve_sdc(const FitFlags& flags, CalibrationOptions& options) {
  const bool both = flags.sdc == "both";
  options.offline_sdc = flags.sdc_offline || both || flags.sdc == "offline";
  options.calibrated_sdc = both || flags.sdc == "calibrated";
  options.rho_bins = parse_length_bins(flags.rho_bins, "--rho-bins");
  if (options.rho_bins > 0 && !options.calibrated_sdc)
    throw UsageError({.where = "--rho-bins",
                      .what = "only applies with --sdc calibrated",
                      .next = "drop it, or add --sdc calibrated"});
  options.rho_law = flags.rho_law;
  if (options.rho_law && !options.calibrated_sdc)
    throw UsageError({.where = "--rho-law",
                      .what = "only applies with --sdc calibrated",
                      .next = "drop it, or add --sdc calibrated"});
  require_terms(options.placement,
                {options.offline_sdc, options.calibrated_sdc, options.rho_bins, options.rho_law});
}

// Thresholds may be fitted for a placement in which others serve better.
void advise_on_placement(Placement placement, Session& session) {
  if (placement == Placement::running_softmax)
    session.console.note(
        "post-softmax thresholds lose less in running-softmax placement than the placement's own: fit "
        "--placement post-softmax, and give the table to tt-eval run --attention "
        "theta:placement=running-softmax,vmc");
}

// Without -k, --sdc-from takes thresholds as they are, together with all that says how they were made.
bool takes_finished_thresholds(const FitFlags& flags) {
  return flags.k.empty() && !flags.share.sdc_from.empty();
}

void require_no_first_round(const FitFlags& flags) {
  for (const CLI::Option* option : flags.of_thresholds)
    if (option->count() > 0)
      throw UsageError({.where = option->get_name(),
                        .what = "belongs to the thresholds, and those of --sdc-from are finished",
                        .next = "drop it; or, for the second round of shares, give all flags of the first "
                                "round, with -k"});
}

// What rows thresholds are of.
void declare_rows(CLI::App& app, FitFlags& flags) {
  app.add_option("--keep-first", flags.keep_first,
                 "Fit thresholds for use with keep-first=N: the first N keys of the sequence are always "
                 "kept, and the thresholds select among the others so that k are kept in total")
      ->type_name("N")
      ->check(non_negative())
      ->capture_default_str();
  app.add_option("--keep-recent", flags.keep_recent,
                 "Fit thresholds for use with keep-recent=N: the same for the N most recent keys")
      ->type_name("N")
      ->check(non_negative())
      ->capture_default_str();
  app.add_option("--length-bins", flags.length_bins,
                 "Let row lengths share a threshold: this many bins per octave, between which inference "
                 "interpolates; all = every length has its own. 8 keeps tables of long contexts small, and "
                 "makes them steadier if there are few rows of each length")
      ->type_name("PER_OCTAVE")
      ->capture_default_str();
  app.add_option("--row-fraction", flags.row_fraction,
                 "Share of the rows to use, drawn by --seed, favouring the row lengths drawn least so far; "
                 "above 0, up to 1")
      ->type_name("F")
      ->capture_default_str();
}

void declare_sdc(CLI::App& app, FitFlags& flags) {
  add_choice(
      app, "--sdc", {"none", "offline", "calibrated", "both"},
      [&flags](std::string_view name) { flags.sdc = name; }, [&flags] { return flags.sdc; },
      "Also calibrate softmax-denominator compensation, in a second pass over the same rows. calibrated "
      "finds rho, which needs no dropped score at inference and is far more accurate than exp-threshold; "
      "offline finds a fixed term for each row length; both finds both. After the softmax only calibrated: "
      "its rho is for running-softmax");
  app.add_option(
         "--rho-bins", flags.rho_bins,
         "With --sdc calibrated: pool rho over bins of row lengths, this many per octave, and smooth it "
         "across them. Use 2 if there are few rows of each length; all = every entry has its own rho")
      ->type_name("PER_OCTAVE")
      ->capture_default_str();
  app.add_flag(
      "--rho-law", flags.rho_law,
      "With --sdc calibrated: also fit, for each head, how rho depends on the row's length and on how "
      "many keys the row keeps. Inference then uses this law in place of rho: a row that keeps more "
      "than usual has also more in the keys that it drops. For pre-softmax");
  app.add_flag("--sdc-offline", flags.sdc_offline,
               "The same as --sdc offline; with --sdc calibrated, calibrate both");
}

}  // namespace

FitPlan resolve_fit(const FitFlags& flags, Session& session) {
  const bool finished = takes_finished_thresholds(flags);
  if (finished) require_no_first_round(flags);
  if (flags.k.empty() && !finished)
    throw UsageError(
        {.where = "-k", .what = "not given", .expected = "how many keys to keep per row: -k 16,32,64"});
  if (flags.output.empty() && !flags.resources.dry_run)
    throw UsageError(
        {.where = "-o", .what = "not given", .expected = "the threshold table to write: -o theta.h5"});
  require_one_source(flags);
  require_one_process(flags, session.cluster);
  FitPlan plan;
  plan.precision = flags.precision;
  if (!finished) plan.options.k = parse_number_list(flags.k, "-k");
  if (!flags.layer_k.empty()) plan.options.layer_k = parse_layer_k(flags.layer_k);
  plan.options.placement = flags.placement;
  plan.options.add_sigma = flags.add_sigma;
  plan.options.kept = {flags.keep_first, flags.keep_recent};
  plan.options.length_bins = parse_length_bins(flags.length_bins, "--length-bins");
  plan.options.row_fraction = flags.row_fraction;
  plan.options.seed = session.seed;
  if (finished) adopt(plan.options, load_table(flags.share.sdc_from));
  resolve_sdc(flags, plan.options);
  resolve_curves(flags.curves, plan.options);
  plan.options.progress = session.stage_progress();
  plan.resources = resolve_resources(flags.resources, !flags.dumps.empty());
  plan.output = flags.output;
  plan.share = resolve_share(flags.share, plan.output, plan.options.has_sdc(), session.cluster);
  if (!plan.share.is_part() && !plan.output.empty())
    plan.table_format = resolve_table_format(plan.output, "-o");
  plan.summary_format = flags.format;
  plan.options.tac = flags.tac;
  plan.context = flags.source.context;
  plan.dumps.assign(flags.dumps.begin(), flags.dumps.end());
  for (const auto& dump : plan.dumps)
    require_distinct(plan.output, dump, "-o");
  plan.follow = resolve_follow(flags.follow);
  require_distinct(plan.output, plan.follow.dump, "-o");
  if (plan.dumps.empty() && plan.follow.dump.empty()) plan.source = resolve_source(flags.source, session);
  for (const auto& text : plan.source.files())
    require_distinct(plan.output, text, "-o");
  advise_on_placement(flags.placement, session);
  return plan;
}

void declare_fit(CLI::App& app, FitFlags& flags) {
  app.add_option("dumps", flags.dumps, "Attention dumps (HDF5); without them, --model and --text")
      ->group(kInputGroup);
  declare_source(app, flags.source);
  app.add_option("-k,--k", flags.k, "Keys to keep per row, one target for each: 64, or 16,32,64, or 16-256*2")
      ->type_name("LIST");
  app.add_option("--layer-k", flags.layer_k, "Layers with a k of their own under every target: 0:512,1:dense")
      ->type_name("LAYER:K,...");
  add_choice(app, "--placement", flags.placement,
             "What thresholds are compared with: scores; softmax weights; or weights relative to the sum "
             "over the key tiles visited so far, which selects in one pass what post-softmax selects in two. "
             "For use in running-softmax placement, fit post-softmax thresholds: they lose less there than "
             "running-softmax ones");
  app.add_option("--add-sigma", flags.add_sigma,
                 "theta = the mean of the rows' thresholds + this many of their standard deviations")
      ->type_name("X")
      ->capture_default_str();
  declare_rows(app, flags);
  app.add_flag("--tac", flags.tac,
               "Top-k at calibration: apply exact top-k to a row after observing it, so that later layers "
               "see the sparse inputs they will get at inference. Takes one pass per k, and a model");
  declare_sdc(app, flags);
  app.add_option("--precision", flags.precision,
                 "Find, in one more pass over the rows, how many documents it takes to know effective k to "
                 "within this share: 0.03 = ±3%; 0 = do not")
      ->type_name("X")
      ->check(non_negative())
      ->capture_default_str();
  declare_curves(app, flags.curves);
  for (const char* name : {"--layer-k", "--placement", "--add-sigma", "--keep-first", "--keep-recent",
                           "--length-bins", "--tac", "--curve", "--estimator"})
    flags.of_thresholds.push_back(app.get_option(name));
  declare_follow(app, flags.follow);
  declare_share(app, flags.share);
  declare_resources(app, flags.resources);
  add_format(app, flags.format, "Format of the summary on standard output");
  declare_output(app, flags.output,
                 "The threshold table to write: .h5 (complete), .json, .csv, .txt (the authors' format), "
                 ".npz, .safetensors or .h. With --shard, a part file");
}

}  // namespace toptheta::app
