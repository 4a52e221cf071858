#include "cli/command.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace toptheta::testing {

namespace {

std::string path_of(const std::string& program) {
  return program == "tt-calibrate" ? TT_CALIBRATE_PROGRAM : TT_EVAL_PROGRAM;
}

void redirect(int descriptor, const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(127);
}

}  // namespace

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

RunningProgram::RunningProgram(const std::string& program, const std::vector<std::string>& arguments,
                               const std::filesystem::path& directory, const std::filesystem::path& out_path)
    : out_(out_path.empty() ? captured_.path("out") : out_path), keeps_out_(out_path.empty()) {
  const std::filesystem::path err = captured_.path("err");
  const std::string executable = path_of(program);
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);

  child_ = ::fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ == 0) {
    redirect(STDOUT_FILENO, out_);
    redirect(STDERR_FILENO, err);
    if (::chdir(directory.c_str()) != 0) ::_exit(127);
    ::execv(executable.c_str(), argv.data());
    ::_exit(127);
  }
}

RunningProgram::~RunningProgram() {
  if (child_ <= 0) return;
  kill();
  (void)wait();
}

void RunningProgram::kill(int signal) const {
  ::kill(child_, signal);
}

Outcome RunningProgram::wait() {
  int status = 0;
  ::waitpid(std::exchange(child_, 0), &status, 0);
  Outcome outcome;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.out = keeps_out_ ? content_of(out_) : "";
  outcome.err = content_of(captured_.path("err"));
  return outcome;
}

Outcome run_program(const std::string& program, const std::vector<std::string>& arguments,
                    const std::filesystem::path& directory, const std::filesystem::path& out_path) {
  return RunningProgram(program, arguments, directory, out_path).wait();
}

}  // namespace toptheta::testing
