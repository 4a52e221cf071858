#include "tt_calibrate/fit_job.hpp"

#include "core/sha256.hpp"
#include "eval/dump_source.hpp"
#include "eval/model_source.hpp"
#include "theta/table_file.hpp"

namespace toptheta::app {

namespace {

CalibrationJob job_of(const FitPlan& plan, const Session& session) {
  CalibrationJob job;
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
  CalibrationOutcome outcome = run_calibration(source, plan.options, job);
  if (!outcome.calibration) return outcome;
  digest_share(job.inputs, {});
  Provenance& provenance = outcome.calibration->table.meta.provenance;
  provenance = job.provenance;
  provenance.inputs = files_of(job.inputs);
  return outcome;
}

}  // namespace

CalibrationOutcome run_fit(const FitPlan& plan, Session& session) {
  CalibrationJob job = job_of(plan, session);
  if (!plan.dumps.empty()) {
    DumpSource source(plan.dumps);
    job.inputs = fingerprinted(plan.dumps);
    return run(source, plan, std::move(job));
  }
  LanguageModel model = load_language_model(plan.source.model);
  const std::vector<TextWindow> windows = text_windows(model, plan.source.texts, plan.context);
  // Small files, and a model that was digested when it was loaded: their digest tells them apart.
  for (const InputFile& file : provenance_of(plan.source, model, session).inputs)
    job.inputs.push_back({file.path, file.sha256, file.sha256});
  ModelSource source(model, windows, plan.options.placement, plan.options.layer_k, plan.context);
  return run(source, plan, std::move(job));
}

}  // namespace toptheta::app
