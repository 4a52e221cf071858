#include "tt_calibrate/fit_job.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <thread>

#include "calibrate/dump_source.hpp"
#include "calibrate/exchange.hpp"
#include "calibrate/model_source.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"
#include "dump/live.hpp"
#include "theta/formats/table_file.hpp"
#include "tt_calibrate/fit_advice.hpp"

namespace toptheta::app {

namespace {

CalibrationJob job_of(const FitPlan& plan, const Session& session) {
  CalibrationJob job;
  job.cluster = &session.cluster;
  job.shard = plan.share.shard;
  job.part = plan.share.part;
  job.checkpoint = plan.share.checkpoint;
  job.provenance = session.provenance;
  return job;
}

// Runs the job with the table of --sdc-from, where there is one, and gives the result its provenance.
CalibrationOutcome run(RowSource& source, const FitPlan& plan, CalibrationJob job) {
  ThresholdTable table;
  if (!plan.share.sdc_from.empty()) {
    table = load_table(plan.share.sdc_from);
    job.sdc_table = &table;
    job.sdc_table_name = plan.share.sdc_from.string();
    job.sdc_table_sha256 = sha256_of_path(plan.share.sdc_from);
  }
  if (plan.options.finished) {
    // Here the table is an input like any other, and the command means nothing without it.
    job.inputs.push_back({job.sdc_table_name, job.sdc_table_sha256, job.sdc_table_sha256});
    job.provenance.command += " --sdc-from " + shell_word(job.sdc_table_name);
  }
  CalibrationOutcome outcome = run_calibration(source, plan.options, job);
  if (plan.share.is_part()) return outcome;
  digest_inputs(*job.cluster, job.inputs);
  if (!outcome.calibration) return outcome;
  Provenance& provenance = outcome.calibration->table.meta.provenance;
  provenance = job.provenance;
  provenance.inputs = files_of(job.inputs);
  return outcome;
}

// A file that its writer still holds has no digest yet.
std::vector<CalibrationInput> live_input(const std::filesystem::path& path) {
  for (int look = 0; look < 20 && !is_closed_by_writer(path); ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return {{path.string(), {}, is_closed_by_writer(path) ? sha256_of_path(path) : std::string()}};
}

CalibrationOutcome follow(const FitPlan& plan, Session& session) {
  if (session.cluster.size() > 1)
    throw UsageError({.where = "--follow", .what = "runs in one process", .next = "start it without mpirun"});
  LiveCalibration live = calibrate_live(plan.follow.dump, plan.options, plan.follow.options);
  session.console.finish();
  const std::string interval =
      std::isfinite(live.widest_interval)
          ? fmt::format("thresholds within ±{:.3g}% (95%) as softmax weights", 100 * live.widest_interval)
          : "too few samples for an interval of every threshold";
  const std::string used = fmt::format("{} samples used; {}", live.samples, interval);
  if (live.end == FollowEnd::timed_out)
    session.console.warn("the writer did not finish in time: " + used,
                         "calibrate again once the dump is complete");
  else
    session.console.note(used);
  Provenance& provenance = live.calibration.table.meta.provenance;
  provenance = session.provenance;
  provenance.inputs = files_of(live.end == FollowEnd::writer_ended
                                   ? live_input(plan.follow.dump)
                                   : std::vector<CalibrationInput>{{plan.follow.dump.string(), {}, {}}});
  return {std::move(live.calibration), {0, live.samples}};
}

// A file that is given twice, under whatever name.
void warn_of_repeated_inputs(const std::vector<CalibrationInput>& inputs, Session& session) {
  std::map<std::string, std::string> known;  // the path of the first file with this fingerprint
  for (const CalibrationInput& input : inputs) {
    if (input.fingerprint.empty()) continue;
    const auto [first, is_new] = known.emplace(input.fingerprint, input.path);
    if (!is_new)
      session.console.warn(
          fmt::format("{} is the same as {}, so its rows count twice", input.path, first->second),
          "leave one of them out");
  }
}

void advise(RowSource& source, const std::vector<std::int64_t>& document_of, const FitPlan& plan,
            const CalibrationOutcome& outcome, Session& session) {
  if (plan.precision > 0 && outcome.calibration)
    advise_on_documents(source, document_of, outcome.calibration->table, plan.precision, session);
}

}  // namespace

CalibrationOutcome run_fit(const FitPlan& plan, Session& session) {
  if (!plan.follow.dump.empty()) return follow(plan, session);
  CalibrationJob job = job_of(plan, session);
  if (!plan.dumps.empty()) {
    DumpSource source(plan.dumps);
    if (plan.resources.max_memory > 0)
      limit_memory(source, plan.options, plan.share.shard, plan.resources.max_memory);
    job.inputs = fingerprinted(plan.dumps, plan.resources.digest);
    warn_of_repeated_inputs(job.inputs, session);
    CalibrationOutcome outcome = run(source, plan, std::move(job));
    advise(source, {}, plan, outcome, session);
    return outcome;
  }
  LanguageModel model = load_model(plan.source, session);
  const std::vector<TextWindow> windows =
      text_windows(model, plan.source.texts, plan.context, plan.source.ids);
  // Small files, and a model that was digested when it was loaded: their digest tells them apart.
  for (const InputFile& file : provenance_of(plan.source, model, session).inputs)
    job.inputs.push_back({file.path, file.sha256, file.sha256});
  warn_of_repeated_inputs(job.inputs, session);
  ModelSource source(model, windows, plan.options.placement, plan.options.layer_k, plan.context,
                     plan.options.kept);
  CalibrationOutcome outcome = run(source, plan, std::move(job));
  std::vector<std::int64_t> document_of;
  document_of.reserve(windows.size());
  for (const TextWindow& window : windows)
    document_of.push_back(window.document);
  advise(source, document_of, plan, outcome, session);
  return outcome;
}

}  // namespace toptheta::app
