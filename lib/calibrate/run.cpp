#include "calibrate/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>

#include "calibrate/drawn_rows.hpp"
#include "calibrate/exchange.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

class Run {
 public:
  Run(RowSource& source, const CalibrationOptions& options, CalibrationJob job)
      : source_(source),
        options_(options),
        job_(std::move(job)),
        cluster_(job_.cluster != nullptr && job_.cluster->size() > 1 ? job_.cluster : nullptr),
        identity_{setup_of(options, source.description()), job_.provenance, job_.inputs, job_.shard,
                  job_.sdc_table_sha256},
        range_(samples_of(source.description().weights, job_.shard)),
        states_(identity_.setup) {
    if (cluster_ == nullptr) return;
    identity_.shard = {cluster_->rank(), cluster_->size()};
    range_ = samples_of(source.description().weights, identity_.shard);
    job_.checkpoint.path = own_checkpoint(job_.checkpoint.path, cluster_->rank(), cluster_->size());
  }

  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { source_.on_read({}); }  // the source outlives this object, which its callback refers to

  CalibrationOutcome execute();

 private:
  using Clock = std::chrono::steady_clock;

  void resume();
  void walk_stage(Stage stage);
  void walk_group(Stage stage, std::int64_t group);
  void stream(std::int64_t sample, std::int64_t group, std::span<const std::int32_t> lengths, RowSink& sink);
  void after_sample(std::string_view stage);
  void report_bytes(std::string_view stage);
  void write_part_file(Stage stage);
  void reach_common_stage();
  void finish_thresholds(bool needed_by_all);
  CalibrationOutcome result(Stage stage);

  RowSource& source_;
  const CalibrationOptions& options_;
  CalibrationJob job_;
  Communicator* cluster_;  // null where this process works alone
  PartIdentity identity_;
  SampleRange range_;
  CalibrationStates states_;
  WalkPosition position_;
  std::int64_t done_ = 0;
  std::atomic<std::int64_t> read_ = 0;  // bytes read in this stage, of to_read_
  std::int64_t to_read_ = 0;
  Clock::time_point saved_ = Clock::now();
};

void Run::resume() {
  const std::filesystem::path& path = job_.checkpoint.path;
  if (!job_.checkpoint.resume || !std::filesystem::exists(path)) return;
  const CalibrationPart part = read_part(path);
  if (!part.checkpoint)
    throw InputError({.where = part.path,
                      .what = "this is a finished part, not a checkpoint",
                      .next = "merge it with the others: tt-calibrate merge"});
  require_same_calibration(identity_, "this run", part.identity, part.path);
  if (part.identity.shard != identity_.shard)
    throw InputError({.where = part.path,
                      .what = "the checkpoint of another shard",
                      .expected = fmt::format("{}/{}", identity_.shard.index + 1, identity_.shard.count),
                      .found = fmt::format("{}/{}", part.identity.shard.index + 1, part.identity.shard.count),
                      .next = "give every process a checkpoint of its own"});
  position_ = part.position;
  if (job_.sdc_table == nullptr) states_.add_saved_thresholds(part.states());
  if (position_.stage == Stage::sdc) {
    if (job_.sdc_table == nullptr) states_.begin_sdc();
    states_.add_saved_sdc(part.states());
  }
}

void Run::stream(std::int64_t sample, std::int64_t group, std::span<const std::int32_t> lengths,
                 RowSink& sink) {
  source_.stream(sample, lengths, states_.topk_of(static_cast<std::size_t>(group)), sink);
}

// Reports progress in bytes as they are read, if the source reads any.
void Run::report_bytes(std::string_view stage) {
  const std::vector<std::int64_t>& bytes = source_.description().bytes;
  if (!options_.progress || bytes.empty()) return;
  const std::int64_t begun = std::max(range_.first, position_.sample);
  const auto groups = static_cast<std::int64_t>(states_.groups()) - position_.group;
  to_read_ = std::accumulate(bytes.begin() + begun, bytes.begin() + range_.last, std::int64_t{0});
  to_read_ += (groups - 1) *
              std::accumulate(bytes.begin() + range_.first, bytes.begin() + range_.last, std::int64_t{0});
  to_read_ = static_cast<std::int64_t>(static_cast<double>(to_read_) * options_.row_fraction);
  read_ = 0;
  options_.progress(stage, 0, to_read_, "bytes");
  source_.on_read([this, stage](std::int64_t more) {
    // to_read_ is an estimate: rows that nobody needs are not read, and the drawn share is approximate.
    const std::int64_t read = read_ += more;
    options_.progress(stage, std::min(read, to_read_), to_read_, "bytes");
  });
}

void Run::after_sample(std::string_view stage) {
  if (options_.progress && source_.description().bytes.empty())
    options_.progress(stage, ++done_,
                      (range_.last - range_.first) * static_cast<std::int64_t>(states_.groups()),
                      source_.description().unit);
  if (cluster_ != nullptr) cluster_->check_peers();
  if (job_.checkpoint.path.empty()) return;
  const std::chrono::duration<double> elapsed = Clock::now() - saved_;
  if (elapsed.count() < job_.checkpoint.seconds) return;
  write_checkpoint(job_.checkpoint.path, identity_, states_, position_);
  saved_ = Clock::now();
}

void Run::walk_group(Stage stage, std::int64_t group) {
  const auto index = static_cast<std::size_t>(group);
  RowSink& sink = stage == Stage::thresholds ? states_.sink(index) : states_.sdc(index);
  const std::string_view name = stage == Stage::thresholds ? "calibrating" : "SDC";
  DrawnRows rows(options_, states_.smallest_k(index), stage == Stage::thresholds);
  const std::int64_t next = std::max(range_.first, position_.sample);
  // Unless all rows are used, what is drawn of a sample depends on the samples before it, so that those must
  // be drawn from too.
  for (std::int64_t sample = options_.row_fraction < 1 ? 0 : next; sample < range_.last; ++sample) {
    const std::vector<std::int32_t> drawn = rows.draw(source_.lengths(sample));
    if (sample < next) continue;
    // If all rows are too short to be drawn, `drawn` is empty and all of them are streamed, so that the sink
    // knows their lengths and can say why there are no thresholds.
    stream(sample, group, drawn, sink);
    position_ = {stage, group, sample + 1};
    after_sample(name);
  }
}

void Run::walk_stage(Stage stage) {
  if (position_.stage != stage) position_ = {stage, 0, 0};
  done_ = 0;
  report_bytes(stage == Stage::thresholds ? "calibrating" : "SDC");
  for (std::int64_t group = position_.group; group < static_cast<std::int64_t>(states_.groups()); ++group) {
    walk_group(stage, group);
    position_ = {stage, group + 1, 0};
  }
  if (options_.progress && to_read_ > 0)
    options_.progress(stage == Stage::thresholds ? "calibrating" : "SDC", to_read_, to_read_, "bytes");
}

void Run::write_part_file(Stage stage) {
  digest_share(identity_.inputs, identity_.shard);
  write_part(job_.part, identity_, states_, stage);
}

void Run::reach_common_stage() {
  if (cluster_ == nullptr || !job_.checkpoint.resume || job_.sdc_table != nullptr) return;
  // A process in stage "sdc" has the common thresholds already; those that are behind take them from it.
  if (!spread_thresholds_of_those_ahead(*cluster_, identity_, position_.stage, states_)) return;
  if (position_.stage == Stage::sdc) return;
  states_.begin_sdc();
  position_ = {Stage::sdc, 0, 0};
}

// Adds up the thresholds of all processes, and gives the result to all of them if they go on with it.
void Run::finish_thresholds(bool needed_by_all) {
  if (cluster_ == nullptr) return;
  reduce_states(*cluster_, identity_, Stage::thresholds, states_);
  if (needed_by_all) spread_thresholds(*cluster_, identity_, 0, states_);
}

CalibrationOutcome Run::result(Stage stage) {
  if (!job_.part.empty()) {
    write_part_file(stage);
    return {std::nullopt, range_};
  }
  if (cluster_ != nullptr && cluster_->rank() != 0) return {std::nullopt, range_};
  Calibration calibration{stage == Stage::sdc ? states_.table_with_sdc() : states_.table(), {}};
  if (job_.sdc_table == nullptr) calibration.warnings = states_.warnings();
  if (stage == Stage::sdc)
    for (std::string& warning : states_.sdc_warnings(calibration.table))
      calibration.warnings.push_back(std::move(warning));
  return {std::move(calibration), range_};
}

CalibrationOutcome Run::execute() {
  const bool two_stages = options_.has_sdc() && job_.part.empty();
  if (job_.sdc_table != nullptr) states_.begin_sdc(*job_.sdc_table, job_.sdc_table_name);
  resume();
  reach_common_stage();
  if (job_.sdc_table == nullptr && position_.stage == Stage::thresholds) {
    walk_stage(Stage::thresholds);
    finish_thresholds(two_stages);
    if (!two_stages) return result(Stage::thresholds);
    states_.begin_sdc();
  }
  walk_stage(Stage::sdc);
  if (cluster_ != nullptr) reduce_states(*cluster_, identity_, Stage::sdc, states_);
  return result(Stage::sdc);
}

}  // namespace

std::filesystem::path own_checkpoint(const std::filesystem::path& path, int rank, int size) {
  if (path.empty() || size == 1) return path;
  return path.string() + fmt::format(".{}-of-{}", rank + 1, size);
}

CalibrationOutcome run_calibration(RowSource& source, const CalibrationOptions& options, CalibrationJob job) {
  return Run(source, options, std::move(job)).execute();
}

}  // namespace toptheta
