// The frame of both programs: it parses, resolves and runs, and turns errors into exit statuses.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/session.hpp"

namespace toptheta::app {

// One subcommand. It declares its flags once, for parsing, --help, --config and --print-config; later it
// resolves the given flags into a plan and runs it.
class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  virtual void declare(CLI::App& app) = 0;
  // Whether several processes may work on it together, started by mpirun.
  [[nodiscard]] virtual bool is_parallel() const { return false; }
  // Throws Error. Prints the result only when it is complete.
  virtual void run(Session& session) = 0;
};

struct CommandEntry {
  std::string name;
  std::string summary;
  std::string example;  // the end of --help
  std::function<std::unique_ptr<Command>()> make;
};

struct Program {
  std::string name;
  std::string summary;
  std::string example;
  std::vector<CommandEntry> commands;
};

// The whole program; returns its exit status (docs/cli.md, "Exit status").
int run_main(const Program& program, int argc, char** argv);

}  // namespace toptheta::app
