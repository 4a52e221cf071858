// What a command writes to stderr while it works: progress, warnings and notes. Results are written
// elsewhere.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace toptheta::app {

enum class ProgressStyle {
  none,
  line,  // one line on a terminal, rewritten in place
  json,  // one JSON object per line
};

// Safe to use from several threads.
class Console {
 public:
  Console(std::string program, ProgressStyle style, bool quiet);
  // Ends the current progress line.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  [[nodiscard]] bool quiet() const { return quiet_; }
  // "warning: what (next)", without the parentheses if `next` is empty; silent when quiet.
  void warn(const std::string& what, const std::string& next);
  // "note: what"; silent when quiet.
  void note(const std::string& what);

  // `done` of `total` `unit` of the stage are finished; total 0: unknown. The unit "bytes" is shown as 1.2 of
  // 40 GB, with GB/s. A new stage name restarts the clock. Shown at most ten times a second (JSON: once), and
  // always when done reaches total.
  void progress(const std::string& stage, std::int64_t done, std::int64_t total, const std::string& unit);
  // Removes the progress line, before results are printed.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void print(const std::string& text);
  void clear_line();
  void start_stage(const std::string& stage, std::int64_t done);
  [[nodiscard]] std::string render(std::int64_t done, std::int64_t total, const std::string& unit,
                                   double seconds) const;

  std::mutex mutex_;
  std::string program_;
  ProgressStyle style_;
  bool quiet_;
  bool line_shown_ = false;
  std::string stage_;
  std::int64_t done_before_ = 0;  // at the first report of the stage; the time it took is not known
  Clock::time_point stage_start_{};
  Clock::time_point last_shown_{};
};

}  // namespace toptheta::app
