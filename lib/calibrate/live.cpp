#include "calibrate/live.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

#include "calibrate/drawn_rows.hpp"
#include "calibrate/dump_source.hpp"
#include "calibrate/states.hpp"
#include "core/error.hpp"
#include "dump/live.hpp"

namespace toptheta {

namespace {

class Follower {
 public:
  Follower(const std::filesystem::path& path, const CalibrationOptions& options, const FollowOptions& follow)
      : path_(path), options_(options), follow_(follow) {}

  LiveCalibration execute();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool has_waited_enough() const {
    return std::chrono::duration<double>(Clock::now() - last_news_).count() >= follow_.timeout;
  }
  // Waits for samples beyond those taken, or for the end mark; nullopt once the time is up.
  std::optional<LiveProgress> await();
  void begin(const DumpReader& dump);
  void take(const DumpReader& dump, std::int64_t sample, DrawnRows& rows, RowSink& sink) const;
  // Takes samples up to `complete`; stops early, and returns true, once the intervals are narrow enough.
  bool take_up_to(std::int64_t complete);
  void add_sdc();

  const std::filesystem::path& path_;
  const CalibrationOptions& options_;
  const FollowOptions& follow_;
  std::optional<CalibrationStates> states_;
  std::optional<DrawnRows> rows_;
  std::int64_t taken_ = 0;
  Clock::time_point last_news_ = Clock::now();
};

std::optional<LiveProgress> Follower::await() {
  for (;;) {
    const auto progress = live_progress(path_);
    if (progress && (progress->samples > taken_ || progress->ended)) return progress;
    if (has_waited_enough()) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::duration<double>(follow_.poll));
  }
}

void Follower::begin(const DumpReader& dump) {
  const DumpHeader& header = dump.header();
  states_.emplace(setup_of(options_, {.shape = header.shape,
                                      .row_content = header.placement,
                                      .model = header.model,
                                      .topk_at_calibration = header.topk_at_calibration,
                                      .weights = {}}));
  rows_.emplace(options_, states_->smallest_k(0), true);
}

void Follower::take(const DumpReader& dump, std::int64_t sample, DrawnRows& rows, RowSink& sink) const {
  const auto index = static_cast<std::size_t>(sample);
  stream_sample(dump, index, rows.draw(sample_lengths(dump, index)), sink);
}

bool Follower::take_up_to(std::int64_t complete) {
  const DumpReader dump = DumpReader::open_live(path_, complete);
  if (static_cast<std::int64_t>(dump.samples().size()) < complete)
    throw InputError({.where = path_.string() + ":/progress",
                      .what = "it counts more complete samples than the file holds",
                      .expected = fmt::format("at most {}", dump.samples().size()),
                      .found = fmt::format("{}", complete)});
  if (!states_) begin(dump);
  while (taken_ < complete) {
    take(dump, taken_, *rows_, states_->sink(0));
    ++taken_;
    if (options_.progress) options_.progress("following", taken_, 0, "samples");
    if (follow_.until_interval > 0 && states_->thresholds(0).widest_interval() <= follow_.until_interval)
      return true;
  }
  last_news_ = Clock::now();
  return false;
}

void Follower::add_sdc() {
  states_->begin_sdc();
  DrawnRows rows(options_, states_->smallest_k(0), false);
  const DumpReader dump = DumpReader::open_live(path_, taken_);
  for (std::int64_t sample = 0; sample < taken_; ++sample) {
    take(dump, sample, rows, states_->sdc(0));
    if (options_.progress) options_.progress("SDC", sample + 1, taken_, "samples");
  }
}

LiveCalibration Follower::execute() {
  LiveCalibration result;
  for (;;) {
    const auto progress = await();
    if (!progress) {
      result.end = FollowEnd::timed_out;
      break;
    }
    if (progress->samples > taken_ && take_up_to(progress->samples)) {
      result.end = FollowEnd::narrow_enough;
      break;
    }
    if (progress->ended) break;
  }
  if (taken_ == 0)
    throw UnfinishedError(
        {.where = path_.string(),
         .what = result.end == FollowEnd::timed_out
                     ? fmt::format("no sample was complete within {} s", follow_.timeout)
                     : "the writer ended without a complete sample",
         .next = "start the writer, give a longer --follow-timeout, and see docs/formats.md"});
  result.samples = taken_;
  result.widest_interval = states_->thresholds(0).widest_interval();
  if (options_.has_sdc()) add_sdc();
  result.calibration = {options_.has_sdc() ? states_->table_with_sdc() : states_->table(),
                        states_->warnings()};
  if (options_.has_sdc())
    for (std::string& warning : states_->sdc_warnings(result.calibration.table))
      result.calibration.warnings.push_back(std::move(warning));
  return result;
}

}  // namespace

LiveCalibration calibrate_live(const std::filesystem::path& path, const CalibrationOptions& options,
                               const FollowOptions& follow) {
  return Follower(path, options, follow).execute();
}

}  // namespace toptheta
