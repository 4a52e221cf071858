// Errors a user can act on, and the exit statuses they end in.
//
// A user's mistake throws an `Error`; a broken invariant of our own is an assert or a std::logic_error. A
// message says where, what was expected, what was found and what to do next:
//
//   throw InputError({.where = "dump.h5:/samples/a/layers/3/scores", .what = "wrong shape",
//                     .expected = "[8, rows, 512]", .found = "[4, 12, 512]",
//                     .next = "write one score matrix per query head"});
#pragma once
#include <stdexcept>
#include <string>

namespace toptheta {

// Exit statuses of both programs.
enum class ExitStatus {
  done = 0,          // the result was written
  check_failed = 1,  // a check the user asked for did not hold
  usage = 2,         // the command line or a configuration file is wrong
  bad_input = 3,     // a file's content is wrong, or does not fit another file
  unfinished = 4,    // the machine could not go on: no space or memory left, cannot write, interrupted
};

// The parts of a message; empty parts are left out.
struct Problem {
  std::string where{};     // file, data set, line, byte, flag
  std::string what{};      // what is wrong, in a few words
  std::string expected{};  // what would have been right
  std::string found{};     // what is there instead
  std::string next{};      // what to do about it
};

// "where: what", followed by indented "expected", "found" and "next" lines, without a final line break.
// Control characters and invalid UTF-8 are written out (core/utf8.hpp).
std::string format_problem(const Problem& problem);

class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, Problem problem);
  [[nodiscard]] ExitStatus status() const { return status_; }
  [[nodiscard]] const Problem& problem() const { return problem_; }

 private:
  ExitStatus status_;
  Problem problem_;
};

// Exit status 2.
struct UsageError : Error {
  explicit UsageError(Problem problem) : Error(ExitStatus::usage, std::move(problem)) {}
};

// Exit status 3.
struct InputError : Error {
  explicit InputError(Problem problem) : Error(ExitStatus::bad_input, std::move(problem)) {}
};

// Exit status 4.
struct UnfinishedError : Error {
  explicit UnfinishedError(Problem problem) : Error(ExitStatus::unfinished, std::move(problem)) {}
};

}  // namespace toptheta
