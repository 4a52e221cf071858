#include "common/program.hpp"

#include <fmt/format.h>

#include <fstream>
#include <new>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::app;

namespace {

// Ends in whatever --end names.
class EndCommand : public Command {
 public:
  void declare(CLI::App& app) override { app.add_option("--end", end_, "How to end"); }
  void run(Session& session) override {
    seed_seen = session.seed;
    if (end_ == "input") throw InputError({.where = "file", .what = "wrong"});
    if (end_ == "usage") throw UsageError({.what = "wrong"});
    if (end_ == "check") throw Error(ExitStatus::check_failed, {.what = "missed"});
    if (end_ == "memory") throw std::bad_alloc();
    if (end_ == "bug") throw std::logic_error("broken");
  }
  static inline std::uint64_t seed_seen = 0;

 private:
  std::string end_;
};

int run(std::vector<std::string> arguments) {
  const Program program{"prog", "A program", "", {{"end", "Ends", "  prog end", [] {
                                                     return std::make_unique<EndCommand>();
                                                   }}}};
  arguments.insert(arguments.begin(), "prog");
  std::vector<char*> argv;
  for (std::string& argument : arguments)
    argv.push_back(argument.data());
  return run_main(program, static_cast<int>(argv.size()), argv.data());
}

}  // namespace

TEST_CASE("every way to end has its exit status") {
  CHECK(run({"end"}) == 0);
  CHECK(run({"end", "--end", "check"}) == 1);
  CHECK(run({"end", "--end", "usage"}) == 2);
  CHECK(run({"end", "--end", "input"}) == 3);
  CHECK(run({"end", "--end", "memory"}) == 4);
  CHECK(run({"end", "--end", "bug"}) == 4);
}

TEST_CASE("common flags may stand before the subcommand and after it") {
  const testing::TempDir dir;
  const std::string file = dir.path("c.toml").string();
  std::ofstream(file) << "[end]\nseed = 7\n";
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--config", file, "end"},
                                                    {"--config=" + file, "end"},
                                                    {"end", "--config", file}}) {
    EndCommand::seed_seen = 0;
    CHECK(run(arguments) == 0);
    CHECK(EndCommand::seed_seen == 7);
  }
  CHECK(run({"-q", "--seed", "9", "end", "--end", "check"}) == 1);
  CHECK(EndCommand::seed_seen == 9);
  CHECK(run({"--seed", "x", "end"}) == 2);
  CHECK(run({"--config", dir.path("none.toml").string(), "end"}) == 2);
  CHECK(run({"--config", file, "edn"}) == 2);
  CHECK(run({"--config", file}) == 2);
}

TEST_CASE("a wrong command line is status 2") {
  CHECK(run({}) == 2);
  CHECK(run({"none"}) == 2);
  CHECK(run({"end", "--none"}) == 2);
  CHECK(run({"end", "--threads", "two"}) == 2);
  CHECK(run({"end", "--threads", "-1"}) == 2);
  CHECK(run({"end", "--progress", "loud"}) == 2);
  CHECK(run({"end", "--config", "/none.toml"}) == 2);
}

TEST_CASE("a switch that is given a value is status 2") {
  for (const char* value : {"--quiet=5", "--quiet=false", "--quiet=", "--print-config=x", "-q=5"}) {
    INFO(value);
    CHECK(run({"end", value}) == (std::string(value) == "--quiet=" ? 0 : 2));
  }
  CHECK(run({"end", "--quiet=true"}) == 0);
  CHECK(run({"--quiet=5", "end"}) == 2);
}

TEST_CASE("an empty value, which would take the next flag for the value, is status 2") {
  CHECK(run({"end", "--end=", "--seed", "7"}) == 2);
  CHECK(run({"end", "--progress=", "--quiet"}) == 2);
  CHECK(run({"end", "--end", "", "--seed", "7"}) == 0);
  CHECK(EndCommand::seed_seen == 7);
}

TEST_CASE("the seed reaches the command") {
  CHECK(run({"end", "--seed", "18446744073709551615"}) == 0);
  CHECK(EndCommand::seed_seen == 18446744073709551615U);
}
