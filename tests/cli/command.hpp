// Runs the built programs as a user would.
#pragma once
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temp_dir.hpp"

namespace toptheta::testing {

struct Outcome {
  int status = -1;  // exit status; -1 where a signal ended it
  std::string out;
  std::string err;
};

// A program under way.
class RunningProgram {
 public:
  // As run_program().
  RunningProgram(const std::string& program, const std::vector<std::string>& arguments,
                 const std::filesystem::path& directory, const std::filesystem::path& out_path = {});
  // Kills it where it still runs.
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  void kill(int signal = SIGKILL) const;  // SIGKILL leaves nothing tidied up
  Outcome wait();                         // to its end; once

 private:
  TempDir captured_;
  std::filesystem::path out_;
  bool keeps_out_;
  int child_ = 0;
};

// Runs "tt-calibrate" or "tt-eval" with these arguments, in `directory`. Standard output goes to `out_path`
// where it is not empty.
Outcome run_program(const std::string& program, const std::vector<std::string>& arguments,
                    const std::filesystem::path& directory, const std::filesystem::path& out_path = {});

std::string content_of(const std::filesystem::path& path);

}  // namespace toptheta::testing
