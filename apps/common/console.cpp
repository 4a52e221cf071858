#include "common/console.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/output.hpp"
#include "core/utf8.hpp"

namespace toptheta::app {

namespace {

constexpr const char* kBytes = "bytes";

std::string format_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// "1.25 GB": decimal, as rates of disks and memory are given.
std::string format_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(kUnits); ++unit)
    bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

std::string format_rate(double rate) {
  return rate >= 100 ? fmt::format("{:.0f}", rate) : fmt::format("{:.3g}", rate);
}

}  // namespace

Console::Console(std::string program, ProgressStyle style, bool quiet)
    : program_(std::move(program)), style_(quiet ? ProgressStyle::none : style), quiet_(quiet) {}

Console::~Console() {
  finish();
}

void Console::print(const std::string& text) {
  write_stderr(text);
}

void Console::clear_line() {
  if (line_shown_) print("\r\x1b[2K");
  line_shown_ = false;
}

void Console::warn(const std::string& what, const std::string& next) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  clear_line();
  const std::string advice = next.empty() ? "" : fmt::format(" ({})", printable(next));
  print(fmt::format("{}: warning: {}{}\n", program_, printable(what), advice));
}

void Console::note(const std::string& what) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  clear_line();
  print(fmt::format("{}: note: {}\n", program_, printable(what)));
}

void Console::start_stage(const std::string& stage, std::int64_t done) {
  stage_ = stage;
  done_before_ = done;
  stage_start_ = Clock::now();
  last_shown_ = {};
}

std::string Console::render(std::int64_t done, std::int64_t total, const std::string& unit,
                            double seconds) const {
  const double rate = seconds > 0 ? static_cast<double>(done - done_before_) / seconds : 0;
  const bool known = total > 0 && rate > 0;
  const double eta = known ? static_cast<double>(total - done) / rate : 0;
  if (style_ == ProgressStyle::json) {
    nlohmann::ordered_json json = {{"stage", stage_}, {"done", done}, {"unit", unit}, {"seconds", seconds}};
    json["total"] = total > 0 ? nlohmann::ordered_json(total) : nlohmann::ordered_json(nullptr);
    json["rate"] = rate;
    if (unit == kBytes) json["gb_per_second"] = rate / 1e9;
    json["eta_seconds"] = known ? nlohmann::ordered_json(eta) : nlohmann::ordered_json(nullptr);
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  const bool bytes = unit == kBytes;
  std::string line = "\r\x1b[2K" + printable(stage_) + "  ";
  if (bytes) {
    line += format_bytes(static_cast<double>(done));
    if (total > 0) line += " of " + format_bytes(static_cast<double>(total));
  } else {
    line += fmt::format("{}", done);
    if (total > 0) line += fmt::format("/{}", total);
    line += fmt::format(" {}", unit);
  }
  if (total > 0) line += fmt::format("  {}%", 100 * done / total);
  if (rate > 0)
    line +=
        bytes ? fmt::format("  {}/s", format_bytes(rate)) : fmt::format("  {} {}/s", format_rate(rate), unit);
  if (known) line += "  ETA " + format_duration(eta);
  return line;
}

void Console::progress(const std::string& stage, std::int64_t done, std::int64_t total,
                       const std::string& unit) {
  if (style_ == ProgressStyle::none) return;
  const std::lock_guard lock(mutex_);
  if (stage != stage_) start_stage(stage, done);
  const Clock::time_point now = Clock::now();
  const auto interval =
      style_ == ProgressStyle::json ? std::chrono::milliseconds(1000) : std::chrono::milliseconds(100);
  const bool first = last_shown_ == Clock::time_point{};
  if (!first && now - last_shown_ < interval && done != total) return;
  last_shown_ = now;
  print(render(done, total, unit, std::chrono::duration<double>(now - stage_start_).count()));
  line_shown_ = style_ == ProgressStyle::line;
}

void Console::finish() {
  const std::lock_guard lock(mutex_);
  clear_line();
  stage_.clear();
}

}  // namespace toptheta::app
