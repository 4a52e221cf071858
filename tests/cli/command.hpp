// Runs the built programs as a user would.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace toptheta::testing {

struct Outcome {
  int status = -1;  // exit status; -1 where a signal ended it
  std::string out;
  std::string err;
};

// Runs "tt-calibrate" or "tt-eval" with these arguments, in `directory`. Standard output goes to `out_path`
// where it is not empty.
Outcome run_program(const std::string& program, const std::vector<std::string>& arguments,
                    const std::filesystem::path& directory, const std::filesystem::path& out_path = {});

std::string content_of(const std::filesystem::path& path);

}  // namespace toptheta::testing
